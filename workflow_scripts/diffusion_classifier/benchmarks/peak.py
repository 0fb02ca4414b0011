"""The machine's measured peak: the fastest square matrix product, per dtype."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

SIZES = {"cpu": (1024, 2048, 4096), "cuda": (4096, 8192, 16384)}
"""Rows of the matrices tried: large enough for all cores to be busy, small enough to be quick."""


def matmul_peak(
    device: torch.device,
    dtype: torch.dtype,
    sizes: Sequence[int] | None = None,
    repeats: int = 5,
) -> float:
    """FLOP/s of the fastest of `repeats` products of two n × n matrices, over all sizes n.

    With as many threads as torch uses; `sizes` None are those of SIZES. The best, not the median: a
    peak is what is possible.
    """
    best = 0.0
    for size in sizes or SIZES.get(device.type, SIZES["cpu"]):
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        torch.mm(a, b)  # what a first call sets up is not part of it
        for _ in range(repeats):
            synchronize(device)
            start = time.perf_counter()
            torch.mm(a, b)
            synchronize(device)
            best = max(best, matmul_flops(size, size, size) / (time.perf_counter() - start))
    return best


def matmul_flops(m: int, n: int, k: int) -> int:
    """FLOPs of (m × k) · (k × n): a multiplication and an addition for each of m·n·k terms."""
    return 2 * m * n * k


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
