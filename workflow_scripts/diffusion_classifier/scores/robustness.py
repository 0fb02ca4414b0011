"""Effective robustness: accuracy under a shift beyond what in-distribution accuracy predicts.

Taori et al., "Measuring Robustness to Natural Distribution Shifts in Image Classification",
NeurIPS 2020: over ordinary classifiers, the logit of the accuracy on shifted images is close to
a line in the logit of the in-distribution accuracy. The effective robustness of a method is its
height above that line. Every training of a classifier is a point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri, stdtrit

from diffusion_classifier.messages import InputError

from .accuracy import METHOD


def points(scores: pd.DataFrame, in_distribution: str, shifted: str) -> pd.DataFrame:
    """One row per training (method name) and loss that was scored on both data sets.

    `scores` comes from `accuracy.score_table`. Columns `method, loss, name, kind, group, varies`;
    for the in-distribution (x) and the shifted (y) data set top-1 accuracy in percent `x, y`, its
    interval `x_low, x_high, y_low, y_high` and the number of images `x_images, y_images`.
    """
    keys = ["method", "loss", *METHOD]
    measured = scores[scores["metric"] == "top1"]
    axes = []
    for axis, dataset in (("x", in_distribution), ("y", shifted)):
        names = {"value": axis} | {c: f"{axis}_{c}" for c in ("low", "high", "images")}
        found = measured[measured["dataset"] == dataset]
        axes.append(found[[*keys, *names]].rename(columns=names))
    return axes[0].merge(axes[1], on=keys)


def clipped(percent: np.ndarray, images: np.ndarray) -> np.ndarray:
    """(k + 1/2)/(n + 1) for k of n images right: a fraction whose logit is finite even at 100 %."""
    return (np.asarray(percent) / 100 * images + 0.5) / (images + 1)


def fit_line(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Fit logit(y) = intercept + slope · logit(x) along the last axis by least squares.

    `x` and `y` are fractions; `weights`, how often a point counts, broadcast. Returns intercept and
    slope with the leading shape; NaN where all `x` are equal.
    """
    x, y, weights = np.broadcast_arrays(logit(x), logit(y), weights)
    total = weights.sum(-1)
    middle_x, middle_y = (weights * x).sum(-1) / total, (weights * y).sum(-1) / total
    dx = x - middle_x[..., None]
    spread = (weights * dx**2).sum(-1)
    slope = (weights * dx * y).sum(-1) / np.where(spread > 1e-12, spread, np.nan)
    return middle_y - slope * middle_x, slope


def baseline_line(points: pd.DataFrame) -> tuple[float, float]:
    """Intercept and slope of the line through the baselines (`kind` "baseline").

    Raises InputError unless at least two baselines differ in in-distribution accuracy.
    """
    baselines = points[points["kind"] == "baseline"]
    if baselines["x"].nunique() < 2:
        raise InputError(
            f"robustness table: found in-distribution accuracies {sorted(baselines['x'])} %, "
            "expected at least two baselines that differ, for a line; add baselines"
        )
    line = fit_line(
        clipped(baselines["x"], baselines["x_images"].to_numpy()),
        clipped(baselines["y"], baselines["y_images"].to_numpy()),
    )
    return float(line[0]), float(line[1])


