"""Find the places where the host waits for the GPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

WAITED = "called a synchronizing CUDA operation"
"""PyTorch's warning; another warning says that it may miss some of these operations."""


@contextmanager
def synchronisations(device: torch.device) -> Iterator[list[str]]:
    """The places, `file:line`, at which the host waited for the GPU within the block.

    The list has places in Python code and is filled when the block ends. It stays empty if
    `device` is no GPU.
    """
    found: list[str] = []
    if device.type != "cuda":
        yield found
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode("default")
    found += [f"{w.filename}:{w.lineno}" for w in caught if WAITED in str(w.message)]
