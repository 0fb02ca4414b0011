"""Measure how the time of a run grows with its classes, images and timesteps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from math import prod

import pandas as pd

from .subjects import Subject
from .throughput import all_pairs, check_same, spaced_samples

COLUMNS = ["varied", "count", "engine", "repeat", "evaluations", "seconds"]


def growth(subject: Subject, counts: Mapping[str, Sequence[int]], repeats: int) -> pd.DataFrame:
    """Seconds of loop and engine (COLUMNS) for `counts` of classes, images and timesteps.

    While one count varies, the others stay at the middle of their values. Sizes and engines take
    turns in each repeat. Raises FloatingPointError if loop and engine find different errors.
    """
    middle = {name: sorted(values)[len(values) // 2] for name, values in counts.items()}
    images = subject.first_images(max(counts["images"]), "benchmark.growth.images")
    subject.check_prompts(max(counts["classes"]), "benchmark.growth.classes")
    for run in _runs(subject, images, middle).values():
        run()  # warm up
    rows = []
    for repeat in range(repeats):
        for varied, values in counts.items():
            for count in values:
                size, found = middle | {varied: count}, {}
                for engine, run in _runs(subject, images, size).items():
                    start = time.perf_counter()
                    found[engine] = run()
                    seconds = time.perf_counter() - start
                    rows.append([varied, count, engine, repeat, prod(size.values()), seconds])
                check_same(found["plain"], found["engine"], subject.dtype)
    return pd.DataFrame(rows, columns=COLUMNS)


def _runs(subject: Subject, images: Sequence[int], size: Mapping[str, int]) -> dict[str, Callable]:
    """Loop and engine, ready to run for `size` classes, images and timesteps."""
    pairs = all_pairs(images[: size["images"]], size["classes"])
    return subject.runs(pairs, spaced_samples(size["timesteps"]))
