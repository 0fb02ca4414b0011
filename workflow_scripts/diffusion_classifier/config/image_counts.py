"""How many images a data set has and how many prompts each is asked about, before it is made."""

from __future__ import annotations

import csv
import sys
from contextlib import suppress
from typing import Any

from diffusion_classifier.data import class_lists
from diffusion_classifier.data.sources.indices import read_indices
from diffusion_classifier.data.sources.registry import (
    has_examples,
    has_matching_tasks,
    source,
)
from diffusion_classifier.data.sources.sizes import class_count, expected_size, quickly_opened
from diffusion_classifier.messages import InputError

from .methods import groups_of


def image_count(config: dict[str, Any], name: str) -> int | None:
    """Images of a data set: of Winoground two for each example, of matching tasks those of items.

    An image that several items show counts for each: where it is known, this is an upper limit.
    """
    spec = config["datasets"][name]
    if "model" in spec:
        asked = candidate_counts(config, name)
        return asked and spec["per_class"] * asked[0]
    size = spec.get("limit")
    if isinstance(spec.get("indices"), str):
        return _listed(spec["indices"])
    if size is None:
        whole = None if "indices" in spec else quickly_opened(spec)
        size = len(whole) * spec.get("copies", 1) if whole else expected_size(spec)
        size = size and size - spec.get("skip", 0)
    if has_matching_tasks(spec):
        shape, known = source(spec["source"]).shape(spec), source(spec["source"]).size(spec)
        size = min(size, known) if size and known else size
        return size and shape and round(size * shape[0])
    return size and size * (2 if has_examples(spec) else 1)


def _listed(indices: str) -> int | None:
    """How many images a file of `indices` names; None if it cannot be read, which its job says."""
    with suppress(InputError):
        return len(read_indices(indices, sys.maxsize))


def candidate_counts(config: dict[str, Any], dataset: str) -> tuple[int, float] | None:
    """The classes an image is asked about, and how many prompts a class has on average."""
    data = config["datasets"][dataset]
    spec = config["prompts"][data["prompts"]]
    if has_examples(data):
        return 2 + bool(spec.get("unconditional")), 1
    if has_matching_tasks(data):
        shape = source(data["source"]).shape(data)
        return shape and (shape[1] + bool(spec.get("unconditional")), 1)
    return _named(config, spec)


def prompt_class_count(config: dict[str, Any], prompts: str) -> int | None:
    """The classes that a set of prompts names, if that is known."""
    counted = _named(config, config["prompts"][prompts])
    return counted and counted[0]


def _named(config: dict[str, Any], spec: dict[str, Any]) -> tuple[int, float] | None:
    """`candidate_counts` of an entry of `prompts`, of all its classes."""
    if "file" in spec:
        return _in_file(spec["file"])
    templates = len(spec.get("templates", ["{}"]))
    if "captions" in spec:
        of = config["datasets"][spec["captions"]]
        own = quickly_opened(of)
        classes = len(own.class_names) if own else class_count(of) if "source" in of else None
        return classes and (classes, templates)
    if isinstance(spec["classes"], list):
        return len(spec["classes"]), templates
    classes = class_lists.class_count(spec["classes"])
    return classes, len(class_lists.class_rows(spec["classes"])) / classes * templates


def _in_file(path: str) -> tuple[int, float] | None:
    """`candidate_counts` of a file of prompts, without pandas; a mistake is its job's to say."""
    with suppress(OSError, ValueError, KeyError, TypeError, ZeroDivisionError, csv.Error):
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["prompt"] or row["classname"]]
        classes = len({int(row["classidx"]) for row in rows})
        return classes, len(rows) / classes


def counts_left(
    config: dict[str, Any], name: str, dataset: str, classes: int, per_class: float
) -> tuple[tuple[float, float], float]:
    """The candidates that a prior and a stage of groups leave, and what the latter takes an image.

    Groups are taken to be of equal size and, below a prior, as many as can be.
    """
    spec, left, spent = config["evaluations"][name], classes, 0.0
    if prior := spec.get("prior"):
        left = min(left, prior["keep"])
    if groups := groups_of(config, name, dataset):
        count, prompts = _named(config, config["prompts"][groups["prompts"]])
        spent = min(count, left) * prompts * spec["hierarchy"]["samples"]
        left = min(left, classes / count * spec["hierarchy"]["keep"])
    return (left, per_class), spent
