"""What a job asks a scheduler for: minutes and memory, from the config, and more on every retry.

The work of a job that measures errors is known before it runs: its shard's images × prompts still
in × samples. With the `rate` (evaluations/s) that the config states, that is a time.
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
"""Minutes to start Python and load a model; more than was ever seen."""

SAFETY = 1.5
"""Asked for over expected, as a rate is not the same on all devices."""

UNKNOWN = 240
"""Minutes of a job whose work or rate is not known beforehand."""

ENCODED = 2.0
"""Images/s that are encoded to latents at the least: 512 pixels wide, without a GPU."""

_MEGABYTE = 1e6


@dataclass(frozen=True)
class Work:
    """What the largest of the jobs of a stage does: images, pairs, and samples of each pair."""

    images: int
    pairs: float
    samples: int

    @property
    def evaluations(self) -> float:
        return self.pairs * self.samples


def shard_images(config: dict[str, Any], dataset: str) -> int | None:
    """Images of a data set's largest shard; None if not known before it is made."""
    images = image_count(config, dataset)
    return images and ceil(images / config["datasets"][dataset].get("shards", 1))


def stage_work(config: dict[str, Any], evaluation: str, dataset: str, stage: int) -> Work | None:
    """The work of a job of a stage (0: of groups); None if not known before the data are made.

    Classes are taken to be split evenly among class parts, and a race to be run to its end.
    """
    images, asked = shard_images(config, dataset), candidate_counts(config, dataset)
    if images is None or asked is None:
        return None
    spec = config["evaluations"][evaluation]
    left, of_groups = counts_left(config, evaluation, dataset, *asked)
    if stage == 0:
        samples = spec["hierarchy"]["samples"]
        prompts = of_groups / samples
    else:
        prompts, samples = stage_sizes(stages_of(config, evaluation, dataset), *left)[stage - 1]
    return Work(images, images * ceil(prompts / spec.get("class_parts", 1)), samples)


def minutes(work: float | None, rate: float | None, attempt: int = 1) -> int:
    """Minutes to ask for: `work` at `rate` (per second), from the `attempt`-th on so many times."""
    if work is None or rate is None:
        return attempt * UNKNOWN
    return attempt * ceil(START + SAFETY * work / rate / 60)


def tensor_megabytes(count: int, shape: list[int]) -> float:
    """Of `count` float32 tensors of a shape, as latents and noise are."""
    return 4 * count * prod(shape) / _MEGABYTE


def error_megabytes(works: list[Work | None]) -> float:
    """Of the stored errors of stages, all losses, with the copy that is made in reading them.

    What is not known counts nothing: a retry asks for more.
    """
    cells = sum(work.evaluations for work in works if work)
    return 2 * 4 * len(MEASURED) * cells / _MEGABYTE


def megabytes(base: int, held: float, attempt: int = 1) -> int:
    """Memory to ask for: `base` of the program and its model, `held` of data; as `minutes`."""
    return attempt * ceil(base + held)
