"""Evaluations per second of the engine and of the plain loop: same model, same numbers out."""

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

from .flops import evaluation_flops
from .peak import matmul_peak
from .subjects import Subject

Errors = Mapping[str, np.ndarray]
TOLERANCE = {"float32": 1e-4, "bfloat16": 5e-2, "float16": 6e-3}
"""By how much the two may differ, relative to the error: rounding of sums in another order.

In bfloat16 single errors of the plain loop itself are up to 3 % from those in float32 (the shipped
scenes-sd, 2,160 evaluations).
"""


def measured(
    label: str, subject: Subject, pairs: pd.DataFrame, samples: Sequence[Sample], repeats: int
) -> dict[str, Any]:
    """All that is to be known of one comparison, as JSON has it; see `compare` for what it raises.

    Besides what `compare` returns: `model`, `dtype`, `batch_size`, `flops` of one plain evaluation,
    `peak` in FLOP/s with the same threads, and the `machine`.
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
    """`count` samples at evenly spaced timesteps, the noises in order."""
    return stage_samples([count])[0]


def compare(
    subject: Subject, pairs: pd.DataFrame, samples: Sequence[Sample], repeats: int
) -> dict[str, Any]:
    """Seconds of each repeat of both, and how far their numbers are apart.

    All take turns (see `take_turns`). One round of all goes before, as a first call sets things up.
    Raises FloatingPointError if they do not find the same errors: a comparison of different numbers
    would be none. The same means up to TOLERANCE, and in no error by half of what the prompts'
    errors are apart.
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
            f"error, but those of different prompts by {between:.2g}: nothing is measured"
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
    """Of every repeat the seconds that each of `runs` took and what it found; who is first changes.

    So a machine that slows down slows all.
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
    """The largest relative difference of any error; FloatingPointError if it is not rounding."""
    precision = dtype_name(dtype)
    tolerance = TOLERANCE[precision]
    if set(plain) != set(engine):
        raise FloatingPointError(f"the losses differ: {sorted(plain)} and {sorted(engine)}")
    largest = 0.0
    for loss, expected in plain.items():
        worst = float(deviation(engine[loss], expected).max())
        if not worst <= tolerance:  # so that NaN is caught
            raise FloatingPointError(
                f"the engine's {loss} errors differ from the plain loop's by up to {worst:.2g} of "
                f"the error, expected at most {tolerance:g} in {precision}: nothing is measured"
            )
        largest = max(largest, worst)
    return largest


def _between_prompts(errors: np.ndarray, pairs: pd.DataFrame) -> float:
    """The median, over images and samples, of (largest - smallest) / mean error of the prompts."""
    of_image = pd.DataFrame(errors).groupby(pairs["image"].to_numpy())
    return float(((of_image.max() - of_image.min()) / of_image.mean()).stack().median())
