"""Accuracies with confidence intervals, and paired comparisons of two methods."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri

from .messages import InputError
from .methods import COMPARED_KINDS

# What is exported, one measured number per row; files between rules carry more columns.
LONG = [
    *("table", "method", "dataset", "metric"),
    *("value", "low", "high", "images", "evaluations"),
]
# and these, in a table that is compared with published numbers
COMPARED = ["published", "difference", "inside"]
PAIRED = [
    *("dataset", "method_a", "method_b", "loss"),
    *("difference", "low", "high", "b", "c", "p", "images"),
]
LOSS_NAMES = {
    "l1": "L1",
    "l2": "L2",
    "huber": "Huber",
    "vlb": "VLB",
    "l2+vlb": "L2+VLB",
    "pruning": "pruning loss",
}
METRIC_NAMES = {"top1": "Top-1 accuracy", "mean_per_class": "Mean per-class accuracy"}


def wilson(
    successes: ArrayLike, n: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of a proportion (Wilson 1927), as fractions, elementwise.

    `successes` and `n` broadcast and need not be whole (an effective sample size is not).
    Returns float64 arrays (low, high); NaN where `n` is 0.
    """
    n = np.where(np.asarray(n, float) > 0, n, np.nan)
    p = np.asarray(successes, float) / n
    z = ndtri(0.5 + confidence / 2)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # At p = 0 and p = 1 the bound is exact; rounding would leave 1e-17 there.
    low = np.where(p == 0, 0.0, centre - half)
    high = np.where(p == 1, 1.0, centre + half)
    return np.where(np.isnan(n), np.nan, low), np.where(np.isnan(n), np.nan, high)


def method_name(label: str, loss: str) -> str:
    """The name a method goes by in tables: "Diffusion Classifier [L2]", or just the label."""
    return f"{label} [{LOSS_NAMES.get(loss, loss)}]" if loss else label


def top1(correct: np.ndarray) -> tuple[float, float]:
    """Top-1 accuracy as a fraction, and the sample size behind it, of `correct` `(image,)` bool."""
    return float(np.mean(correct)), float(len(correct))


