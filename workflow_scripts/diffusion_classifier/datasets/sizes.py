"""How many images a source has, known without opening it."""

from __future__ import annotations

from typing import Any

MNIST = {"train": 4000, "test": 1000}
UCI_DIGITS = 1797
SCENES = {"captions": 30000, "train": 2000, "validation": 500, "test": 1000}


CLASSES = {"shapes": 6, "colours": 6, "sizes": 2, "colour-shape": 36, "captions": 1}


def size(spec: dict[str, Any]) -> int | None:
    """Number of images of a data set entry before its `limit`, copies counted.

    Of Winoground, the number of examples. None for what is known only once a file is read.
    """
    if spec["source"] in ("winoground", "folder"):
        return None
    return _images(spec) * spec.get("copies", 1)


def class_count(spec: dict[str, Any]) -> int | None:
    """Number of classes of a data set entry's source; None where every image has its own."""
    if spec["source"] == "scenes":
        return CLASSES[spec["task"]]
    return 10 if spec["source"] in ("mnist", "uci-digits") else None


def _images(spec: dict[str, Any]) -> int:
    split = spec.get("split", "test")
    if spec["source"] == "scenes-winoground":
        return 3 * spec["per_tag"]
    if spec["source"] == "scenes":
        return SCENES["captions" if spec["task"] == "captions" else split]
    return MNIST[split] if spec["source"] == "mnist" else UCI_DIGITS
