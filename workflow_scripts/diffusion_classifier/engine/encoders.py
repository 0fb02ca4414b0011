"""Encode images as latents with the model's VAE; without a VAE, pixels are the latents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.vae import load_vae
from diffusion_classifier.files import read_tensors
from diffusion_classifier.network_time import in_network
from diffusion_classifier.weights.model_parts import check_vae

if TYPE_CHECKING:
    from PIL.Image import Image


def encode_images(
    folder: str,
    preprocess: Preprocess,
    images: Iterable[Image],
    device: torch.device,
    dtype: torch.dtype,
    family: str | None = None,
) -> Tensor:
    """The latents x_0 of `images` under the model in `folder`: `(image, c, h, w)` float32, CPU.

    See `image_encoder`, which this calls once.
    """
    encode = image_encoder(folder, preprocess, device, dtype, family)
    return torch.stack([encode(image) for image in images])


def image_encoder(
    folder: str,
    preprocess: Preprocess,
    device: torch.device,
    dtype: torch.dtype,
    family: str | None = None,
) -> Callable[[Image], Tensor]:
    """A function from an image to its latent x_0, `(c, h, w)` float32 on the CPU.

    If the folder has a vae/, latents are the posterior's mean, scaled as the model's `family`
    scales it (see `vae.scaling`; None: read the family from the folder). Otherwise they are
    pixels in [-1, 1]. Raises InputError for a VAE that is missing or incomplete, of another class,
    or with options of another family.
    """
    check_vae(folder)
    if not (Path(folder) / "vae").is_dir():
        return preprocess
    vae, scaling = load_vae(folder, device, dtype, family)

    @torch.inference_mode()
    def latent(image: Image) -> Tensor:
        pixels = preprocess(image).unsqueeze(0).to(device, vae.dtype)
        with in_network():
            return scaling.latent(vae.encode(pixels).latent_dist.mean[0]).float().cpu()

    return latent


def read_latents(shards: Iterable[str | os.PathLike]) -> tuple[Tensor, Tensor]:
    """Read the latents `(image, c, h, w)` float32 of some shards, and the images' numbers.

    The numbers are int64 `(image,)`; both are in the order of the files.
    """
    parts = [read_tensors(path) for path in shards]
    return torch.cat([p["latents"] for p in parts]), torch.cat([p["image"] for p in parts])
