"""How long a process was in a network: rule scripts log it, `benchmarks.shares` adds it up."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

_spent: list[float] = []
_LINE = re.compile(r"^in networks: (\d+\.\d+) s$", re.MULTILINE)


@contextmanager
def in_network() -> Iterator[None]:
    """Count the block, or the function it decorates, as passes through a network. Not nested.

    Imports, loading weights, reading and writing stay outside. A whole training loop counts, with
    the augmentation of its batches (1 to 5 % of it, measured).
    """
    start = time.perf_counter()
    try:
        yield
    finally:
        _spent.append(time.perf_counter() - start)


def seconds_spent() -> float:
    """What has been counted so far in this process."""
    return sum(_spent)


def log_line() -> str:
    """What has been counted so far, as a line for the log."""
    return f"in networks: {seconds_spent():.3f} s"


def logged_seconds(log: str) -> float:
    """The seconds that a log tells of: 0 for a job without a network."""
    return sum(map(float, _LINE.findall(log)))


def is_log_line(line: str) -> bool:
    """Whether this is the line that `log_line` makes: the last one of a job that was finished."""
    return _LINE.match(line) is not None
