"""Where a job's wall time goes.

`loading` is reading the denoiser; `encoding` is that of images and prompts, with reading what
encodes them; `network` is the engine's passes; `rest` is everything else, from start to end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from diffusion_classifier.network_time import seconds_spent


@dataclass
class Job:
    """A job's wall time as it goes on, and the seconds of its named steps."""

    start: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the block as this step: `loading` or `encoding`, or the passes in `network`."""
        start, before = time.perf_counter(), seconds_spent()
        yield
        took = time.perf_counter() - start
        if name == "network":
            took = seconds_spent() - before
        self.seconds[name] = self.seconds.get(name, 0.0) + took

    def split(self) -> dict[str, float]:
        """All seconds: of the whole until now, of the steps, and of the rest."""
        wall = time.perf_counter() - self.start
        return {"wall": wall, **self.seconds, "rest": wall - sum(self.seconds.values())}
