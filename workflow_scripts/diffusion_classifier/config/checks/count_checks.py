"""Check numbers of images, classes and jobs against those that exist, or against a plain bound."""

from __future__ import annotations

from functools import partial
from typing import Any

from diffusion_classifier.baselines.registry import baseline
from diffusion_classifier.data.sources.sizes import quickly_opened, size
from diffusion_classifier.messages import InputError

from ..image_counts import candidate_counts, image_count
from ..methods import all_questions, stages_of

MOST_IMAGES = 10**9
"""The most images of a data set; public labelled data sets have less than a tenth of it."""
MOST_JOBS = 10**6
"""The most jobs of an evaluation of a data set; Snakemake plans a few hundred per second."""
MOST_KEPT = 1000
"""A prior may always keep so many classes; if there are fewer, it keeps all."""
MOST_PARTS = 10**5
"""The most shards or class parts if the number of images or classes is unknown."""


def check_counts(config: dict[str, Any]) -> None:
    """Check all numbers of a config that count images, classes or jobs.

    A number that is unknown before a job reads the user's files is compared with a bound that no
    data set comes near.
    """
    images = {name: _check_images(config, name) for name in config["datasets"]}
    pairs = all_questions(config)
    counts = {data: candidate_counts(config, data) for data in {data for _, data in pairs}}
    classes: dict[str, dict[str, int | None]] = {}
    for name, data in pairs:
        classes.setdefault(name, {})[data] = counts[data] and counts[data][0]
    for name, counts_by_dataset in classes.items():
        _check_kept(config, name, counts_by_dataset)
        _check_parts(config, name, counts_by_dataset)
        for data in counts_by_dataset:
            _check_jobs(config, name, data)
    _check_shown(config, images)
    _check_params(config, images)


def _check_images(config: dict[str, Any], name: str) -> int | None:
    """Check the numbers in a data set's entry, and return its images (None: unknown)."""
    key, spec = f"datasets.{name}", config["datasets"][name]
    whole = quickly_opened(spec)
    if whole is not None:
        _check_chosen(key, spec, len(whole) * spec.get("copies", 1))
    if "indices" in spec and isinstance(spec["indices"], list):
        there = size({k: v for k, v in spec.items() if k != "indices"})
        _at_most(f"{key}.indices", max(spec["indices"]), there and there - 1, "the last image")
    known = "source" not in spec or "limit" in spec or whole is not None
    count = image_count(config, name) if known or size(spec) is not None else None
    for part in ("per_class", "copies", "limit", "skip"):
        found = max(spec.get(part, 0), (count or 0) * (part in spec))
        if found > MOST_IMAGES:
            raise InputError(
                f"{key}.{part}: found {spec[part]}, which asks for {found:,} images, expected at "
                f"most {MOST_IMAGES:,}; lower it"
            )
    what = "the images there are" if count else "as nobody could run so many jobs"
    _at_most(f"{key}.shards", spec.get("shards", 1), count or MOST_PARTS, what)
    return count


def _check_chosen(key: str, spec: dict[str, Any], whole: int) -> None:
    """Check `limit`, `skip` and `indices` of `whole` images, as their job does."""
    skipped = f", of which {spec['skip']} are skipped" if "skip" in spec else ""
    if "limit" in spec:
        most = max(0, whole - spec.get("skip", 0))
        _at_most(f"{key}.limit", spec["limit"], most, f"the images in the folder{skipped}")
    if "skip" in spec:
        _at_most(f"{key}.skip", spec["skip"], whole - 1, "fewer than there are images")
    if isinstance(spec.get("indices"), list):
        _at_most(f"{key}.indices", max(spec["indices"]), whole - 1, "the last image")


def _at_most(key: str, found: int, most: int | None, what: str) -> None:
    if most is not None and found > most:
        raise InputError(f"{key}: found {found}, expected at most {most}, {what}; lower it")


def _check_kept(config: dict[str, Any], name: str, classes: dict[str, int | None]) -> None:
    """Check that an evaluation keeps at most as many classes as one of its data sets has."""
    spec = config["evaluations"][name]
    every = [count for count in classes.values() if count is not None]
    if "prior" in spec and len(every) == len(classes):
        key, keep = f"evaluations.{name}.prior.keep", spec["prior"]["keep"]
        if keep > MOST_KEPT:
            _at_most(key, keep, max(every), "the number of classes")
    schedules: dict[str, list[str]] = {}
    for data in classes:
        where = f"stages_for.{data}" if data in spec.get("stages_for", {}) else "stages"
        schedules.setdefault(where, []).append(data)
    for where, datasets in schedules.items():
        key, stages = f"evaluations.{name}.{where}", stages_of(config, name, datasets[0])
        _check_race(key, stages)
        counts = [classes[data] for data in datasets]
        if None not in counts and stages["keep"][0] > max(counts):
            raise InputError(
                f"{key}.keep: found {stages['keep']}, expected at most {max(counts)}, the number "
                f"of classes of {', '.join(datasets)}; lower it"
            )


def _check_race(key: str, stages: dict[str, Any]) -> None:
    minimum = stages.get("race", {}).get("minimum", 1)
    samples = stages["samples"][-1] * stages.get("trials", 1)
    _at_most(f"{key}.race.minimum", minimum, samples, "all samples of the race")


def _check_parts(config: dict[str, Any], name: str, classes: dict[str, int | None]) -> None:
    counts = list(classes.values())
    parts = config["evaluations"][name].get("class_parts", 1)
    check = partial(_at_most, f"evaluations.{name}.class_parts", parts)
    if None in counts:
        check(MOST_PARTS, "as nobody could run so many jobs")
    else:
        check(max(counts), f"the number of classes of {', '.join(classes)}")


def _check_jobs(config: dict[str, Any], name: str, dataset: str) -> None:
    spec, shards = config["evaluations"][name], config["datasets"][dataset].get("shards", 1)
    parts, stages = spec.get("class_parts", 1), len(stages_of(config, name, dataset)["samples"])
    if (jobs := shards * parts * stages) > MOST_JOBS:
        raise InputError(
            f"datasets.{dataset}.shards: found {shards}, which are {jobs:,} jobs of the evaluation "
            f"{name} ({stages} stages of {parts} class parts), expected at most {MOST_JOBS:,}; "
            "lower it"
        )


def _check_shown(config: dict[str, Any], images: dict[str, int | None]) -> None:
    """Check that there are as many images as the pages of tables show."""
    for table, spec in config["tables"].items():
        if shown := spec.get("reconstructions"):
            key = f"tables.{table}.reconstructions.images"
            _at_most(key, shown["images"], images[shown["dataset"]], "the images there are")
        if "examples" in spec:
            count, key = images[spec["dataset"]], f"tables.{table}.examples"
            _at_most(key, spec["examples"], count and count // 2, "the examples there are")


def _check_params(config: dict[str, Any], images: dict[str, int | None]) -> None:
    for name, spec in config["baselines"].items():
        for param in baseline(spec["kind"]).at_most_images:
            found = spec.get("params", {}).get(param)
            for sets in spec["tasks"].values() if isinstance(found, int) else ():
                key, most = f"baselines.{name}.params.{param}", images[sets["train"]]
                _at_most(key, found, most, "the training images there are")
