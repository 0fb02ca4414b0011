"""How many floating-point operations one evaluation takes: of matrix products, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from .models import one_evaluation


@torch.inference_mode()
def evaluation_flops(network: nn.Module, condition: dict[str, Tensor]) -> int:
    """FLOPs of one evaluation of a diffusers network, computed plainly: a batch of one.

    Counted are convolutions and matrix products, those of attention too, at 2 per multiplication
    and addition; the rest is a fraction of a percent. `condition` is of one prompt. Nothing is
    computed: a copy of the network without data is counted.
    """
    with torch.device("meta"):
        # as a copy, but of the architecture alone
        empty = type(network).from_config(network.config)
    return forward_flops(empty.to("meta").eval(), **one_evaluation(empty.to("meta"), condition))


def forward_flops(network: nn.Module, x_t: Tensor, **given: Tensor) -> int:
    """FLOPs of one forward pass of any module."""
    with FlopCounterMode(display=False) as counter:
        network(x_t, **given)
    return counter.get_total_flops()


def run_flops(run: Callable[[], Any], device: torch.device) -> int:
    """FLOPs of what `run` computes on its device, not compiled, as `evaluation_flops` counts them.

    On a CPU attention is computed as two products meanwhile: its fused kernel is not counted.
    """
    fused = nullcontext() if device.type == "cuda" else sdpa_kernel(SDPBackend.MATH)
    with fused, FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()
