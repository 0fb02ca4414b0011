"""Counts how often the host waits for the GPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def synchronisations() -> Iterator[list[str]]:
    """The places, `file:line`, at which the host waited for the GPU within the block.

    PyTorch warns of every operation of its own that waits; the places are those in Python, and
    they are in the list once the block has ended.
    """
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode("default")
            found += [
                f"{warning.filename}:{warning.lineno}"
                for warning in caught
                if "synchronizing" in str(warning.message)
            ]
