"""Resources of a job for a scheduler: minutes and memory from the config, more on every retry.

The work of a job that measures errors is known before it runs: images of its shard × remaining
prompts × samples. Divided by the config's `rate` (evaluations/s), that is a time.
"""

from __future__ import annotations

from math import ceil, prod

from diffusion_classifier.config.work import Work
from diffusion_classifier.engine.loss_names import MEASURED

START = 10
"""Minutes to start Python and load a model; longer than any measured start."""

SAFETY = 1.5
"""Requested over expected time, as rates differ between devices."""

UNKNOWN = 240
"""Minutes of a job whose work or rate is unknown beforehand."""

ENCODED = 2.0
"""Lowest rate of encoding latents in images/s: 512 pixels wide, without a GPU."""

_MEGABYTE = 1e6


def minutes(work: float | None, rate: float | None, attempt: int = 1) -> int:
    """Minutes to request: for `work` at `rate` (per second), multiplied by the `attempt`."""
    if work is None or rate is None:
        return attempt * UNKNOWN
    return attempt * ceil(START + SAFETY * work / rate / 60)


def tensor_megabytes(count: int, shape: list[int]) -> float:
    """Megabytes of `count` float32 tensors of a shape, such as latents and noises."""
    return 4 * count * prod(shape) / _MEGABYTE


def error_megabytes(works: list[Work | None]) -> float:
    """Megabytes of the stored errors of stages: all losses, twice, as reading copies them.

    Unknown work counts as 0, as a retry requests more.
    """
    cells = sum(work.evaluations for work in works if work)
    return 2 * 4 * len(MEASURED) * cells / _MEGABYTE


def megabytes(base: int, held: float, attempt: int = 1) -> int:
    """Memory to request: `base` for program and model plus `held` for data, times `attempt`."""
    return attempt * ceil(base + held)
