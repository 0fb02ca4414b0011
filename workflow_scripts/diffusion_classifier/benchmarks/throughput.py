"""Evaluations per second of the engine and the plain loop, for the same model and results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from diffusion_classifier.denoisers.speed import dtype_name
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.machine import describe
from diffusion_classifier.selection.schedules import stage_samples

from .flops import evaluation_flops, matmul_peak
from .subjects import Subject

Errors = Mapping[str, np.ndarray]
TOLERANCE = {"float32": 1e-4, "bfloat16": 5e-2, "float16": 6e-3}
"""Largest allowed difference relative to the error, due to the rounding of sums in another order.

In bfloat16 single errors of the plain loop differ by up to 3 % from float32 (shipped scenes-sd,
2,160 evaluations).
"""


def measured(
    label: str, subject: Subject, pairs: pd.DataFrame, samples: Sequence[Sample], repeats: int
) -> dict[str, Any]:
    """The record of one comparison, for JSON; raises as `compare` does.

    It adds to the result of `compare`: `model`, `dtype`, `batch_size`, `flops` of one plain
    evaluation, `peak` in FLOP/s with the same threads, and the `machine`.
    """
    found = compare(subject, pairs, samples, repeats)
    return found | {
        "model": label,
        "dtype": dtype_name(subject.dtype),
        "batch_size": subject.batch_size,
        "flops": evaluation_flops(subject.plain.network, subject.one_condition),
        "peak": matmul_peak(subject.device, subject.dtype),
        "machine": describe(subject.device, torch.get_num_threads()),
    }


def all_pairs(images: Sequence[int], prompts: int) -> pd.DataFrame:
    """Every image with each of the first `prompts` prompts: columns `image, prompt`."""
    grid = pd.MultiIndex.from_product([images, range(prompts)], names=["image", "prompt"])
    return grid.to_frame(index=False).astype("int64")


def spaced_samples(count: int) -> list[Sample]:
    """`count` samples at evenly spaced timesteps, with the noises in order."""
    return stage_samples([count])[0]


def compare(
    subject: Subject, pairs: pd.DataFrame, samples: Sequence[Sample], repeats: int
) -> dict[str, Any]:
    """Seconds of each repeat of loop and engine, and the difference between their errors.

    They take turns (see `take_turns`) after one round to warm up. Raises FloatingPointError if
    their errors differ by more than TOLERANCE, or by half of the difference between prompts: then
    the speeds of different computations would be compared.
    """
    runs = subject.runs(pairs, samples)
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    difference = 0.0
    for turn in take_turns(runs, repeats):
        found = {name: errors for name, (_, errors) in turn.items()}
        for name, (took, _) in turn.items():
            seconds[name].append(took)
        for name in found.keys() - {"plain"}:
            apart = check_same(found["plain"], found[name], subject.dtype)
            difference = max(difference, apart)
    between = _between_prompts(found["plain"]["l2"], pairs)
    if 0 < between < 2 * difference:
        raise FloatingPointError(
            f"the engine's errors differ from the plain loop's by up to {difference:.2g} of the "
            f"error, but those of different prompts by only {between:.2g}: no speed is measured"
        )
    return {
        "evaluations": len(pairs) * len(samples),
        "seconds": seconds,
        "difference": difference,
        "between_prompts": between,
        "tolerance": TOLERANCE[dtype_name(subject.dtype)],
    }


def take_turns(
    runs: Mapping[str, Callable[[], Errors]], repeats: int
) -> Iterator[dict[str, tuple[float, Errors]]]:
    """Seconds and errors of each of `runs`, for every repeat.

    The order is reversed in every second repeat, so that a machine that slows down affects all.
    """
    for repeat in range(repeats):
        found = {}
        for name in list(runs)[:: -1 if repeat % 2 else 1]:
            start = time.perf_counter()
            errors = runs[name]()
            found[name] = (time.perf_counter() - start, errors)
        yield found


def deviation(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """|found - expected| / |expected|, element by element, float64.

    >>> deviation(np.array([1.1, 2.0]), np.array([1.0, 2.0])).round(3).tolist()
    [0.1, 0.0]
    """
    found, expected = np.asarray(found, "float64"), np.asarray(expected, "float64")
    return np.abs(found - expected) / np.abs(expected)


def check_same(plain: Errors, engine: Errors, dtype: torch.dtype) -> float:
    """The largest relative difference of any error; FloatingPointError if above TOLERANCE."""
    precision = dtype_name(dtype)
    tolerance = TOLERANCE[precision]
    if set(plain) != set(engine):
        raise FloatingPointError(f"the losses differ: {sorted(plain)} and {sorted(engine)}")
    largest = 0.0
    for loss, expected in plain.items():
        worst = float(deviation(engine[loss], expected).max())
        if not worst <= tolerance:  # also true for NaN
            raise FloatingPointError(
                f"the engine's {loss} errors differ from the plain loop's by up to {worst:.2g} of "
                f"the error, expected at most {tolerance:g} in {precision}: no speed is measured"
            )
        largest = max(largest, worst)
    return largest


def _between_prompts(errors: np.ndarray, pairs: pd.DataFrame) -> float:
    """The median, over images and samples, of (largest - smallest) / mean error of the prompts."""
    images = pd.DataFrame(errors).groupby(pairs["image"].to_numpy())
    return float(((images.max() - images.min()) / images.mean()).stack().median())
