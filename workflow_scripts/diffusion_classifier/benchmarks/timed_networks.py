"""The networks that are timed: those of the workflow, and full-size ones with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import nn

from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.dit import DiT
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.denoisers.scheduler import read_scheduler
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.denoisers.stable_diffusion_xl import StableDiffusionXL
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.weights.networks import load_network

from .full_size import FullSize
from .plain_loop import PlainModel, pixels


def full_size(spec: FullSize, device: torch.device, dtype: torch.dtype) -> PlainModel:
    """A published network in `dtype`, with the weights of diffusers' initialisation."""
    from diffusers import DDPMScheduler

    torch.manual_seed(0)
    with _default_dtype(dtype), device:
        network = network_class(spec.family)(**spec.config)
    network = network.to(device).eval().requires_grad_(False)
    process = ForwardProcess(DDPMScheduler(**spec.schedule).alphas_cumprod).to(device)
    return PlainModel(network, process, spec.family, spec.prediction)


def random_inputs(spec: FullSize, images: int, prompts: int, samples: int) -> Inputs:
    """Random normal latents, noises and texts (or the first class indices) for a network."""
    channels, size = spec.config.get("in_channels", 4), spec.config["sample_size"]
    generator = torch.Generator().manual_seed(0)
    if spec.text:
        conditions = {"text": torch.randn(prompts, *spec.text, generator=generator)}
    else:
        conditions = {"class_labels": torch.arange(prompts)}
    if spec.pooled:
        conditions["pooled"] = torch.randn(prompts, spec.pooled, generator=generator)
    latents = torch.randn(images, channels, size, size, generator=generator)
    noise = noise_bank((channels, size, size), samples, seed=0)
    return Inputs(latents, torch.arange(images), conditions, noise)


def plain_model(name: str, folder: str, device: torch.device, dtype: torch.dtype) -> PlainModel:
    """The model in a folder of the family `name`, loaded by diffusers."""
    process, prediction = read_scheduler(folder)
    network = load_network(network_class(name), folder, FAMILIES[name].part, dtype)
    network = network.to(device).requires_grad_(False)
    return PlainModel(network, process.to(device), name, prediction)


def adapted(plain: PlainModel, dtype: torch.dtype | None = None) -> Denoiser:
    """A copy of a plain model as the engine's denoiser, as its family's `load` would make it.

    The copy is in `dtype`, if it is given.
    """
    network = deepcopy(plain.network)
    if dtype is not None:
        network = nn.Module.to(network, dtype)  # the method of diffusers would print a warning
    if plain.family == "dit":
        return DiT(network, plain.process, plain.prediction)
    if plain.family == "stable-diffusion-xl":
        return StableDiffusionXL(network, plain.process, plain.prediction, pixels(network))
    return StableDiffusion(network, plain.process, plain.prediction)


def network_class(name: str) -> type:
    from diffusers import DiTTransformer2DModel, UNet2DConditionModel

    return DiTTransformer2DModel if name == "dit" else UNet2DConditionModel


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
