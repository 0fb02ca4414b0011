"""Split the wall time of a job into steps.

`loading` reads the denoiser; `encoding` encodes images and prompts, including reading the encoders;
`network` is the engine's passes; `rest` is everything else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from diffusion_classifier.network_time import seconds_spent


@dataclass
class Job:
    """The start of a job, and the seconds of its named steps."""

    start: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the block as the step `loading` or `encoding`, or its passes as `network`."""
        start, before = time.perf_counter(), seconds_spent()
        yield
        took = time.perf_counter() - start
        if name == "network":
            took = seconds_spent() - before
        self.seconds[name] = self.seconds.get(name, 0.0) + took

    def split(self) -> dict[str, float]:
        """Seconds of the whole job until now (`wall`), of each step, and of the `rest`."""
        wall = time.perf_counter() - self.start
        return {"wall": wall, **self.seconds, "rest": wall - sum(self.seconds.values())}
