"""Compare the accuracies of two methods on the same images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr

from diffusion_classifier.messages import InputError

from .accuracy import correct_by_training, correctness, method_name
from .compared_kinds import COMPARED_KINDS
from .intervals import Accuracy, accuracy, interval

PAIRED = [
    *("dataset", "method_a", "method_b", "loss"),
    *("difference", "low", "high", "b", "c", "p", "images", "trainings_a", "trainings_b"),
]


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> dict[str, Any]:
    """Exact two-sided McNemar test of two methods on the same images, `(image,)` bool each.

    Returns `b` (images that only a has right), `c` (those that only b has right) and `p`, that of a
    binomial test of b out of b + c.
    """
    correct_a, correct_b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    b, c = int((correct_a & ~correct_b).sum()), int((~correct_a & correct_b).sum())
    from scipy.stats import binomtest  # takes half a second to import

    return {"b": b, "c": c, "p": float(binomtest(b, b + c).pvalue) if b + c else 1.0}


def difference_interval(
    correct_a: np.ndarray, correct_b: np.ndarray, confidence: float = 0.95, matched: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of accuracy a minus accuracy b, as fractions; inputs bool `(..., training, image)`.

    It covers the choice of the images, which both share, and of the trainings of a side that has
    several. With `matched`, training k of both sides is the same, so a good one is good for both;
    each side has then several. The method is MOVER (Zou & Donner, "Construction of confidence
    limits about effect measures", Statistics in Medicine 27, 2008): it adds the squared half widths
    of `intervals.interval`, with the correlation of both accuracies over images. With one training
    each it is method 10 of Newcombe, "Improved confidence intervals for the difference between
    binomial proportions based on paired data", Statistics in Medicine 17 (1998), with his
    correction of φ. Coverage of 95 % intervals in tests/test_paired_tests.py: 94 to 97 % with 5
    trainings on either side or both (98 to 99 % if all images are equally hard and trainings do not
    differ), and 93 to 99 % with 3 or 5 matched ones.
    """
    a, b = accuracy(correct_a), accuracy(correct_b)
    between = _matched_difference(correct_a, correct_b) if matched else None
    (low_a, high_a), (low_b, high_b) = (interval(side, confidence, between) for side in (a, b))
    rho, difference = _correlation(correct_a, correct_b, a, b, between), a.mean - b.mean

    def half_width(of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(of_a**2 - 2 * rho * of_a * of_b + of_b**2, 0))

    return (
        difference - half_width(a.mean - low_a, high_b - b.mean),
        difference + half_width(high_a - a.mean, b.mean - low_b),
    )


def _correlation(
    correct_a: np.ndarray,
    correct_b: np.ndarray,
    a: Accuracy,
    b: Accuracy,
    between: Accuracy | None,
) -> np.ndarray:
    """Correlation of two accuracies over their common images; 0 if one of them does not vary.

    With `between`, the difference of matched trainings, it is over images and trainings.
    """
    images, pairs = correct_a.shape[-1], a.trainings * b.trainings
    if between:
        covariance = (a.variance + b.variance - between.variance) / 2 * images
    else:
        shared = (correct_a.mean(axis=-2) * correct_b.mean(axis=-2)).mean(axis=-1)
        covariance = shared - a.mean * b.mean
    # Newcombe's continuity correction: half of the least change of `shared`
    covariance = np.where(
        covariance > 0, np.maximum(covariance - 0.5 / (images * pairs), 0), covariance
    )
    product = a.variance * b.variance
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(product > 0, covariance / images / np.sqrt(product), 0.0)


def _matched_difference(correct_a: np.ndarray, correct_b: np.ndarray) -> Accuracy:
    """The difference of methods with matched trainings, and the parts of its variance."""
    values = correct_a.astype(float) - correct_b
    trainings, images = values.shape[-2:]
    of_training, of_image = values.mean(axis=-1), values.mean(axis=-2)
    mean, between = values.mean(axis=(-2, -1)), of_training.var(axis=-1, ddof=1) / trainings
    effects = of_training[..., None] + of_image[..., None, :] - mean[..., None, None]
    rest = ((values - effects) ** 2).sum(axis=(-2, -1)) / ((trainings - 1) * max(images - 1, 1))
    of_trainings = np.maximum(between - rest / (trainings * images), 0)
    effective = np.full(mean.shape, np.nan)  # it is no proportion
    of_images = of_image.var(axis=-1) / images
    return Accuracy(mean, trainings, effective, of_images, of_trainings, between)


