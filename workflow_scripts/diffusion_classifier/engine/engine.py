"""The engine measures the ε-prediction error of every (pair, sample)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from diffusion_classifier.denoisers.denoiser import (
    Denoiser,
    Query,
    compiled,
    predict_shared,
    prepare,
)
from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network
from diffusion_classifier.progress import Progress, Silence

from .batching import Batches, out_of_memory
from .journal import Journal
from .losses import bound_term, noise_losses, variational_bound
from .samples import Sample

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Inputs:
    """The tensors that batches are cut from.

    latents: `(image, c, h, w)` float32; images: `(image,)` int64, their ascending numbers in the
    data set; conditions: the output of the family's `encode_prompts`; noise: the shared bank,
    `(noise, c, h, w)` float32.
    """

    latents: Tensor
    images: Tensor
    conditions: dict[str, Tensor]
    noise: Tensor

    def to(self, device: torch.device) -> Inputs:
        conditions = {name: value.to(device) for name, value in self.conditions.items()}
        return Inputs(
            self.latents.to(device), self.images.to(device), conditions, self.noise.to(device)
        )


@dataclass(frozen=True)
class Batch:
    """The inputs and outputs of one forward pass, for the range `part` of the flat list.

    Evaluation number `part[i]` is sample · pairs + pair. `x0`, `x_t`, `noise` `(input, c, h, w)`
    and `timestep` `(input,)` are the distinct inputs; `row` `(batch,)` is the input of each
    evaluation. `decoder` says whether one of the timesteps is 0. `predicted` and `variance` (None
    if it is not learned) are `(batch, c, h, w)`.
    """

    part: range
    x0: Tensor
    x_t: Tensor
    noise: Tensor
    timestep: Tensor
    decoder: bool
    row: Tensor
    predicted: Tensor
    variance: Tensor | None


class Engine:
    """Measures errors of one denoiser on some inputs.

    All inputs are moved to the device once, and results that depend only on the prompts are
    computed once. Only the network runs in `dtype`. For `batch_size` see `batching.Batches`.
    Errors that a `journal` holds are not measured again. Raises InputError if latents and noise
    have different shapes.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        inputs: Inputs,
        batch_size: int | str,
        device: torch.device,
        dtype: torch.dtype,
        journal: Journal | None = None,
    ) -> None:
        check_latents(inputs)
        self.journal = journal
        self.denoiser, self.device, self.dtype = denoiser, device, dtype
        self.images = inputs.images.cpu().numpy()
        self.losses = compiled(_losses) if getattr(denoiser, "compiled", False) else _losses
        self.batches = Batches(batch_size, device)
        inputs = inputs.to(device)
        self.latents, self.noise = inputs.latents, inputs.noise
        with torch.inference_mode():
            self.prepared = prepare(denoiser, inputs.conditions)

    @in_network()
    @torch.inference_mode()
    def errors(
        self,
        pairs: pd.DataFrame,
        samples: Sequence[Sample],
        progress: Progress | Silence | None = None,
    ) -> dict[str, np.ndarray]:
        """‖ε - ε_θ(x_t, t, c)‖ of every pair at every sample (paper, algorithm 1).

        `pairs` has the columns `image` (a number in the inputs' `images`) and `prompt` (a row of
        the conditions). Returns one `(pair, sample)` float32 array per loss: `l1`, `l2`, `huber`
        and, where the model learned its variance, `vlb` (the bound's term at that timestep, bits
        per dimension). Raises InputError if the bank has too few noises or the model too few
        timesteps for the samples, FloatingPointError naming image, prompt and timestep if an error
        is not finite, and MemoryError if a single evaluation does not fit in memory.
        """
        total = len(pairs) * len(samples)
        known = self.journal.replay(total) if self.journal else {}
        start = max(map(len, known.values()), default=0)
        found = {name: [values.to(self.device)] for name, values in known.items()}
        for batch in self.passes(pairs, samples, progress, start):
            losses = self.losses(self.denoiser, batch)
            for name, values in losses.items():
                found.setdefault(name, []).append(values)
            if self.journal:
                self.journal.add(losses)
        errors = {
            name: np.ascontiguousarray(
                torch.cat(values).view(len(samples), len(pairs)).T.cpu().numpy()
            )
            for name, values in found.items()
        }
        try:
            _check_finite(errors, pairs, samples)
        except FloatingPointError:
            if self.journal:
                self.journal.close()  # or the next attempt would resume from these errors
            raise
        return errors

    def passes(
        self,
        pairs: pd.DataFrame,
        samples: Sequence[Sample],
        progress: Progress | Silence | None = None,
        start: int = 0,
    ) -> Iterator[Batch]:
        """Predict the noise of every (pair, sample) from `start` on, in batches; see `errors`.

        Iterate over it under `torch.inference_mode`. Batches are cut from the flat list of samples
        × pairs, so they are full even if an image has few prompts left, and evaluations of the same
        noised image are neighbours.
        """
        check_samples(samples, len(self.noise), self.denoiser.process.timesteps)
        total = len(pairs) * len(samples)
        progress = progress or Progress(total, "evaluations", before=start)
        index = _Index(self.images, pairs, samples)
        for part in self.batches.ranges(total, start):
            arrays = index.arrays(part)
            image, noise, timestep, row, prompt, cell, cell_timestep, cell_prompt = self._upload(
                arrays
            )
            x0, noise = self.latents[image], self.noise[noise]
            x_t = self.denoiser.process.noised(x0, noise, timestep)
            query = Query(
                x_t.to(self.dtype), timestep, row, prompt, cell, cell_timestep, cell_prompt
            )
            answer = None
            try:
                answer = predict_shared(self.denoiser, query, self.prepared)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            if answer is None:  # after the except block, which kept the pass's tensors alive
                self.batches.too_large()
                continue
            decoder = bool(arrays[2].min() == 0)  # on the host, so the device need not wait
            yield Batch(part, x0, x_t, noise, timestep, decoder, row, *answer)
            progress.update(part.stop)

    def _upload(self, arrays: list[np.ndarray]) -> tuple[Tensor, ...]:
        """Move index arrays to the device in one copy, on a GPU without waiting for it."""
        packed = torch.from_numpy(np.concatenate(arrays))
        if self.device.type == "cuda":
            packed = packed.pin_memory()
        moved = packed.to(self.device, non_blocking=True)
        return moved.split([len(array) for array in arrays])


