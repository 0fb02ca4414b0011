"""Count an evaluation's floating-point operations, and measure how many the machine can do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from .plain_loop import network_arguments

SIZES = {"cpu": (1024, 2048, 4096), "cuda": (4096, 8192, 16384)}
"""Rows of the matrices of `matmul_peak`: enough to keep all cores busy, few enough to be quick."""


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
    return forward_flops(empty.to("meta").eval(), **_one_evaluation(empty.to("meta"), condition))


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


def _one_evaluation(network: nn.Module, condition: dict[str, Tensor]) -> dict[str, Any]:
    """The arguments of `network` in one evaluation, on its device; `condition` is one prompt's."""
    size, parameter = network.config.sample_size, next(network.parameters())
    x_t = torch.zeros(1, network.config.in_channels, size, size).to(parameter)
    timestep = torch.zeros(1, dtype=torch.int64, device=parameter.device)
    condition = {name: value.to(parameter.device) for name, value in condition.items()}
    # x_t is passed by position, as networks give this argument different names
    given = network_arguments(network, condition, parameter.dtype)
    return {"x_t": x_t, "timestep": timestep, **given}


def matmul_peak(
    device: torch.device,
    dtype: torch.dtype,
    sizes: Sequence[int] | None = None,
    repeats: int = 5,
) -> float:
    """FLOP/s of the fastest of `repeats` products of two n × n matrices, over all sizes n.

    It uses torch's number of threads; `sizes` default to SIZES. The result is the best value, not
    the median, as it stands for what the machine can reach.
    """
    best = 0.0
    for size in sizes or SIZES.get(device.type, SIZES["cpu"]):
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        torch.mm(a, b)  # warm up
        for _ in range(repeats):
            _synchronize(device)
            start = time.perf_counter()
            torch.mm(a, b)
            _synchronize(device)
            best = max(best, matmul_flops(size, size, size) / (time.perf_counter() - start))
    return best


def matmul_flops(m: int, n: int, k: int) -> int:
    """FLOPs of (m × k) · (k × n): one multiplication and one addition for each of m·n·k terms."""
    return 2 * m * n * k


def _synchronize(device: torch.device) -> None:
    """Wait until the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
