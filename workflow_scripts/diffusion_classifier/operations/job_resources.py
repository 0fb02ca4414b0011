"""Resources of a job for a scheduler: minutes and memory from the config, more on every retry.

The work of a job that measures errors is known before it runs: images of its shard × remaining
prompts × samples. Divided by the config's `rate` (evaluations/s), that is a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import Any

from diffusion_classifier.config.image_counts import candidate_counts, counts_left, image_count
from diffusion_classifier.config.methods import stages_of
from diffusion_classifier.engine.loss_names import MEASURED

from .costs import stage_sizes

START = 10
"""Minutes to start Python and load a model; longer than any measured start."""

SAFETY = 1.5
"""Requested over expected time, as rates differ between devices."""

UNKNOWN = 240
"""Minutes of a job whose work or rate is unknown beforehand."""

ENCODED = 2.0
"""Lowest rate of encoding latents in images/s: 512 pixels wide, without a GPU."""

_MEGABYTE = 1e6


@dataclass(frozen=True)
class Work:
    """The work of the largest job of a stage: images, pairs, and samples of each pair."""

    images: int
    pairs: float
    samples: int

    @property
    def evaluations(self) -> float:
        return self.pairs * self.samples


def shard_images(config: dict[str, Any], dataset: str) -> int | None:
    """Images of a data set's largest shard; None if unknown before the data set is made."""
    images = image_count(config, dataset)
    return images and ceil(images / config["datasets"][dataset].get("shards", 1))


def stage_work(config: dict[str, Any], evaluation: str, dataset: str, stage: int) -> Work | None:
    """The work of a job of a stage (0: of groups); None if unknown before the data are made.

    Classes are assumed to be split evenly among class parts, and a race to run to its end.
    """
    images, counts = shard_images(config, dataset), candidate_counts(config, dataset)
    if images is None or counts is None:
        return None
    spec = config["evaluations"][evaluation]
    left, group_evaluations = counts_left(config, evaluation, dataset, *counts)
    if stage == 0:
        samples = spec["hierarchy"]["samples"]
        prompts = group_evaluations / samples
    else:
        prompts, samples = stage_sizes(stages_of(config, evaluation, dataset), *left)[stage - 1]
    return Work(images, images * ceil(prompts / spec.get("class_parts", 1)), samples)


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