class _Index:
    """Finds the inputs of evaluations, numbered sample · pairs + pair, on the host."""

    def __init__(self, images: np.ndarray, pairs: pd.DataFrame, samples: Sequence[Sample]) -> None:
        self.image = np.searchsorted(images, pairs["image"].to_numpy("int64"))
        self.prompt = pairs["prompt"].to_numpy("int64")
        self.timestep = np.array([sample.timestep for sample in samples], "int64")
        self.noise = np.array([sample.noise for sample in samples], "int64")

    def arrays(self, part: range) -> list[np.ndarray]:
        """The int64 arrays of a `Query`, with positions of latents and noises instead of values.

        Image, noise, timestep `(input,)`; row, prompt, cell `(batch,)`; each cell's timestep and
        prompt `(cell,)`.
        """
        sample, pair = np.divmod(np.arange(part.start, part.stop), len(self.prompt))
        image, prompt = self.image[pair], self.prompt[pair]
        new = np.diff(image, prepend=-1).astype(bool) | np.diff(sample, prepend=-1).astype(bool)
        row, first = np.cumsum(new) - 1, sample[new]
        prompts = self.prompt.max() + 1
        cells, cell = np.unique(self.timestep[sample] * prompts + prompt, return_inverse=True)
        inputs = [image[new], self.noise[first], self.timestep[first]]
        return [*inputs, row, prompt, cell, *np.divmod(cells, prompts)]


def epsilon_errors(
    denoiser: Denoiser,
    inputs: Inputs,
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    batch_size: int | str,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, np.ndarray]:
    """`Engine.errors` of an engine that is used only once."""
    return Engine(denoiser, inputs, batch_size, device, dtype).errors(pairs, samples)


def _losses(denoiser: Denoiser, batch: Batch) -> dict[str, Tensor]:
    """All losses of one batch, `(batch,)` float32 each."""
    losses = noise_losses(batch.predicted, batch.noise[batch.row])
    if batch.variance is not None:
        timestep = batch.timestep[batch.row]
        x0, x_t = batch.x0[batch.row], batch.x_t[batch.row]
        bound = variational_bound(
            denoiser.process, x0, x_t, timestep, batch.predicted, batch.variance, batch.decoder
        )
        losses["vlb"] = bound_term(*bound, timestep)
    return losses


def check_latents(inputs: Inputs) -> None:
    """Raise InputError if latents and noise have different shapes."""
    if inputs.latents.shape[1:] != inputs.noise.shape[1:]:
        raise InputError(
            f"latent_shape: found {list(inputs.noise.shape[1:])} in the model's entry, but its "
            f"latents have the shape {list(inputs.latents.shape[1:])}; set it to the latter"
        )


def check_samples(samples: Sequence[Sample], noises: int, timesteps: int) -> None:
    """Raise InputError if there are too few noises or timesteps for `samples`."""
    highest = max((sample.noise for sample in samples), default=-1)
    if highest >= noises:
        raise InputError(
            f"noise.size: found {noises}, but the samples need {highest + 1} noises; raise it"
        )
    last = max((sample.timestep for sample in samples), default=-1)
    if last >= timesteps:
        raise InputError(
            f"stages.samples: found timestep {last}, but the model's scheduler has "
            f"num_train_timesteps {timesteps}; expected a model of at least {last + 1} timesteps, "
            "choose another model"
        )


def _check_finite(
    errors: dict[str, np.ndarray], pairs: pd.DataFrame, samples: Sequence[Sample]
) -> None:
    """Raise FloatingPointError naming image, prompt and timestep of the first bad error."""
    for name, values in errors.items():
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            pair, sample = bad[0]
            raise FloatingPointError(
                f"{len(bad)} of {values.size} {name} errors are not finite; the first: image "
                f"{pairs['image'].iloc[pair]}, prompt {pairs['prompt'].iloc[pair]}, timestep "
                f"{samples[sample].timestep}. Check the model's weights, or try another `dtype` "
                "(float16 overflows where bfloat16 and float32 do not)"
            )
