"""A model's VAE: its precision, and its family's scaling of latents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diffusion_classifier.weights.conventions import check_scaling
from diffusion_classifier.weights.inputs import latent_channels
from diffusion_classifier.weights.networks import load_network

from .families import FAMILIES
from .model_folders import detect_family

if TYPE_CHECKING:
    from diffusers import AutoencoderKL


@dataclass(frozen=True)
class Scaling:
    """x_0 = (z - shift) · scale / std, where z is the VAE's output, `(channel, h, w)` or batched.

    `shift` and `std` are numbers or tensors `(channel, 1, 1)`.
    """

    shift: Tensor | float
    scale: float
    std: Tensor | float

    def latent(self, encoded: Tensor) -> Tensor:
        """x_0, the diffusion model's latent, from z, in the dtype of z."""
        shift, std = (_like(value, encoded) for value in (self.shift, self.std))
        return (encoded - shift) * self.scale / std

    def encoded(self, latent: Tensor) -> Tensor:
        """z, the VAE's latent, from x_0."""
        shift, std = (_like(value, latent) for value in (self.shift, self.std))
        return latent * std / self.scale + shift


def load_vae(
    folder: str, device: torch.device, dtype: torch.dtype, family: str | None = None
) -> tuple[AutoencoderKL, Scaling]:
    """The VAE in vae/ (safetensors only) on `device`, and its scaling.

    With `force_upcast` in its config it is in float32 instead of float16, as SDXL's overflows.
    `family` None: read the family from the folder. Raises InputError for another class of VAE and
    for options that diffusers' pipeline of the family does not apply.
    """
    from diffusers import AutoencoderKL

    latent_channels(Path(folder))  # raises for another class
    vae = load_network(AutoencoderKL, folder, "vae", dtype)
    if dtype == torch.float16 and vae.config.force_upcast:
        vae = vae.to(torch.float32)
    return vae.to(device), scaling(folder, dict(vae.config), family)


def scaling(folder: str, config: dict[str, Any], family: str | None = None) -> Scaling:
    """The scaling in diffusers' pipeline of the `family`, for the VAE's config.

    Only Stable Diffusion 3 subtracts a `shift_factor`; only SDXL subtracts `latents_mean` and
    divides by `latents_std`. Raises InputError if another family's VAE has one of them.
    """
    shift, mean, std = (config[key] for key in ("shift_factor", "latents_mean", "latents_std"))
    if family is None and (shift, mean, std) != (None, None, None):
        family = detect_family(folder)
    known = FAMILIES[family] if family else None
    check_scaling(Path(folder), config, known)
    scale, applied = config["scaling_factor"], known.scaled if known else ()
    if "latents_mean" in applied and None not in (mean, std):
        return Scaling(torch.tensor(mean).view(-1, 1, 1), scale, torch.tensor(std).view(-1, 1, 1))
    return Scaling((shift or 0.0) if "shift_factor" in applied else 0.0, scale, 1.0)


def _like(value: Tensor | float, other: Tensor) -> Tensor | float:
    return value.to(other) if isinstance(value, Tensor) else value
