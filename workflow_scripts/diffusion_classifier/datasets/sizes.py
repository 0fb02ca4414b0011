"""How many images a source has, known without opening it."""

from __future__ import annotations

from typing import Any

MNIST = {"train": 4000, "test": 1000}
UCI_DIGITS = 1797


def size(spec: dict[str, Any]) -> int:
    """Number of images of a data set entry before its `limit`, copies counted."""
    images = MNIST[spec.get("split", "test")] if spec["source"] == "mnist" else UCI_DIGITS
    return images * spec.get("copies", 1)
