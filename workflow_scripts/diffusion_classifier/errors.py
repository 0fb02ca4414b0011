"""The engine: the ε-prediction error of every (pair, sample)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .batching import Batches, out_of_memory
from .denoisers.base import Denoiser
from .losses import bound_term, noise_losses, variational_bound
from .messages import InputError
from .progress import Progress
from .schedules import Sample

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Inputs:
    """What batches are cut from.

    latents: `(image, c, h, w)` float32; images: `(image,)` int64, their ascending numbers in the
    data set; conditions: what the family's `encode_prompts` returned; noise: the shared bank,
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


@torch.inference_mode()
def epsilon_errors(
    denoiser: Denoiser,
    inputs: Inputs,
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    batch_size: int | str,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, np.ndarray]:
    """‖ε - ε_θ(x_t, t, c)‖ of every pair at every sample (paper, algorithm 1).

    `pairs` has the columns `image` (a number in `inputs.images`) and `prompt` (a row of the
    conditions). Returns one `(pair, sample)` float32 array per loss: `l1`, `l2`, `huber` and,
    where the model learned its variance, `vlb` (the bound's term at that timestep, bits per
    dimension). Batches are cut from the flat list of (pair, sample), so they are full however
    few prompts an image has left. Raises InputError if latents, noise and model do not fit
    together and FloatingPointError naming image, prompt and timestep if an error is not finite.
    """
    total = len(pairs) * len(samples)
    found: dict[str, Tensor] = {}
    for batch in forward_passes(denoiser, inputs, pairs, samples, batch_size, device, dtype):
        for name, values in _losses(denoiser, batch).items():
            found.setdefault(name, torch.empty(total, device=device))[batch.flat] = values
    errors = {
        name: values.view(len(pairs), len(samples)).cpu().numpy() for name, values in found.items()
    }
    _check_finite(errors, pairs, samples)
    return errors


@dataclass(frozen=True)
class Batch:
    """One forward pass and what went into it; `flat` is pair · samples + sample, `(batch,)`.

    `x0`, `x_t`, `noise`, `predicted` and, where it is learned, `variance` are `(batch, c, h, w)`;
    `timestep` is `(batch,)` int64.
    """

    flat: Tensor
    x0: Tensor
    x_t: Tensor
    noise: Tensor
    timestep: Tensor
    predicted: Tensor
    variance: Tensor | None


def forward_passes(
    denoiser: Denoiser,
    inputs: Inputs,
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    batch_size: int | str,
    device: torch.device,
    dtype: torch.dtype,
) -> Iterator[Batch]:
    """The noise predicted of every (pair, sample), batch by batch; see `epsilon_errors`.

    To be iterated under `torch.inference_mode`. Only the network runs in `dtype`. `batch_size` is
    as in `batching.Batches`. Raises InputError if latents, noise and model do not fit together and
    MemoryError if not even one evaluation fits.
    """
    _check_shapes(inputs, samples, denoiser.process.timesteps)
    inputs = inputs.to(device)
    image_of = torch.searchsorted(inputs.images, _index(pairs["image"], device))
    prompt_of = _index(pairs["prompt"], device)
    timestep_of = torch.tensor([s.timestep for s in samples], dtype=torch.int64, device=device)
    noise_of = torch.tensor([s.noise for s in samples], dtype=torch.int64, device=device)
    total = len(pairs) * len(samples)
    progress, batches = Progress(total, "evaluations"), Batches(total, batch_size, device)
    for part in batches:
        flat = torch.arange(part.start, part.stop, device=device)
        pair, sample = flat // len(samples), flat % len(samples)
        x0, noise, timestep = (
            inputs.latents[image_of[pair]],
            inputs.noise[noise_of[sample]],
            timestep_of[sample],
        )
        condition = {name: value[prompt_of[pair]] for name, value in inputs.conditions.items()}
        x_t = denoiser.process.noised(x0, noise, timestep)
        predicted = None
        try:
            predicted, variance = denoiser.predict(x_t.to(dtype), timestep, condition)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        if predicted is None:  # only here is the error gone, and with it what it held on to
            batches.too_large()
            continue
        yield Batch(flat, x0, x_t, noise, timestep, predicted, variance)
        progress.update(part.stop)


def _losses(denoiser: Denoiser, batch: Batch) -> dict[str, Tensor]:
    """All losses of one batch, `(batch,)` float32 each."""
    losses = noise_losses(batch.predicted, batch.noise)
    if batch.variance is not None:
        bound = variational_bound(
            denoiser.process,
            batch.x0,
            batch.x_t,
            batch.timestep,
            batch.predicted,
            batch.variance,
        )
        losses["vlb"] = bound_term(*bound, batch.timestep)
    return losses


def _index(column: pd.Series, device: torch.device) -> Tensor:
    return torch.from_numpy(column.to_numpy("int64", copy=True)).to(device)


def _check_shapes(inputs: Inputs, samples: Sequence[Sample], timesteps: int) -> None:
    if inputs.latents.shape[1:] != inputs.noise.shape[1:]:
        raise InputError(
            f"latent_shape: found {list(inputs.noise.shape[1:])} in the model's entry, but its "
            f"latents have the shape {list(inputs.latents.shape[1:])}; set it to the latter"
        )
    highest = max((sample.noise for sample in samples), default=-1)
    if highest >= len(inputs.noise):
        raise InputError(
            f"noise.size: noise {highest} is asked for, but the bank has {len(inputs.noise)}; "
            "raise it"
        )
    last = max((sample.timestep for sample in samples), default=-1)
    if last >= timesteps:
        raise InputError(
            f"stages.samples: timestep {last} is asked for, but the model's scheduler has "
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
