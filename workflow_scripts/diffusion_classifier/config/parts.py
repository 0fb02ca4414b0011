"""Choose `shards` and `class_parts` that are `auto`, so that no job is longer than wanted.

The numbers follow from the config alone: from images × prompts × samples, the `rate` of an
evaluation and `compute.job_minutes`. So all jobs are known before anything runs.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from diffusion_classifier.messages import InputError

from .image_counts import candidate_counts, image_count
from .methods import all_questions, stages_of
from .work import Work, shard_images, stage_numbers, work_of

AUTO = "auto"
JOB_MINUTES = 20
"""Default minutes of a job: what is lost, at most, if it vanishes."""


def choose_parts(config: dict[str, Any]) -> None:
    """Replace each `auto` in `config`, which is consistent, by a number.

    Images are split first, down to one per job; classes only where one image takes longer than a
    job. The classes of a race are never split, and it counts to its end, so its jobs are often
    shorter. Raises InputError if an evaluation has no `rate`, or if images or prompts are not
    known before a job reads the user's files.
    """
    asked = all_questions(config)
    shards = {
        data: max([1, *(_shards(config, *pair) for pair in asked if pair[1] == data)])
        for data, spec in config["datasets"].items()
        if spec.get("shards") == AUTO
    }
    set_parts(config, {"datasets": shards})
    parts = {
        name: max([1, *(_class_parts(config, *pair) for pair in asked if pair[0] == name)])
        for name, spec in config["evaluations"].items()
        if spec.get("class_parts") == AUTO
    }
    set_parts(config, {"evaluations": parts})


def set_parts(config: dict[str, Any], numbers: dict[str, dict[str, int]]) -> None:
    """Set the `shards` of data sets and the `class_parts` of evaluations, by section and name."""
    for section, key in (("datasets", "shards"), ("evaluations", "class_parts")):
        for name, number in numbers.get(section, {}).items():
            if name in config[section]:
                # a new entry, as aliases of YAML are one object
                config[section][name] = config[section][name] | {key: number}


def _shards(config: dict[str, Any], evaluation: str, dataset: str) -> int:
    """The shards with which no job of an evaluation is too long, at most one per image."""
    key, images = f"datasets.{dataset}.shards", image_count(config, dataset)
    parts = config["evaluations"][evaluation].get("class_parts", 1)
    known = images and 1
    works = _works(config, key, evaluation, dataset, known, 1 if parts == AUTO else parts)
    return max(_pieces(config, evaluation, images, work.evaluations) for work in works)


def _class_parts(config: dict[str, Any], evaluation: str, dataset: str) -> int:
    """The class parts with which no job on a shard is too long, at most one per class."""
    if "race" in stages_of(config, evaluation, dataset):
        return 1
    key = f"evaluations.{evaluation}.class_parts"
    works = _works(config, key, evaluation, dataset, shard_images(config, dataset), 1)
    pieces = [
        _pieces(config, evaluation, ceil(work.pairs / work.images), work.images * work.samples)
        for work in works
    ]
    return min(max(pieces), candidate_counts(config, dataset)[0])


def _pieces(config: dict[str, Any], evaluation: str, count: int, each: float) -> int:
    """The jobs for `count` images or prompts of `each` evaluations: at least one in a job."""
    seconds = 60 * config["compute"].get("job_minutes", JOB_MINUTES)
    fitting = seconds * config["evaluations"][evaluation]["rate"] / each
    in_a_job = max(1, int(fitting + 1e-9))  # a rate in decimals may miss a whole number
    return ceil(count / in_a_job)


def _works(
    config: dict[str, Any], key: str, evaluation: str, dataset: str, images: int | None, parts: int
) -> list[Work]:
    """The work of each stage for `images`; `key` is named in messages."""
    if "rate" not in config["evaluations"][evaluation]:
        raise InputError(
            f"{key}: found `auto`, but the evaluation {evaluation} has no `rate`, from which the "
            "number follows; expected one (evaluations/s of one device: the log of an errors job, "
            "or `make gpu-check`); state it, or write a number instead of `auto`"
        )
    numbers = stage_numbers(config, evaluation, dataset)
    works = [work_of(config, evaluation, dataset, stage, images, parts) for stage in numbers]
    if None in works:
        raise InputError(
            f"{key}: found `auto`, but the images or prompts of {dataset} are not known before a "
            "job has read them; expected a number; write it instead of `auto`, or give a `limit`"
        )
    return works
