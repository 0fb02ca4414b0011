"""Compare policies that save evaluations, including one of other authors, a paired t-test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from diffusion_classifier.scores.accuracy import correct_by_training, correctness
from diffusion_classifier.scores.intervals import wilson_percent
from diffusion_classifier.scores.paired_tests import paired

COLUMNS = ["dataset", "policy", "images", "evaluations_per_image", "top1", "low", "high"]
COMPARED = ["dataset", "policy", "times_fewer", "difference", "low", "high", "p"]


@dataclass(frozen=True)
class PairedTTest:
    """A rule of a race: a class leaves if a paired t-test against the best gives p < `cutoff`.

    Clark & Jaini 2023, "Text-to-image diffusion models are zero-shot classifiers", algorithm 2:
    the test is two-sided, on the errors at shared samples; they start at 20 samples and take a
    cutoff of 0.002. A class with the same errors as the best has p = 1.
    """

    cutoff: float

    def __call__(self, errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
        best = errors[errors.mean(axis=1).argmin()]
        with np.errstate(invalid="ignore", divide="ignore"):
            p = stats.ttest_rel(errors, best[None], axis=1).pvalue
        return ~(p < self.cutoff)


def policy_table(predictions: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """Cost and accuracy (in percent) of every policy: COLUMNS.

    `predictions` maps data set and policy to predictions of one loss; `low` and `high` are the
    accuracy's 95 % Wilson interval.
    """
    rows = []
    for dataset, policies in predictions.items():
        for policy, table in policies.items():
            correct = table["prediction"].eq(table["label"])
            top1 = wilson_percent(correct.sum(), len(table))
            rows.append((dataset, policy, len(table), table["evaluations"].mean(), *top1))
    return pd.DataFrame(rows, columns=COLUMNS)


def comparison_table(predictions: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """Compare every policy with the first of its data set, image by image: COMPARED.

    `times_fewer` is the ratio of evaluations per image, first over policy; `difference` is the
    policy's accuracy minus the first's in points, with Newcombe's 95 % interval for paired
    proportions and McNemar's exact `p`.
    """
    rows = []
    for dataset, policies in predictions.items():
        (_, first), *others = policies.items()
        for policy, table in others:
            fewer = first["evaluations"].mean() / table["evaluations"].mean()
            found = paired(_correct(table), _correct(first))
            numbers = (found["difference"], found["low"], found["high"], found["p"])
            rows.append((dataset, policy, fewer, *numbers))
    return pd.DataFrame(rows, columns=COMPARED)


def _correct(predictions: pd.DataFrame) -> pd.DataFrame:
    """Which images are right, for one loss and training; see `correct_by_training`."""
    return correct_by_training(correctness({("", ""): predictions.assign(loss="")}), [""])
