"""The work of jobs that measure errors: images × prompts × samples, known before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

from diffusion_classifier.selection.schedules import stage_samples

from .image_counts import candidate_counts, counts_left, image_count
from .methods import groups_of, stages_of


@dataclass(frozen=True)
class Work:
    """The work of the largest job of a stage: images, pairs, and samples of each pair."""

    images: int
    pairs: float
    samples: int

    @property
    def evaluations(self) -> float:
        return self.pairs * self.samples


def stage_sizes(
    stages: dict[str, Any], classes: float, per_class: float
) -> list[tuple[float, int]]:
    """The remaining prompts of an image and the new samples, for each stage."""
    if stages.get("timesteps") == "learned":
        new = [after - before for before, after in pairwise([0, *stages["samples"]])]
    else:
        every = stage_samples(stages["samples"], stages.get("trials", 1), stages.get("grid"))
        new = [len(samples) for samples in every]
    left = [classes, *(min(classes, keep) for keep in stages["keep"][:-1])]
    return [(kept * per_class, count) for kept, count in zip(left, new, strict=True)]


def shard_images(config: dict[str, Any], dataset: str) -> int | None:
    """Images of a data set's largest shard; None if unknown before the data set is made."""
    images = image_count(config, dataset)
    return images and ceil(images / config["datasets"][dataset].get("shards", 1))


def stage_numbers(config: dict[str, Any], evaluation: str, dataset: str) -> Iterable[int]:
    """The numbers of an evaluation's stages; 0 is the stage of groups."""
    first = 0 if groups_of(config, evaluation, dataset) else 1
    return range(first, len(stages_of(config, evaluation, dataset)["samples"]) + 1)


def stage_work(config: dict[str, Any], evaluation: str, dataset: str, stage: int) -> Work | None:
    """The work of a job of a stage (0: of groups); None if unknown before the data are made.

    Classes are assumed to be split evenly among class parts, and a race to run to its end.
    """
    images, parts = shard_images(config, dataset), config["evaluations"][evaluation]
    return work_of(config, evaluation, dataset, stage, images, parts.get("class_parts", 1))


def work_of(
    config: dict[str, Any],
    evaluation: str,
    dataset: str,
    stage: int,
    images: int | None,
    parts: int,
) -> Work | None:
    """`stage_work` of `images` and one of so many class parts."""
    counts = candidate_counts(config, dataset)
    if images is None or counts is None:
        return None
    spec = config["evaluations"][evaluation]
    left, group_evaluations = counts_left(config, evaluation, dataset, *counts)
    if stage == 0:
        samples = spec["hierarchy"]["samples"]
        prompts = group_evaluations / samples
    else:
        prompts, samples = stage_sizes(stages_of(config, evaluation, dataset), *left)[stage - 1]
    return Work(images, images * ceil(prompts / parts), samples)
