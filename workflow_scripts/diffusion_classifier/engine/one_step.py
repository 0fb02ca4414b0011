"""Reconstruct a noised image in one step, given the right or the wrong prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.vae import load_vae
from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network

PROMPTS = ("right", "wrong")


@torch.inference_mode()
def reconstruct(
    denoiser: Denoiser,
    vae_folder: str,
    latents: Tensor,
    conditions: dict[str, Tensor],
    prompts_of: np.ndarray,
    noise: Tensor,
    timesteps: Sequence[int],
    device: torch.device,
    dtype: torch.dtype,
    family: str | None = None,
) -> xr.Dataset:
    """Images decoded from x_t and from x̂_0(x_t, ε_θ) under two prompts (DDPM eq. 15).

    `latents` are `(image, c, h, w)` float32; `conditions` come from the family's `encode_prompts`;
    `prompts_of` `(image, 2)` int are the conditions' rows for the right and the wrong prompt.
    `noise` is the shared bank, `(noise, c, h, w)` float32: the k-th of `timesteps` takes the k-th
    noise (from the start again if there are fewer), the same for both prompts and all images.
    `vae_folder` is the model's folder; without a vae/ in it the latent is the image. For `family`
    see `decoder`.

    Returns `decoded` (image, level, prompt, channel, row, column) and `noised` (image, level,
    channel, row, column), float32 in [0, 1]; `error` (image, level, prompt), the mean of
    (ε - ε_θ)², which the classifier compares; coordinates `timestep` (level) and `prompt`
    ("right", "wrong"). Raises InputError if the model does not have one of the timesteps.
    """
    _check_timesteps(timesteps, denoiser.process.timesteps)
    decode = decoder(vae_folder, device, dtype, family)
    levels = torch.tensor(list(timesteps), dtype=torch.int64, device=device)
    noise = noise[torch.arange(len(levels)) % len(noise)].to(device)
    conditions = {name: value.to(device) for name, value in conditions.items()}
    parts: dict[str, list[np.ndarray]] = {"decoded": [], "noised": [], "error": []}
    for latent, prompts in zip(latents, torch.as_tensor(prompts_of).to(device), strict=True):
        x0 = latent.to(device).expand_as(noise)
        x_t = denoiser.process.noised(x0, noise, levels)
        x0_hat, error = _one_step(denoiser, x_t, noise, levels, prompts, conditions, dtype)
        decoded = decode(x0_hat).unflatten(0, error.shape)
        for name, value in (("decoded", decoded), ("noised", decode(x_t)), ("error", error)):
            parts[name].append(value.float().cpu().numpy())
    return _dataset({name: np.stack(values) for name, values in parts.items()}, timesteps)


@in_network()
def _one_step(
    denoiser: Denoiser,
    x_t: Tensor,
    noise: Tensor,
    levels: Tensor,
    prompts: Tensor,
    conditions: dict[str, Tensor],
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """x̂_0 `(level x prompt, c, h, w)` and the squared error `(level, prompt)` of one image."""
    count = len(prompts)
    x_t, noise, timestep = (part.repeat_interleave(count, 0) for part in (x_t, noise, levels))
    condition = {name: value[prompts.repeat(len(levels))] for name, value in conditions.items()}
    predicted = denoiser.predict(x_t.to(dtype), timestep, condition)[0].float()
    error = (predicted - noise).square().flatten(1).mean(1).view(len(levels), count)
    return denoiser.process.predicted_x0(x_t, predicted, timestep), error


def decoder(
    folder: str, device: torch.device, dtype: torch.dtype, family: str | None = None
) -> Callable[[Tensor], Tensor]:
    """A function from latents to pixels in [0, 1], both `(batch, c, h, w)`.

    If the folder has a vae/, latents are unscaled as the model's `family` does it (see
    `vae.scaling`) and decoded; otherwise they are pixels in [-1, 1].
    """

    def pixels(decoded: Tensor) -> Tensor:
        return (decoded.float() / 2 + 0.5).clamp(0, 1)

    if not (Path(folder) / "vae").is_dir():
        return pixels
    vae, scaling = load_vae(folder, device, dtype, family)
    return lambda latents: pixels(vae.decode(scaling.encoded(latents).to(vae.dtype)).sample)


def _dataset(values: dict[str, np.ndarray], timesteps: Sequence[int]) -> xr.Dataset:
    pixels = ("channel", "row", "column")
    dims = {
        "decoded": ("image", "level", "prompt", *pixels),
        "noised": ("image", "level", *pixels),
        "error": ("image", "level", "prompt"),
    }
    return xr.Dataset(
        {name: (dims[name], value) for name, value in values.items()},
        {"timestep": ("level", np.array(timesteps, "int64")), "prompt": list(PROMPTS)},
    )


def _check_timesteps(timesteps: Sequence[int], count: int) -> None:
    outside = [timestep for timestep in timesteps if not 0 <= timestep < count]
    if outside or not timesteps:
        found = f"timestep {outside[0]}" if outside else "no timestep"
        raise InputError(
            f"timesteps of the reconstructions: found {found}, expected some of 0 to {count - 1}, "
            "the model's timesteps; correct them"
        )


def chosen_prompts(labels: np.ndarray, class_of: np.ndarray) -> np.ndarray:
    """A prompt of each image's right class and one of the next class: `(image, 2)` int64.

    `labels` are `(image,)` class indices and `class_of[prompt]` is the class of a prompt. The class
    after the last is the first. If a class has several prompts, the first is taken.
    """
    classes, first = np.unique(class_of, return_index=True)
    right = np.searchsorted(classes, labels)
    return np.stack([first[right], first[(right + 1) % len(classes)]], axis=1).astype(np.int64)
