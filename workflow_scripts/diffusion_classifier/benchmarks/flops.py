"""Count the floating-point operations of matrix products in one evaluation."""

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
    """FLOPs of one evaluation of a plain diffusers network, with a batch of one.

    Convolutions and matrix products (also those of attention) count, 2 per multiplication and
    addition; the rest is a fraction of a percent. `condition` belongs to one prompt. The counting
    uses a copy of the network without data and computes nothing.
    """
    with torch.device("meta"):
        # a copy of the architecture, without weights
        empty = type(network).from_config(network.config)
    return forward_flops(empty.to("meta").eval(), **one_evaluation(empty.to("meta"), condition))


def forward_flops(network: nn.Module, x_t: Tensor, **given: Tensor) -> int:
    """FLOPs of one forward pass of any module."""
    with FlopCounterMode(display=False) as counter:
        network(x_t, **given)
    return counter.get_total_flops()


def run_flops(run: Callable[[], Any], device: torch.device) -> int:
    """FLOPs of `run` on its device, counted as by `evaluation_flops`; `run` must not be compiled.

    On a CPU attention runs as two products during the count, as its fused kernel would not count.
    """
    fused = nullcontext() if device.type == "cuda" else sdpa_kernel(SDPBackend.MATH)
    with fused, FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()
