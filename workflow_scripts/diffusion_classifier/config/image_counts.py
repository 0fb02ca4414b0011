"""Numbers of images, classes and prompts, before data sets and prompts are made."""

from __future__ import annotations

import csv
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from diffusion_classifier.data import class_lists
from diffusion_classifier.data.choosing.indices import read_indices
from diffusion_classifier.data.sources.registry import (
    has_examples,
    has_matching_tasks,
    source,
)
from diffusion_classifier.data.sources.sizes import class_count, expected_size, quickly_opened
from diffusion_classifier.data.webdataset.class_texts import read_class_texts
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.searches import KEPT, search_class

from .methods import groups_of


def image_count(config: dict[str, Any], name: str) -> int | None:
    """Images of a data set: of Winoground two for each example, of matching tasks those of items.

    An image that several items show counts for each: where it is known, this is an upper limit.
    """
    spec = config["datasets"][name]
    if "drawn" in spec:  # at most
        return image_count(config, spec["drawn"])
    if "model" in spec:
        counts = candidate_counts(config, name)
        return counts and spec["per_class"] * counts[0]
    size = spec.get("limit")
    if isinstance(spec.get("indices"), str):
        with suppress(InputError):  # the job that reads the file reports a mistake in it
            return len(read_indices(spec["indices"], sys.maxsize))
        return None
    if size is None:
        whole = None if "indices" in spec else quickly_opened(spec)
        size = len(whole) * spec.get("copies", 1) if whole else expected_size(spec)
        size = size and size - spec.get("skip", 0)
    if has_matching_tasks(spec):
        shape, known = source(spec["source"]).shape(spec), source(spec["source"]).size(spec)
        size = min(size, known) if size and known else size
        return size and shape and round(size * shape[0])
    return size and size * (2 if has_examples(spec) else 1)


def item_count(config: dict[str, Any], name: str) -> int | None:
    """Items of a data set of matching tasks, where it is known: an upper limit."""
    spec = config["datasets"][name]
    sizes = (source(spec["source"]).size(spec), spec.get("limit"))
    return min((size for size in sizes if size is not None), default=None)


def candidate_counts(config: dict[str, Any], dataset: str) -> tuple[int, float] | None:
    """The classes that an image is compared with, and the mean number of prompts of a class."""
    data = config["datasets"][dataset]
    spec = config["prompts"][data["prompts"]]
    if has_examples(data):
        return 2 + bool(spec.get("unconditional")), 1
    if has_matching_tasks(data):
        shape = source(data["source"]).shape(data)
        return shape and (shape[1] + bool(spec.get("unconditional")), 1)
    return _prompt_counts(config, spec)


def prompt_class_count(config: dict[str, Any], prompts: str) -> int | None:
    """The number of classes in a set of prompts; None if unknown."""
    counts = _prompt_counts(config, config["prompts"][prompts])
    return counts and counts[0]


def _prompt_counts(config: dict[str, Any], spec: dict[str, Any]) -> tuple[int, float] | None:
    """Classes, and mean prompts of a class, in an entry of `prompts`; None if unknown."""
    if "file" in spec:
        with suppress(KeyError, TypeError, ValueError, ZeroDivisionError):
            rows = [row for row in prompt_rows(spec) if row["prompt"] or row["classname"]]
            classes = len({int(row["classidx"]) for row in rows})
            return classes, len(rows) / classes
        return None
    templates = len(spec.get("templates", ["{}"]))
    if "webdataset" in spec:
        return _beside(config["datasets"][spec["webdataset"]], spec.get("templates"))
    if "captions" in spec:
        data = config["datasets"][spec["captions"]]
        images = quickly_opened(data)
        known = class_count(data) if "source" in data else None
        classes = len(images.class_names) if images else known
        return classes and (classes, templates)
    if isinstance(spec["classes"], list):
        return len(spec["classes"]), templates
    classes = class_lists.class_count(spec["classes"])
    return classes, len(prompt_rows(spec)) / classes * templates


def _beside(spec: dict[str, Any], templates: list[str] | None) -> tuple[int, float] | None:
    """`candidate_counts` of the texts beside a data set, whose templates are read if local."""
    classes = class_count(spec)
    if templates is None and "root" in spec:
        with suppress(InputError):
            templates = read_class_texts(Path(spec["root"])).templates
    return (classes, len(templates)) if classes and templates else None


def prompt_rows(spec: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of the class list or CSV of an entry of `prompts`, read without pandas.

    Empty for other entries, and for a file that cannot be read; its job reports that.
    """
    if isinstance(spec.get("classes"), str):
        return class_lists.class_rows(spec["classes"])
    with (
        suppress(KeyError, OSError, ValueError, csv.Error),
        open(spec["file"], encoding="utf-8-sig", newline="") as file,
    ):
        return list(csv.DictReader(file))
    return []


def counts_left(
    config: dict[str, Any], name: str, dataset: str, classes: int, per_class: float
) -> tuple[tuple[float, float], float]:
    """Classes and prompts per class after search, prior and groups, and evaluations for the latter.

    The evaluations are per image, for a search and for groups. A search is assumed to keep as many
    classes as it may, all groups to have the same size, and a prior to leave as many groups as
    possible.
    """
    spec, left, spent = config["evaluations"][name], classes, 0.0
    if search := spec.get("search"):
        left = min(left, search.get("keep", KEPT))
        spent = search_class(search["kind"]).evaluations(search, classes)
    if prior := spec.get("prior"):
        left = min(left, prior["keep"])
    if groups := groups_of(config, name, dataset):
        count, prompts = _prompt_counts(config, config["prompts"][groups["prompts"]])
        spent = min(count, left) * prompts * spec["hierarchy"]["samples"]
        left = min(left, classes / count * spec["hierarchy"]["keep"])
    return (left, per_class), spent