def predicted(line: tuple[np.ndarray, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The line's accuracy under the shift, a fraction, for in-distribution fractions `x`."""
    return expit(line[0] + line[1] * logit(x))


@dataclass(frozen=True)
class Redrawn:
    """Bootstrap replicates of points: accuracies from images and trainings drawn anew.

    `x, y` are float64 fractions `(draw, point)`, `line` intercept and slope `(draw,)`.
    """

    x: np.ndarray
    y: np.ndarray
    line: tuple[np.ndarray, np.ndarray]


def redrawn(
    points: pd.DataFrame,
    inside: pd.DataFrame,
    shifted: pd.DataFrame,
    draws: int = 2000,
    seed: int = 0,
    same_images: bool = False,
) -> Redrawn:
    """Bootstrap replicates of `points` (from `points()`) and of the line through its baselines.

    `inside` and `shifted` are `accuracy.correctness` for the in-distribution and the shifted data
    set. A replicate draws the images of each data set with replacement, the same images for all
    methods. With `same_images` (the shifted images are altered copies of the others) one draw
    serves both data sets. For the line it draws baselines with replacement, and then trainings of
    each drawn baseline.
    """
    rng = np.random.default_rng(seed)
    right_x, right_y = (_right(points, found) for found in (inside, shifted))
    x, y = np.empty((2, draws, len(points)))
    for part in np.array_split(np.arange(draws), -(-draws // 100)):  # in parts, to use less memory
        counts = _counts(rng, len(part), len(right_x))
        x[part] = _mean(right_x, counts)
        y[part] = _mean(right_y, counts if same_images else _counts(rng, len(part), len(right_y)))
    is_baseline = (points["kind"] == "baseline").to_numpy()
    times = _times(rng, points.loc[is_baseline, "method"], draws)
    finite = (
        clipped(100 * values[:, is_baseline], points.loc[is_baseline, f"{axis}_images"].to_numpy())
        for values, axis in ((x, "x"), (y, "y"))
    )
    return Redrawn(x, y, fit_line(*finite, times))


def _right(points: pd.DataFrame, correct: pd.DataFrame) -> np.ndarray:
    """Which images each of `points` has right, float64 `(image, point)`; NaN if not predicted."""
    wide = correct.pivot(index=["name", "loss"], columns="image", values="correct")
    found = wide.reindex(pd.MultiIndex.from_frame(points[["name", "loss"]]))
    return found.to_numpy(dtype=float).T


def _mean(right: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means over the predicted images, each counted `counts` times, `(draw, image)`."""
    return counts @ np.nan_to_num(right) / (counts @ ~np.isnan(right))


def _counts(rng: np.random.Generator, draws: int, size: int) -> np.ndarray:
    """How often each of `size` items is drawn in `size` draws with replacement, `(draw, size)`."""
    return rng.multinomial(size, np.full(size, 1 / size), draws).astype(float)


def _times(rng: np.random.Generator, methods: pd.Series, draws: int) -> np.ndarray:
    """How often each training is drawn, `(draw, training)`: methods first, then their trainings.

    `methods` is the method of each training.
    """
    members = [np.flatnonzero(methods == method) for method in pd.unique(methods)]
    drawn = _counts(rng, draws, len(members)).astype(int)
    times = np.zeros((draws, len(methods)))
    for number, trainings in zip(drawn.T, members, strict=True):
        even = np.full(len(trainings), 1 / len(trainings))
        times[:, trainings] = rng.multinomial(number * len(trainings), even)
    return times


def effective_robustness(
    points: pd.DataFrame,
    method: str,
    replicates: Redrawn,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, float | bool | str | int]:
    """How far `method` (a display name; mean over its trainings) lies above the baselines' line.

    `points` come from `points()`, their `replicates` from `redrawn`. Returns `accuracy` under the
    shift, the line's `prediction`, their difference `value` with `low, high`, all in percentage
    points; the number of `trainings` and what `varies` between them; and `extrapolated`: whether
    the method's in-distribution accuracy lies outside that of the baselines. The interval consists
    of a bootstrap's percentiles over images, baselines and trainings, including the method's; with
    a single training it does not cover another training. Coverage of 95 % intervals in
    tests/test_robustness.py: 97 to 100 % if only images and trainings move the baselines off a
    line, as that scatter is counted twice.
    Raises InputError if `method` is unknown or a line cannot be fitted.
    """
    is_chosen = (points["method"] == method).to_numpy()
    chosen, baselines = points[is_chosen], points[points["kind"] == "baseline"]
    if chosen.empty:
        known = sorted(set(points["method"]))
        raise InputError(
            f"method: found {method!r}, expected one with scores on both data sets: {known}; "
            "correct it"
        )
    line = baseline_line(points)
    inside = clipped(chosen["x"], chosen["x_images"].to_numpy())
    accuracy, prediction = chosen["y"].mean() / 100, predicted(line, inside).mean()

    x = clipped(100 * replicates.x[:, is_chosen], chosen["x_images"].to_numpy())
    lines = tuple(part[:, None] for part in replicates.line)
    above = replicates.y[:, is_chosen] - predicted(lines, x)
    tail = (1 - confidence) / 2
    replicated = above.mean(axis=1) + _training_draws(above, np.random.default_rng(seed), tail)
    outside = (chosen["x"] < baselines["x"].min()) | (chosen["x"] > baselines["x"].max())
    # a replicate in which all baselines are equal has no line (NaN) and is left out
    low, high = np.nanquantile(replicated, [tail, 1 - tail])
    return {
        "method": method,
        "trainings": len(chosen),
        "varies": chosen["varies"].iloc[0],
        "accuracy": 100 * accuracy,
        "prediction": 100 * prediction,
        "value": 100 * (accuracy - prediction),
        "low": 100 * low,
        "high": 100 * high,
        "extrapolated": bool(outside.any()),
    }


def _training_draws(above: np.ndarray, rng: np.random.Generator, tail: float) -> np.ndarray:
    """Shifts of the mean if trainings are drawn with replacement, `(draw,)`; 0 for one training.

    `above`, `(draw, training)`, are replicates over images of the distances from the line. They
    contain the spread between trainings that images cause, so only the rest of the spread is added.
    It is stretched by √(S/(S-1)) and by Student's over the normal quantile, as S values spread less
    than their population and estimate the spread with error (Hesterberg 2015).
    """
    count = above.shape[1]
    if count == 1:
        return np.zeros(len(above))
    centred = above - above.mean(axis=1, keepdims=True)
    spread, by_images = np.nanvar(np.nanmean(above, axis=0)), np.nanvar(centred, axis=0).mean()
    rest = max(1 - by_images / spread, 0) if spread > 0 else 0
    stretch = np.sqrt(rest * count / (count - 1)) * stdtrit(count - 1, tail) / ndtri(tail)
    chosen = rng.integers(count, size=above.shape)
    return stretch * np.take_along_axis(centred, chosen, axis=1).mean(axis=1)


def effective_robustness_table(
    points_of: Mapping[str, pd.DataFrame],
    methods: Sequence[str],
    correct: pd.DataFrame,
    in_distribution: str,
    draws: int = 2000,
    seed: int = 0,
    same_images: Sequence[str] = (),
) -> pd.DataFrame:
    """`effective_robustness` of each shift x method, with a first column `dataset`.

    `correct` is `accuracy.correctness`; `same_images` are the shifted data sets made of the same
    test images as the in-distribution one.
    """
    by_dataset = dict(list(correct.groupby("dataset")))
    rows = []
    for dataset, found in points_of.items():
        sets = (by_dataset[in_distribution], by_dataset[dataset])
        replicates = redrawn(found, *sets, draws, seed, dataset in same_images)
        rows += [
            {"dataset": dataset, **effective_robustness(found, method, replicates, seed)}
            for method in methods
        ]
    return pd.DataFrame(rows)


def statements(table: pd.DataFrame, columns: dict[str, str]) -> list[str]:
    """One sentence on the interval of each row of `effective_robustness_table`.

    `columns` maps data sets to display names.
    """
    sentences = []
    for row in table.itertuples():
        if row.low > 0:
            verdict = "lies above the baselines' line"
        elif row.high < 0:
            verdict = "lies below the baselines' line"
        else:
            verdict = "cannot be distinguished from the baselines' line (the interval includes 0)"
        size = f"{row.value:+.1f} points, 95 % interval [{row.low:+.1f}, {row.high:+.1f}]"
        count = "" if row.trainings == 1 else f" over {row.trainings} trainings"
        caveats = {
            "the interval is of 1 training and does not cover another one": (
                row.trainings == 1 and row.varies == "training"
            ),
            "the line is extrapolated, no baseline is as accurate or inaccurate in distribution": (
                row.extrapolated
            ),
        }
        notes = "".join(f"; {text}" for text, holds in caveats.items() if holds)
        name = columns.get(row.dataset, row.dataset)
        sentences.append(f"{name}: {row.method} {verdict}: {size}{count}{notes}.")
    return sentences