def t_test(correct_a: np.ndarray, correct_b: np.ndarray, matched: bool = False) -> np.ndarray:
    """Two-sided p of equal accuracies over images and trainings; inputs `(..., training, image)`.

    The images' part of the variance is the mean square of their differences, as in McNemar's χ².
    Degrees of freedom are Satterthwaite's, for the mean squares of the trainings. With `matched`,
    training k of both sides is the same.
    """
    a, b = accuracy(correct_a), accuracy(correct_b)
    differences = correct_a.mean(axis=-2) - correct_b.mean(axis=-2)
    of_images = (differences**2).mean(axis=-1) / differences.shape[-1]
    sides = [_matched_difference(correct_a, correct_b)] if matched else [a, b]
    variance = of_images + sum(x.of_trainings for x in sides)
    squares = sum(x.between**2 / (x.trainings - 1) for x in sides if x.trainings > 1)
    least = min((x.trainings - 1 for x in sides if x.trainings > 1), default=np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.clip(variance**2 / squares, least, 1e9)
        t = np.where(variance > 0, np.abs(a.mean - b.mean) / np.sqrt(variance), 0.0)
    return 2 * stdtr(np.where(np.isnan(freedom), 1e9, freedom), -t)


def paired(
    correct_a: pd.DataFrame, correct_b: pd.DataFrame, matched: bool = False
) -> dict[str, Any]:
    """Compare two methods, with all their trainings, on the images that both predicted.

    With `matched`, column k of both is the same training.

    The inputs come from `correct_by_training`. Returns `difference, low, high` (accuracy of a minus
    b in points with the 95 % interval of `difference_interval`), `p`, the number of shared
    `images`, and `trainings_a, trainings_b`. With one training each `p` is that of McNemar's exact
    test with the counts `b` and `c`; otherwise `p` is that of `t_test`, and `b` and `c` are
    missing. Raises InputError if no image is shared or the labels disagree.
    """
    both = correct_a.reset_index("label").join(
        correct_b.reset_index("label"), how="inner", lsuffix="_a", rsuffix="_b"
    )
    differ = int((both["label_a"] != both["label_b"]).sum())
    if both.empty or differ:
        raise InputError(
            f"predictions: found {len(both)} shared images with {differ} different labels, "
            "expected both methods' predictions of one data set; recompute them"
        )
    a, b = (
        correct.droplevel("label").loc[both.index].to_numpy().T
        for correct in (correct_a, correct_b)
    )
    if len(a) == len(b) == 1:
        test = mcnemar(a[0], b[0])
    else:
        test = {"b": pd.NA, "c": pd.NA, "p": float(t_test(a, b, matched))}
    low, high = (100 * float(bound) for bound in difference_interval(a, b, matched=matched))
    difference = 100 * float(a.mean() - b.mean())
    counts = {"images": len(both), "trainings_a": len(a), "trainings_b": len(b)}
    return {"difference": difference, "low": low, "high": high, **test, **counts}


def paired_table(
    methods: Mapping[str, Mapping[str, str]],
    predictions: Mapping[tuple[str, str], pd.DataFrame],
) -> pd.DataFrame:
    """Compare every diffusion classifier and loss (`method_a, loss`) with every baseline.

    As in `accuracy.aggregate`, names with the same label are trainings of one method. Columns
    `dataset, method_a, method_b, loss` and those of `paired`; one row per data set that both have
    predictions for.
    """
    labels: dict[str, list[str]] = {}
    for name, method in methods.items():
        labels.setdefault(method["label"], []).append(name)
    kind = {label: methods[names[0]]["kind"] for label, names in labels.items()}
    correct = dict(list(correctness(predictions).groupby(["dataset", "loss"], sort=False)))
    rows = []
    for dataset, loss in correct:
        for label_a, a in _methods_in(labels, correct[dataset, loss]):
            if kind[label_a] != "diffusion":
                continue
            for label_b, b in _methods_in(labels, correct.get((dataset, ""))):
                if kind[label_b] in COMPARED_KINDS:
                    names = (method_name(label_a, loss), label_b)
                    key = dict(zip(PAIRED[:4], (dataset, *names, loss), strict=True))
                    rows.append({**key, **paired(a, b)})
    table = pd.DataFrame(rows, columns=PAIRED)
    return table.astype({"b": "Int64", "c": "Int64"})


def _methods_in(
    labels: Mapping[str, list[str]], correct: pd.DataFrame | None
) -> list[tuple[str, pd.DataFrame]]:
    """Label and `correct_by_training` of every method that is in `correct`."""
    if correct is None:
        return []
    present = set(correct["name"])
    found = {label: [n for n in names if n in present] for label, names in labels.items()}
    return [(label, correct_by_training(correct, names)) for label, names in found.items() if names]
