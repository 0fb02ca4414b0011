"""The speed settings and the precision of a denoiser; `auto` chooses them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import nn

from .denoiser import Denoiser, compiled

WORTH_COMPILING = 50_000
"""Evaluations from which on compilation, which takes minutes, is assumed to save time on a GPU."""

LARGE = 100_000_000
"""Parameters from which on a UNet's convolutions are fastest with channels first, on a CPU."""


@dataclass(frozen=True)
class Speed:
    """Settings that change the time of an evaluation, and its error only by rounding.

    channels_last: store images with their channels innermost, as GPUs' convolutions prefer;
    attention: `fused` (PyTorch's fastest kernel) or `plain` (separate operations); compile: let
    PyTorch compile the network. `auto` means channels last for a UNet that is not slower with it,
    and compilation on a GPU if there are many evaluations and Triton is installed.
    """

    channels_last: bool | str = "auto"
    attention: str = "fused"
    compile: bool | str = "auto"

    def resolved(self, network: nn.Module, evaluations: int) -> Speed:
        """A copy with each `auto` decided for `evaluations` of a network on its device."""
        channels_last, faster = self.channels_last, self.compile
        if channels_last == "auto":
            is_unet = type(network).__name__.startswith("UNet")
            channels_last = is_unet and not _slower_with_channels_last(network)
        if faster == "auto":
            on_gpu = next(network.parameters()).is_cuda and find_spec("triton") is not None
            faster = on_gpu and evaluations >= WORTH_COMPILING
        return Speed(channels_last, self.attention, faster)


def accelerate(denoiser: Denoiser, speed: Speed, evaluations: int) -> Speed:
    """Apply `speed`, with `auto` decided for `evaluations`; return the resolved settings.

    `attention` is a setting of the whole process. Compilation happens at the first evaluations. If
    `auto` chose it and it fails, the network runs without it.
    """
    network = denoiser.network
    found = speed.resolved(network, evaluations)
    last, first = torch.channels_last, torch.contiguous_format
    network.to(memory_format=last if found.channels_last else first)
    fused = found.attention == "fused"
    torch.backends.cuda.enable_flash_sdp(fused)  # this setting is also the CPU's
    torch.backends.cuda.enable_mem_efficient_sdp(fused)
    torch.backends.cuda.enable_cudnn_sdp(fused)
    if found.compile:
        torch._dynamo.config.suppress_errors = speed.compile == "auto"
        network.forward = compiled(network.forward)
        if getattr(denoiser, "shared", None) is not None:
            denoiser.shared.compile()
        denoiser.compiled = True
    return found


def _slower_with_channels_last(unet: nn.Module) -> bool:
    """Whether channels last slows a UNet down: by 4 % if it is large, in float32 on a CPU."""
    first = next(unet.parameters())
    if first.is_cuda or first.dtype != torch.float32:
        return False
    return sum(parameter.numel() for parameter in unet.parameters()) > LARGE


def precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype called `name`; `auto` is bfloat16 on a GPU that has it, float16 on other GPUs."""
    if name != "auto":
        return getattr(torch, name)
    if device.type != "cuda":
        return torch.float32
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a dtype for `precision`: `bfloat16` for `torch.bfloat16`."""
    return str(dtype).removeprefix("torch.")