def mean_per_class(correct: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Mean of the classes' accuracies as a fraction, and its effective sample size.

    `correct` `(image,)` bool, `label` `(image,)` int; classes without an image do not count.
    With Var = Σ p_k(1-p_k)/n_k / K² the variance of the mean, n_eff = p(1-p)/Var is the number of
    images whose plain accuracy would vary as much. It is never taken above the number of images:
    with few images per class Var is underestimated (0 when every p_k is 0 or 1). Where Var is 0
    the classes are taken to be equally hard, n_eff = K² / Σ 1/n_k.
    """
    classes = pd.Series(np.asarray(correct, float)).groupby(np.asarray(label)).agg(["mean", "size"])
    p_k, n_k = classes["mean"].to_numpy(), classes["size"].to_numpy()
    p = float(p_k.mean())
    variance = (p_k * (1 - p_k) / n_k).sum() / len(p_k) ** 2
    equal = len(p_k) ** 2 / (1 / n_k).sum()
    return p, float(min(p * (1 - p) / variance if variance > 0 else equal, len(correct)))


def score(predictions: pd.DataFrame, table: str, dataset: str, label: str) -> pd.DataFrame:
    """Score one predictions file: the columns of `LONG` plus `loss, seconds, effective`.

    One row per loss x metric (`top1`, `mean_per_class`); `value, low, high` are percent with a
    95 % Wilson interval over `effective` images; `evaluations` and `seconds` are means per image.
    Raises InputError if an image occurs twice for the same loss, or there is no image.
    """
    if predictions.empty or predictions.duplicated(["image", "loss"]).any():
        raise InputError(
            f"predictions of {label!r} on {dataset!r}: {len(predictions)} rows, expected exactly "
            "one per image and loss; recompute the predictions file"
        )
    rows = []
    for loss, found in predictions.groupby("loss", sort=False):
        correct = (found["prediction"] == found["label"]).to_numpy()
        metrics = {
            "top1": top1(correct),
            "mean_per_class": mean_per_class(correct, found["label"].to_numpy()),
        }
        for metric, (p, effective) in metrics.items():
            low, high = wilson(p * effective, effective)
            measured = (100 * p, 100 * float(low), 100 * float(high), len(found))
            spent = (found["evaluations"].mean(), loss, found["seconds"].mean(), effective)
            rows.append((table, method_name(label, loss), dataset, metric, *measured, *spent))
    return pd.DataFrame(rows, columns=[*LONG, "loss", "seconds", "effective"])


def score_table(
    methods: Mapping[str, Mapping[str, str]],
    predictions: Mapping[tuple[str, str], pd.DataFrame],
    table: str,
) -> pd.DataFrame:
    """Score all `predictions[name, dataset]`; adds `name, kind, group` of `methods[name]`.

    Rows are in the order of `methods`, which is the order of the tables.
    """
    order = list(methods)
    parts = [
        score(predictions[name, dataset], table, dataset, methods[name]["label"]).assign(
            name=name, kind=methods[name]["kind"], group=methods[name]["group"]
        )
        for name, dataset in sorted(predictions, key=lambda key: order.index(key[0]))
    ]
    return pd.concat(parts, ignore_index=True)


def long_form(rows: pd.DataFrame) -> pd.DataFrame:
    """The exported columns of `rows`, `LONG` and, if there, `COMPARED`, values to 4 decimals."""
    columns = [*LONG, *(name for name in COMPARED if name in rows)]
    rounded = ("value", "low", "high", "evaluations", "difference")
    return rows[columns].round(dict.fromkeys(rounded, 4))


def aggregate(rows: pd.DataFrame, by: str = "method") -> pd.DataFrame:
    """One row per method, data set and metric: the mean over seeds, and `seeds`, their number.

    Rows are the seeds of one method if they agree in `by` ("method", the display name, or "group")
    and in loss. The interval is Wilson's over the pooled seeds x images, and `images` is that
    number. It takes the seeds' decisions for independent, although they share the images, so it
    is too narrow where seeds err on the same images.
    """
    keys = ["table", by, "loss", "dataset", "metric"]
    groups = rows.groupby(keys, sort=False)
    pooled = groups.agg(
        method=("method", lambda names: names.iloc[0] if names.nunique() == 1 else ""),
        kind=("kind", "first"),
        group=("group", "first"),
        seeds=("name", "nunique"),
        value=("value", "mean"),
        images=("images", "sum"),
        evaluations=("evaluations", "mean"),
        seconds=("seconds", "mean"),
        effective=("effective", "sum"),
    )
    pooled = pooled.reset_index([key for key in keys if key not in pooled.columns])
    pooled = pooled.reset_index(drop=True)
    merged = pooled["method"] == ""  # labels differ within a group: the group names the row
    named = [method_name(*key) for key in zip(pooled["group"], pooled["loss"], strict=True)]
    pooled["method"] = pooled["method"].where(~merged, named)
    low, high = wilson(pooled["value"] / 100 * pooled["effective"], pooled["effective"])
    return pooled.assign(low=100 * low, high=100 * high)


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> dict[str, Any]:
    """Exact two-sided McNemar test of two methods on the same images, `(image,)` bool each.

    Returns `b` (only a right), `c` (only b right) and `p`, a binomial test of b against b + c.
    """
    correct_a, correct_b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    b, c = int((correct_a & ~correct_b).sum()), int((~correct_a & correct_b).sum())
    from scipy.stats import binomtest  # half a second's import, which few who score need

    return {"b": b, "c": c, "p": float(binomtest(b, b + c).pvalue) if b + c else 1.0}


def newcombe(a: int, b: int, c: int, d: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a difference of paired proportions, (b - c)/n, as fractions.

    `a` both right, `b` only the first, `c` only the second, `d` none. Method 10 of Newcombe,
    "Improved confidence intervals for the difference between binomial proportions based on paired
    data", Statistics in Medicine 17 (1998): Wilson intervals squared and added, with φ.
    """
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    (low1, low2), (high1, high2) = wilson([a + b, a + c], n, confidence)
    product, odds = (a + b) * (c + d) * (a + c) * (b + d), a * d - b * c
    phi = 0.0 if product == 0 else (max(odds - n / 2, 0) if odds > 0 else odds) / sqrt(product)

    def added(first: float, second: float) -> float:
        return sqrt(max(first**2 - 2 * phi * first * second + second**2, 0))

    return (
        p1 - p2 - added(p1 - low1, high2 - p2),
        p1 - p2 + added(high1 - p1, p2 - low2),
    )


def paired(predictions_a: pd.DataFrame, predictions_b: pd.DataFrame) -> dict[str, Any]:
    """Compare two methods, one loss each, on the images both have.

    Returns `difference, low, high` (accuracy of a minus b in points, Newcombe's 95 % interval),
    McNemar's `b, c, p` and the number of shared `images`. Raises InputError if an image occurs
    twice, no image is shared or the labels disagree.
    """
    columns = ["image", "label", "prediction"]
    both = predictions_a[columns].merge(
        predictions_b[columns], on="image", suffixes=("_a", "_b"), validate="one_to_one"
    )
    if both.empty or (both["label_a"] != both["label_b"]).any():
        raise InputError(
            f"{len(both)} shared images, with {(both['label_a'] != both['label_b']).sum()} labels "
            "that differ; both predictions must come from the same data set"
        )
    right_a = (both["prediction_a"] == both["label_a"]).to_numpy()
    right_b = (both["prediction_b"] == both["label_b"]).to_numpy()
    test = mcnemar(right_a, right_b)
    a, n = int((right_a & right_b).sum()), len(both)
    low, high = newcombe(a, test["b"], test["c"], n - a - test["b"] - test["c"])
    difference = 100 * (test["b"] - test["c"]) / n
    return {"difference": difference, "low": 100 * low, "high": 100 * high, **test, "images": n}


def paired_table(
    methods: Mapping[str, Mapping[str, str]],
    predictions: Mapping[tuple[str, str], pd.DataFrame],
) -> pd.DataFrame:
    """Every diffusion classifier and loss (`method_a, loss`) against every baseline (`method_b`).

    Columns `dataset, method_a, method_b, loss` and those of `paired`; one row per data set that
    both have predictions for.
    """
    rows = []
    for (name_a, dataset), found in predictions.items():
        if methods[name_a]["kind"] != "diffusion":
            continue
        for name_b in methods:
            if (
                methods[name_b]["kind"] not in COMPARED_KINDS
                or (name_b, dataset) not in predictions
            ):
                continue
            for loss, found_a in found.groupby("loss", sort=False):
                key = {"dataset": dataset, "method_a": name_a, "method_b": name_b, "loss": loss}
                rows.append({**key, **paired(found_a, predictions[name_b, dataset])})
    return pd.DataFrame(rows, columns=PAIRED)
