"""Progress of long work: how far, how fast, how long still. A line a minute when not watched."""

from __future__ import annotations

import sys
import time
from collections import deque

WINDOW = 60.0
"""Seconds over which a rate is taken: it changes in a race, and when work is taken up again."""


class Progress:
    """Prints `done/total unit, rate, time left` to stderr.

    On a terminal the line is rewritten every second; in a log a new line is written at most
    once per `interval` seconds, so that a day's log stays readable. Of the `total`, `before` were
    done when this began.
    """

    def __init__(self, total: int, unit: str, interval: float = 60.0, before: int = 0) -> None:
        self.total, self.unit = total, unit
        self.terminal = sys.stderr.isatty()
        self.interval = 1.0 if self.terminal else interval
        self.printed = time.monotonic()
        self._first = (self.printed, before)
        self._recent = deque([self._first])

    def update(self, done: int, note: str = "") -> None:
        """Report that `done` of `total` are finished; always prints the last one."""
        now = time.monotonic()
        if done < self.total and now - self.printed < self.interval:
            return
        self.printed = now
        rate = self._rate(now, done)
        left = duration((self.total - done) / rate) if rate > 0 else "unknown"
        line = f"{done}/{self.total} {self.unit}, {rate:.3g} {self.unit}/s, {left} left"
        line += f", {note}" if note else ""
        end = "\n" if not self.terminal or done >= self.total else ""
        print(f"\r\x1b[K{line}" if self.terminal else line, end=end, file=sys.stderr, flush=True)

    def _rate(self, now: float, done: int) -> float:
        """That of the last WINDOW, and at the end of all."""
        while len(self._recent) > 1 and now - self._recent[1][0] >= WINDOW:
            self._recent.popleft()
        start, before = self._first if done >= self.total else self._recent[0]
        self._recent.append((now, done))
        return (done - before) / max(now - start, 1e-9)


class Silence:
    """A progress that is not said, of a part of what is."""

    def update(self, done: int, note: str = "") -> None:
        """Say nothing."""


def duration(seconds: float) -> str:
    """`seconds` as a person would say it: `42 s`, `3 min 20 s`, `5 h 12 min`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
