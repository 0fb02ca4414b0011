"""Measure the time in networks: scripts log it, and `benchmarks.time_shares` sums it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

_spent: list[float] = []
_LINE = re.compile(r"^in networks: (\d+\.\d+) s$", re.MULTILINE)


@contextmanager
def in_network() -> Iterator[None]:
    """Count the time of a block, or of the decorated function, as passes through a network.

    Do not nest it. Imports, loading weights, reading and writing stay outside. A whole training
    loop counts, including the augmentation of its batches (measured: 1 to 5 % of it).
    """
    start = time.perf_counter()
    try:
        yield
    finally:
        _spent.append(time.perf_counter() - start)


def seconds_spent() -> float:
    """Seconds in networks so far in this process."""
    return sum(_spent)


def log_line() -> str:
    """A line for the log with the seconds in networks so far."""
    return f"in networks: {seconds_spent():.3f} s"


def logged_seconds(log: str) -> float:
    """The seconds in networks that a log records; 0 for a job without a network."""
    return sum(map(float, _LINE.findall(log)))


def is_log_line(line: str) -> bool:
    """Whether `log_line` made this line, which is the last line of a finished job."""
    return _LINE.match(line) is not None
