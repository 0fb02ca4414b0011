"""Counts how often the host waits for the GPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

WAITED = "called a synchronizing CUDA operation"
"""What PyTorch warns of; it has another warning, that it may not notice every such operation."""


@contextmanager
def synchronisations(device: torch.device) -> Iterator[list[str]]:
    """The places, `file:line`, at which the host waited for the GPU within the block.

    They are those in Python, and in the list once the block has ended. It stays empty if the
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
