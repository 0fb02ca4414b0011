"""How many floating-point operations one evaluation takes: of matrix products, nothing else."""

from __future__ import annotations

from collections.abc import Callable
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


def run_flops(run: Callable[[], Any]) -> int:
    """FLOPs of what `run` computes, not compiled, as `evaluation_flops` counts them.

    Attention is computed as two products meanwhile, as not every fused kernel of it is counted.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()
