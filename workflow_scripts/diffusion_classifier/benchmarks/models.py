"""The networks that are timed: the workflow's own, and full-size ones with random weights.

How long a network takes does not depend on what its weights are, so nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..denoisers.base import Denoiser
from ..denoisers.dit import DiT
from ..denoisers.scheduler import read_scheduler
from ..denoisers.stable_diffusion import StableDiffusion
from ..errors import Inputs
from ..forward_process import ForwardProcess
from ..noise import noise_bank
from ..weights.inputs import denoiser_part
from ..weights.networks import load_network
from .plain_loop import PlainModel


@dataclass(frozen=True)
class FullSize:
    """A published network: its family and config, and the `(token, channel)` of a prompt's text."""

    label: str
    family: str
    config: dict[str, Any]
    schedule: dict[str, Any]
    text: tuple[int, int] | None = None


FULL_SIZE = {
    # stabilityai/stable-diffusion-2-base
    "stable-diffusion-2": FullSize(
        "Stable Diffusion 2, full size",
        "stable-diffusion",
        {
            "sample_size": 64,
            "block_out_channels": (320, 640, 1280, 1280),
            "attention_head_dim": (5, 10, 20, 20),
            "cross_attention_dim": 1024,
            "use_linear_projection": True,
        },
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
        (77, 1024),
    ),
    # facebook/DiT-XL-2-256
    "dit-xl-2": FullSize(
        "DiT-XL/2, full size",
        "dit",
        {
            "num_layers": 28,
            "num_attention_heads": 16,
            "attention_head_dim": 72,
            "patch_size": 2,
            "in_channels": 4,
            "out_channels": 8,
            "sample_size": 32,
            "num_embeds_ada_norm": 1000,
        },
        {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02},
    ),
}


def full_size(name: str, device: torch.device, dtype: torch.dtype, seed: int = 0) -> PlainModel:
    """The network of FULL_SIZE, built in `dtype`, its weights as diffusers initialises them."""
    from diffusers import DDPMScheduler

    spec = FULL_SIZE[name]
    torch.manual_seed(seed)
    with _default_dtype(dtype), device:
        network = network_class(spec.family)(**spec.config)
    network = network.to(device).eval().requires_grad_(False)
    process = ForwardProcess(DDPMScheduler(**spec.schedule).alphas_cumprod).to(device)
    return PlainModel(network, process, spec.family)


def random_inputs(name: str, images: int, prompts: int, samples: int, seed: int = 0) -> Inputs:
    """Normal latents, noises and texts (or the first class indices) for a FULL_SIZE network."""
    spec = FULL_SIZE[name]
    channels, size = spec.config.get("in_channels", 4), spec.config["sample_size"]
    generator = torch.Generator().manual_seed(seed)
    if spec.text:
        conditions = {"text": torch.randn(prompts, *spec.text, generator=generator)}
    else:
        conditions = {"class_labels": torch.arange(prompts)}
    latents = torch.randn(images, channels, size, size, generator=generator)
    noise = noise_bank((channels, size, size), samples, seed)
    return Inputs(latents, torch.arange(images), conditions, noise)


def plain_model(name: str, folder: str, device: torch.device, dtype: torch.dtype) -> PlainModel:
    """A model folder of the family `name`, as diffusers loads it."""
    process, prediction = read_scheduler(folder)
    network = load_network(network_class(name), folder, denoiser_part(name), dtype)
    network = network.to(device).requires_grad_(False)
    return PlainModel(network, process.to(device), name, prediction)


def adapted(plain: PlainModel) -> Denoiser:
    """A copy of a plain model as the engine has it: what its family's `load` would make of it."""
    network = deepcopy(plain.network)
    if plain.family == "dit":
        return DiT(network, plain.process, plain.prediction)
    return StableDiffusion(network, plain.process, plain.prediction)


def one_evaluation(network: nn.Module, condition: dict[str, Tensor]) -> dict[str, Any]:
    """What one evaluation gives `network`, on its device; `condition` is of one prompt."""
    size, parameter = network.config.sample_size, next(network.parameters())
    x_t = torch.zeros(1, network.config.in_channels, size, size).to(parameter)
    timestep = torch.zeros(1, dtype=torch.int64, device=parameter.device)
    if "text" in condition:
        condition = {"encoder_hidden_states": condition["text"].to(parameter)}
    else:
        condition = {name: value.to(parameter.device) for name, value in condition.items()}
    # x_t goes by position: networks differ in what they call it
    return {"x_t": x_t, "timestep": timestep, **condition}


def network_class(name: str) -> type:
    from diffusers import DiTTransformer2DModel, UNet2DConditionModel

    return {"dit": DiTTransformer2DModel, "stable-diffusion": UNet2DConditionModel}[name]


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
