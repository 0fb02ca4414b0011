"""Effective robustness: accuracy under a shift beyond what in-distribution accuracy predicts.

Taori et al., "Measuring Robustness to Natural Distribution Shifts in Image Classification",
NeurIPS 2020: over ordinary classifiers, the logit of the accuracy on shifted images is close to
a line in the logit of the in-distribution accuracy; a method is effectively robust by as much as
it lies above that line.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from .messages import InputError


def points(
    scores: pd.DataFrame, in_distribution: str, shifted: str, metric: str = "top1"
) -> pd.DataFrame:
    """One row per method name (every seed its own) and loss that was scored on both data sets.

    `scores` as from `scores.score_table`. Columns `name, method, kind, group, loss` and for the
    in-distribution (x) and the shifted (y) data set accuracy in percent `x, y`, its interval
    `x_low, x_high, y_low, y_high` and the number of images `x_images, y_images`.
    """
    keys = ["name", "method", "kind", "group", "loss"]
    measured = scores[scores["metric"] == metric]
    axes = []
    for axis, dataset in (("x", in_distribution), ("y", shifted)):
        names = {"value": axis} | {c: f"{axis}_{c}" for c in ("low", "high", "images")}
        found = measured[measured["dataset"] == dataset]
        axes.append(found[[*keys, *names]].rename(columns=names))
    return axes[0].merge(axes[1], on=keys)


def clipped(percent: np.ndarray, images: np.ndarray) -> np.ndarray:
    """(k + 1/2)/(n + 1) for k of n images right: a fraction with a finite logit, even at 100 %."""
    return (np.asarray(percent) / 100 * images + 0.5) / (images + 1)


def fit_line(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares logit(y) = intercept + slope · logit(x) over the last axis, of fractions.

    Returns intercept and slope with the leading shape; NaN where all `x` are equal.
    """
    x, y = logit(x), logit(y)
    dx = x - x.mean(-1, keepdims=True)
    spread = (dx**2).sum(-1)
    slope = (dx * y).sum(-1) / np.where(spread > 1e-12, spread, np.nan)
    return y.mean(-1) - slope * x.mean(-1), slope


def baseline_line(points: pd.DataFrame) -> tuple[float, float]:
    """Intercept and slope of the line through the baselines (`kind` "baseline").

    Raises InputError unless at least two baselines differ in in-distribution accuracy.
    """
    baselines = points[points["kind"] == "baseline"]
    if baselines["x"].nunique() < 2:
        raise InputError(
            f"the line needs at least two baselines of different in-distribution accuracy, found "
            f"{sorted(baselines['x'])} %; add baselines to the robustness table"
        )
    line = fit_line(
        clipped(baselines["x"], baselines["x_images"].to_numpy()),
        clipped(baselines["y"], baselines["y_images"].to_numpy()),
    )
    return float(line[0]), float(line[1])


def predicted(line: tuple[np.ndarray, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The line's accuracy under the shift, a fraction, for in-distribution fractions `x`."""
    return expit(line[0] + line[1] * logit(x))


def effective_robustness(
    points: pd.DataFrame,
    method: str,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, float | bool | str]:
    """How far `method` (its display name; mean over its seeds) lies above the baselines' line.

    `points` as from `points()`. Returns `accuracy` under the shift, the line's `prediction`, their
    difference `value` with `low, high`, all in percentage points, and `extrapolated`: whether the
    method's in-distribution accuracy lies outside the baselines'. The interval is a bootstrap's
    percentiles: each of `draws` replicates draws the baselines and the method's seeds with
    replacement, draws every accuracy anew from its binomial distribution, and refits the line.
    Accuracies are drawn independently although methods share images, which widens the interval.
    Raises InputError if `method` is unknown or a line cannot be fitted.
    """
    own = points[points["method"] == method]
    baselines = points[points["kind"] == "baseline"]
    if own.empty:
        known = sorted(set(points["method"]))
        raise InputError(f"no method {method!r} on both data sets; there are {known}")
    line = baseline_line(points)
    inside = clipped(own["x"], own["x_images"].to_numpy())
    accuracy, prediction = own["y"].mean() / 100, predicted(line, inside).mean()

    rng = np.random.default_rng(seed)
    lines = fit_line(*_redrawn(baselines, draws, rng)[:2])
    x, _, y = _redrawn(own, draws, rng)
    above = (y - predicted((lines[0][:, None], lines[1][:, None]), x)).mean(axis=1)
    beyond = (own["x"] < baselines["x"].min()) | (own["x"] > baselines["x"].max())
    tail = (1 - confidence) / 2
    # A replicate that drew one baseline only has no line (NaN) and says nothing.
    low, high = np.nanquantile(above, [tail, 1 - tail])
    return {
        "method": method,
        "accuracy": 100 * accuracy,
        "prediction": 100 * prediction,
        "value": 100 * (accuracy - prediction),
        "low": 100 * low,
        "high": 100 * high,
        "extrapolated": bool(beyond.any()),
    }


def _redrawn(
    rows: pd.DataFrame, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bootstrap replicates of `rows`: clipped x, clipped y, plain y, fractions `(draw, row)`."""
    chosen = rng.integers(len(rows), size=(draws, len(rows)))
    redrawn = []
    for axis in "xy":
        images = rows[f"{axis}_images"].to_numpy()
        # The clipped accuracy, so that 100 % measured does not count as certain.
        p = clipped(rows[axis], images)[chosen]
        redrawn.append((rng.binomial(images[chosen], p), images[chosen]))
    (x, x_images), (y, y_images) = redrawn
    return (x + 0.5) / (x_images + 1), (y + 0.5) / (y_images + 1), y / y_images


def effective_robustness_table(
    points_of: dict[str, pd.DataFrame], methods: Sequence[str], draws: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """`effective_robustness` of each shift x method: its values, plus `dataset` in front."""
    return pd.DataFrame(
        [
            {"dataset": dataset, **effective_robustness(found, method, draws, seed)}
            for dataset, found in points_of.items()
            for method in methods
        ]
    )


def statements(table: pd.DataFrame, columns: dict[str, str]) -> list[str]:
    """One plain sentence per row of `effective_robustness_table`: what its interval allows to say.

    `columns` maps data sets to display names.
    """
    sentences = []
    for row in table.itertuples():
        if row.low > 0:
            verdict = "lies above the baselines' line"
        elif row.high < 0:
            verdict = "lies below the baselines' line"
        else:
            verdict = "cannot be told from the baselines' line (the interval includes 0)"
        size = f"{row.value:+.1f} points, 95 % interval [{row.low:+.1f}, {row.high:+.1f}]"
        caveat = (
            "; the line is extrapolated, no baseline is as accurate or inaccurate in distribution"
            if row.extrapolated
            else ""
        )
        name = columns.get(row.dataset, row.dataset)
        sentences.append(f"{name}: {row.method} {verdict}: {size}{caveat}.")
    return sentences
