"""How fast a denoiser is run, and in which precision: as told, or found out (`auto`)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import nn

from .denoiser import Denoiser, compiled

WORTH_COMPILING = 50_000
"""Evaluations from which on compiling, minutes of work, is taken to pay back on a GPU."""


LARGE = 100_000_000
"""Parameters from which on a UNet's convolutions are fastest with channels first, on a CPU."""


@dataclass(frozen=True)
class Speed:
    """What changes the time an evaluation takes, and its error only by rounding.

    channels_last: keep images with their channels innermost, as convolutions on GPUs want them;
    attention: `fused` (PyTorch's fastest kernel) or `plain` (one operation after the other);
    compile: have PyTorch compile the network. `auto` is channels last for a UNet that does not
    lose by it, and compiled on a GPU if there is much to do and Triton is installed.
    """

    channels_last: bool | str = "auto"
    attention: str = "fused"
    compile: bool | str = "auto"

    def resolved(self, network: nn.Module, evaluations: int) -> Speed:
        """The same with each `auto` decided for `evaluations` of a network on its device."""
        channels_last, faster = self.channels_last, self.compile
        if channels_last == "auto":
            channels_last = type(network).__name__.startswith("UNet") and not _loses(network)
        if faster == "auto":
            on_gpu = next(network.parameters()).is_cuda and find_spec("triton") is not None
            faster = on_gpu and evaluations >= WORTH_COMPILING
        return Speed(channels_last, self.attention, faster)


def accelerate(denoiser: Denoiser, speed: Speed, evaluations: int) -> Speed:
    """Make a denoiser run as `speed` says, `auto` decided for so many evaluations; what it became.

    `attention` is a setting of the whole process. Compilation happens at the first evaluations; if
    it was not asked for and fails, the network runs as it is.
    """
    network = denoiser.network
    found = speed.resolved(network, evaluations)
    last, first = torch.channels_last, torch.contiguous_format
    network.to(memory_format=last if found.channels_last else first)
    fused = found.attention == "fused"
    torch.backends.cuda.enable_flash_sdp(fused)  # of the CPU, too
    torch.backends.cuda.enable_mem_efficient_sdp(fused)
    torch.backends.cuda.enable_cudnn_sdp(fused)
    if found.compile:
        torch._dynamo.config.suppress_errors = speed.compile == "auto"
        network.forward = compiled(network.forward)
        if getattr(denoiser, "shared", None) is not None:
            denoiser.shared.compile()
        denoiser.compiled = True
    return found


def _loses(unet: nn.Module) -> bool:
    """Whether channels last slows a UNet down: a large one in float32 on a CPU, by 4 %."""
    first = next(unet.parameters())
    if first.is_cuda or first.dtype != torch.float32:
        return False
    return sum(parameter.numel() for parameter in unet.parameters()) > LARGE


def precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of a name; `auto` is half precision on a GPU, bfloat16 where it is native."""
    if name != "auto":
        return getattr(torch, name)
    if device.type != "cuda":
        return torch.float32
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a dtype, as `precision` takes it: `bfloat16` of `torch.bfloat16`."""
    return str(dtype).removeprefix("torch.")
