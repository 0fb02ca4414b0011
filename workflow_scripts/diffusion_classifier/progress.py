"""Show the progress of long work: a bar on a terminal, in a log one line per minute."""

from __future__ import annotations

import builtins
import sys
import time
from collections import deque

WINDOW = 60.0
"""Seconds over which the rate is measured; it changes during a race and after a resumption."""


class Progress:
    """Shows `done/total unit, rate, time left` on stderr.

    On a terminal and in a notebook this is tqdm's bar. A log gets at most one line per `interval`
    seconds. `before` of the `total` were done at the start.
    """

    def __init__(self, total: int, unit: str, interval: float = 60.0, before: int = 0) -> None:
        self.total, self.unit, self.interval = total, unit, interval
        self.printed = time.monotonic()
        self._first = (self.printed, before)
        self._recent = deque([self._first])
        self.bar = None
        if sys.stderr.isatty() or hasattr(builtins, "__IPYTHON__"):
            from tqdm import tqdm

            self.bar = tqdm(total=total, initial=before, unit=f" {unit}", dynamic_ncols=True)

    def update(self, done: int, note: str = "") -> None:
        """Report that `done` of `total` are finished; the last report is always shown."""
        if self.bar is not None:
            self.bar.set_postfix_str(note, refresh=False)
            self.bar.update(done - self.bar.n)
            if done >= self.total:
                self.bar.close()
            return
        now = time.monotonic()
        if done < self.total and now - self.printed < self.interval:
            return
        self.printed = now
        rate = self._rate(now, done)
        left = duration((self.total - done) / rate) if rate > 0 else "unknown"
        line = f"{done}/{self.total} {self.unit}, {rate:.3g} {self.unit}/s, {left} left"
        print(f"{line}, {note}" if note else line, file=sys.stderr, flush=True)

    def _rate(self, now: float, done: int) -> float:
        """The rate over the last WINDOW seconds, and at the end the rate over the whole time."""
        while len(self._recent) > 1 and now - self._recent[1][0] >= WINDOW:
            self._recent.popleft()
        start, before = self._first if done >= self.total else self._recent[0]
        self._recent.append((now, done))
        return (done - before) / max(now - start, 1e-9)


class Silence:
    """Counts evaluations without printing; used inside a larger progress bar."""

    def update(self, done: int, note: str = "") -> None:
        """Print nothing."""


def duration(seconds: float) -> str:
    """`seconds` as text for readers: `42 s`, `3 min 20 s`, `5 h 12 min`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
