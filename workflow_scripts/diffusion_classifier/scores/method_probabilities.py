"""Probabilities of all methods of a table, as scored and calibrated, and fusions of two methods.

Every method is calibrated on the calibration images of a set of prompts (`calibration.fit`) and
scored on data sets with these prompts. Trainings of a method are calibrated one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diffusion_classifier.selection.evidence import Evidence

from .accuracy import LONG
from .calibration import Calibration, fit, fuse, fused, log_posterior, positions
from .probability_scores import (
    METRICS,
    Answers,
    coverage,
    ece_if_true,
    ece_interval,
    interval,
    measured,
    reliability,
    replicates,
)

WAYS = ("as scored", "calibrated")
"""Probabilities before and after calibration; a fusion has the way `calibrated` only."""
GAIN = "log_likelihood_gain"
"""The metric of the paired difference in log-likelihood, calibrated minus as scored."""


@dataclass(frozen=True)
class Asked:
    """What one training of a method says about images, and their labels `(image,)` int64.

    `labels` are in the order of `evidence.images`; `scale` is that of the posterior as scored, D
    for a diffusion classifier and 1 for scores.
    """

    evidence: Evidence
    labels: np.ndarray
    scale: float


@dataclass(frozen=True)
class Question:
    """A method's trainings on a data set, and on the calibration images of its prompts."""

    method: str
    dataset: str
    asked: Sequence[Asked]
    calibration: Sequence[Asked]


class Probabilities:
    """The probabilities of a table; `add` methods and fusions, then take the tables.

    `prior[dataset]` is p(c) for a data set's classes, uniform where there is none.
    """

    def __init__(self, table: str, prior: Mapping[str, Sequence[float]] | None = None) -> None:
        self.table, self.prior = table, prior or {}
        self.answers: dict[tuple[str, str, str], Answers] = {}
        self.fitted: dict[tuple[str, str], list[np.ndarray]] = {}  # log p of calibration images
        self.truth: dict[tuple[str, str], np.ndarray] = {}
        self.parameters: list[dict[str, Any]] = []
        self.parents: dict[str, tuple[str, str]] = {}

    def add(self, question: Question) -> None:
        """Calibrate a method and keep its probabilities in both `WAYS`."""
        key, prior = (question.method, question.dataset), self.prior.get(question.dataset)
        logs: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
        self.fitted[key] = []
        for number, (asked, held) in enumerate(
            zip(question.asked, question.calibration, strict=True)
        ):
            found = fit(held.evidence, held.labels, held.scale, prior)
            for way, calibration in zip(WAYS, (Calibration(asked.scale), found), strict=True):
                logs[way].append(log_posterior(asked.evidence, calibration, prior))
            self.fitted[key].append(log_posterior(held.evidence, found, prior))
            self.truth[key] = positions(held.evidence, held.labels)
            record = {"temperature": asked.scale / found.scale, "half": found.half}
            record["variance"] = found.variance
            self._record(*key, number, record, found.images)
        truth = positions(question.asked[0].evidence, question.asked[0].labels)
        for way, values in logs.items():
            self.answers[(*key, way)] = Answers(np.stack(values), truth)

    def add_fusion(self, label: str, first: str, second: str, dataset: str) -> None:
        """Fuse two methods that were added; their trainings are paired, fewer ones repeated."""
        a, b = (self.answers[name, dataset, WAYS[1]] for name in (first, second))
        held_a, held_b = (self.fitted[name, dataset] for name in (first, second))
        logs = []
        for number in range(max(len(held_a), len(held_b))):
            one, other = number % len(held_a), number % len(held_b)
            scale, weight = fuse(held_a[one], held_b[other], self.truth[first, dataset])
            logs.append(fused(a.logs[one], b.logs[other], scale, weight))
            record = {"scale": scale, "weight": weight}
            self._record(label, dataset, number, record, len(held_a[one]))
        self.answers[label, dataset, WAYS[1]] = Answers(np.stack(logs), a.truth)
        self.parents[label] = first, second

    def _record(
        self, method: str, dataset: str, training: int, record: dict[str, float], images: int
    ) -> None:
        self.parameters += [
            {"method": method, "dataset": dataset, "training": training, "parameter": name,
             "value": value, "calibration_images": images}
            for name, value in record.items()
        ]  # fmt: skip

    def scores(self) -> pd.DataFrame:
        """METRICS of all methods and the paired differences: `LONG`, `way` and `parent`.

        `evaluations` is empty. The metric GAIN is paired with the same method as scored; of a
        fusion, `accuracy` and `log_likelihood` with a `parent` are differences to that method.
        """
        drawn = {key: replicates(found) for key, found in self.answers.items()}
        each = {
            key: pd.DataFrame(measured(Answers(logs[None], found.truth)) for logs in found.logs)
            for key, found in self.answers.items()
        }
        rows = []
        for key in self.answers:
            method, dataset, way = key
            for metric in METRICS:
                values, bounds = each[key][metric], interval(drawn[key][metric])
                if metric == "ece":
                    if_true = ece_if_true(self.answers[key])
                    bounds = ece_interval(values.mean(), drawn[key][metric], if_true)
                numbers = values.mean(), *bounds, values.min(), values.max()
                rows.append(self._row(key, metric, numbers))
            before = (method, dataset, WAYS[0])
            compared = [(GAIN, "log_likelihood", before, "")] if before in drawn else []
            compared = compared if way == WAYS[1] else []
            for parent in self.parents.get(method, ()):
                other = (parent, dataset, WAYS[1])
                compared += [(m, m, other, parent) for m in ("accuracy", "log_likelihood")]
            for metric, of, other, parent in compared:
                value = each[key][of].mean() - each[other][of].mean()
                bounds = interval(drawn[key][of] - drawn[other][of])
                rows.append(self._row(key, metric, (value, *bounds, value, value), parent))
        return pd.DataFrame(rows)

    def _row(
        self,
        key: tuple[str, str, str],
        metric: str,
        numbers: Sequence[float],
        parent: str = "",
    ) -> dict[str, Any]:
        """A row of `scores`; `numbers` are its value, low, high, least and most."""
        (method, dataset, way), logs = key, self.answers[key].logs
        values = (self.table, method, dataset, metric, *numbers, *logs.shape[:2], float("nan"))
        return {**dict(zip(LONG, values, strict=True)), "way": way, "parent": parent}

    def curves(self, of: str) -> pd.DataFrame:
        """`reliability` or `coverage` of all methods, with `method, dataset, way`."""
        made = {"reliability": reliability, "coverage": coverage}[of]
        return pd.concat(
            made(found).assign(method=method, dataset=dataset, way=way)
            for (method, dataset, way), found in self.answers.items()
        )


def exported(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """The rows of `Probabilities.scores` for the CSV: `LONG`, with the way in the method's name.

    `table` is written into the column of that name; differences to a parent have a metric of
    their own.
    """
    method = rows["method"] + ", " + rows["way"]
    metric = rows["metric"].where(rows["parent"] == "", rows["metric"] + " minus " + rows["parent"])
    found = rows.assign(method=method, metric=metric, table=table)[LONG]
    numbers = ["value", "low", "high", "least", "most"]
    return found.round(dict.fromkeys(numbers, 4))
