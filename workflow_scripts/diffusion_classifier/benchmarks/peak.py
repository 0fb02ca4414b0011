"""Measure the peak of the machine: the fastest square matrix product, per dtype."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

SIZES = {"cpu": (1024, 2048, 4096), "cuda": (4096, 8192, 16384)}
"""Rows of the matrices: large enough to keep all cores busy, small enough to be quick."""


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
            synchronize(device)
            start = time.perf_counter()
            torch.mm(a, b)
            synchronize(device)
            best = max(best, matmul_flops(size, size, size) / (time.perf_counter() - start))
    return best


def matmul_flops(m: int, n: int, k: int) -> int:
    """FLOPs of (m × k) · (k × n): one multiplication and one addition for each of m·n·k terms."""
    return 2 * m * n * k


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
