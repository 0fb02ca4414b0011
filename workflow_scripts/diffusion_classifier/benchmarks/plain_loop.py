"""The authors' loop over images, with which the engine's speed is compared (paper, algorithm 1).

As in their published `eval_error`, images come one after another. The (prompt, sample) of an image
form a flat list, cut into batches of 32; the prompt's embedding is copied for every evaluation; the
network is the unchanged one of diffusers, in its default memory format. So results that many
evaluations share, such as the text's keys and values, are computed again for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.losses import bound_term, noise_losses, variational_bound
from diffusion_classifier.engine.samples import Sample

if TYPE_CHECKING:
    import pandas as pd

BATCH = 32
"""Evaluations in one pass, the authors' default."""


@dataclass(frozen=True)
class PlainModel:
    """An unchanged network of diffusers, with its forward process.

    `family` is `dit`, `stable-diffusion` or `stable-diffusion-xl`; `prediction` is one of
    PREDICTIONS.
    """

    network: nn.Module
    process: ForwardProcess
    family: str
    prediction: str = "epsilon"

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """ε and, if it is learned, the raw variance, `(batch, c, h, w)` each."""
        given = network_arguments(self.network, condition, x_t.dtype)
        output = self.network(x_t, timestep=timestep, **given).sample
        return self.process.noise_and_variance(output, x_t, timestep, self.prediction)


def network_arguments(
    network: nn.Module, condition: dict[str, Tensor], dtype: torch.dtype
) -> dict[str, Any]:
    """The arguments of a network of diffusers, except x_t and the timestep.

    `condition` has rows of the family's `encode_prompts`. SDXL also gets sizes: those of uncropped
    images of the size it was trained for.
    """
    if "class_labels" in condition:
        return {"class_labels": condition["class_labels"]}
    found: dict[str, Any] = {"encoder_hidden_states": condition["text"].to(dtype)}
    if "pooled" in condition:
        pooled, size = condition["pooled"].to(dtype), pixels(network)
        sizes = torch.tensor([*size, 0, 0, *size], dtype=dtype, device=pooled.device)
        ids = sizes.expand(len(pooled), -1)
        found["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": ids}
    return found


def pixels(network: nn.Module) -> tuple[int, int]:
    """(height, width) of the images of a latent UNet; its VAE reduces them to an eighth."""
    return (8 * network.config.sample_size,) * 2


@torch.inference_mode()
def plain_errors(
    model: PlainModel,
    inputs: Inputs,
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, np.ndarray]:
    """Same as `engine.epsilon_errors`, but image by image: `(pair, sample)` float32 per loss."""
    inputs = inputs.to(device)
    found: dict[str, np.ndarray] = {}
    for image, rows in pairs.groupby("image", sort=False):
        latent = inputs.latents[inputs.images == image]
        errors = _image_errors(model, latent, inputs, rows["prompt"].tolist(), samples, dtype)
        for name, values in errors.items():
            empty = np.empty((len(pairs), len(samples)), "float32")
            found.setdefault(name, empty)[rows.index] = values
    return found


def _image_errors(
    model: PlainModel,
    latent: Tensor,
    inputs: Inputs,
    prompts: Sequence[int],
    samples: Sequence[Sample],
    dtype: torch.dtype,
) -> dict[str, np.ndarray]:
    """The errors of one image's prompts, `(prompt, sample)`; `latent` is `(1, c, h, w)`."""
    flat = [(prompt, s.timestep, s.noise) for prompt in prompts for s in samples]
    found: dict[str, list[Tensor]] = {}
    for start in range(0, len(flat), BATCH):
        prompt, timestep, noise_index = torch.tensor(
            flat[start : start + BATCH], device=latent.device
        ).unbind(1)
        noise = inputs.noise[noise_index]
        condition = {name: value[prompt] for name, value in inputs.conditions.items()}
        alpha_bar = model.process.alphas_cumprod[timestep].view(-1, 1, 1, 1)
        x_t = latent * alpha_bar**0.5 + noise * (1 - alpha_bar) ** 0.5
        predicted, variance = model.predict(x_t.to(dtype), timestep, condition)
        losses = noise_losses(predicted, noise)
        if variance is not None:
            x0 = latent.expand_as(x_t)
            bound = variational_bound(model.process, x0, x_t, timestep, predicted, variance)
            losses["vlb"] = bound_term(*bound, timestep)
        for name, values in losses.items():
            found.setdefault(name, []).append(values.cpu())
    shape = (len(prompts), len(samples))
    return {name: torch.cat(parts).view(shape).numpy() for name, parts in found.items()}
