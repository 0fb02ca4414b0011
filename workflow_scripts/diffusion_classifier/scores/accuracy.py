"""Score predictions: accuracies with confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from diffusion_classifier.engine.loss_names import LOSSES
from diffusion_classifier.messages import InputError

from .intervals import accuracy, interval

# columns of the exported CSV, which has a row per number; intermediate files have more columns.
# `least` and `most` are the values of the worst and the best training
LONG = [
    *("table", "method", "dataset", "metric"),
    *("value", "low", "high", "least", "most", "trainings", "images", "evaluations"),
]
# additional columns of a table that is compared with published numbers
COMPARED = ["published", "difference", "inside"]
LOSS_NAMES = LOSSES | {"pruning": "pruning loss"}
METRIC_NAMES = {"top1": "Top-1 accuracy", "mean_per_class": "Mean per-class accuracy"}


def method_name(label: str, loss: str) -> str:
    """The name of a method in tables: "Diffusion Classifier [L2]", or the label if `loss` is ""."""
    return f"{label} [{LOSS_NAMES.get(loss, loss)}]" if loss else label


def score(predictions: pd.DataFrame, table: str, dataset: str, label: str) -> pd.DataFrame:
    """Score one predictions file: the columns of `LONG` plus `loss, seconds`.

    One row per loss x metric (`top1`, `mean_per_class`); `value, low, high` are percent with a
    95 % Wilson interval over images, `least` and `most` this training's value; `evaluations` and
    `seconds` are means per image.
    Raises InputError if an image occurs twice for the same loss, or there is no image.
    """
    if predictions.empty or predictions.duplicated(["image", "loss"]).any():
        raise InputError(
            f"predictions of {label!r} on {dataset!r}: {len(predictions)} rows, expected exactly "
            "one per image and loss; recompute the predictions file"
        )
    rows = []
    for loss, found in predictions.groupby("loss", sort=False):
        correct = (found["prediction"] == found["label"]).to_numpy()[None]
        for metric in METRIC_NAMES:
            measured = training_score(correct, _strata(metric, found))
            spent = (found["evaluations"].mean(), loss, found["seconds"].mean())
            rows.append((table, method_name(label, loss), dataset, metric, *measured, *spent))
    return pd.DataFrame(rows, columns=[*LONG, "loss", "seconds"])


def percent(correct: np.ndarray, label: np.ndarray | None = None) -> tuple[float, float, float]:
    """Accuracy, low and high of its interval, in percent; `correct` is bool `(training, image)`."""
    found = accuracy(correct, label)
    return tuple(100 * float(part) for part in (found.mean, *interval(found)))


def training_score(correct: np.ndarray, label: np.ndarray | None = None) -> tuple[float, ...]:
    """The columns `value` to `images` of LONG for one training; `correct` is bool `(1, image)`."""
    value, low, high = percent(correct, label)
    return value, low, high, value, value, 1, correct.shape[1]


def _strata(metric: str, found: pd.DataFrame) -> np.ndarray | None:
    """The labels by which a metric stratifies images, if it does."""
    return found["label"].to_numpy() if metric == "mean_per_class" else None


METHOD = ("name", "kind", "group", "varies")


def score_table(
    methods: Mapping[str, Mapping[str, str]],
    predictions: Mapping[tuple[str, str], pd.DataFrame],
    table: str,
) -> pd.DataFrame:
    """Score all `predictions[name, dataset]`; add `name` and the method's `kind, group, varies`.

    Rows are in the order of `methods`, which is the order of the tables.
    """
    order = list(methods)
    parts = [
        score(predictions[name, dataset], table, dataset, methods[name]["label"]).assign(
            **{key: {"name": name, **methods[name]}[key] for key in METHOD}
        )
        for name, dataset in sorted(predictions, key=lambda key: order.index(key[0]))
    ]
    return pd.concat(parts, ignore_index=True)


def correctness(predictions: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Which images each of `predictions[name, dataset]` has right.

    Columns `name, dataset, loss, image, label, correct` (bool).
    """
    parts = [
        found[["loss", "image", "label"]].assign(
            name=name, dataset=dataset, correct=found["prediction"] == found["label"]
        )
        for (name, dataset), found in predictions.items()
    ]
    columns = ["name", "dataset", "loss", "image", "label", "correct"]
    return pd.concat(parts, ignore_index=True)[columns]


def long_form(rows: pd.DataFrame) -> pd.DataFrame:
    """The exported columns of `rows`: `LONG` and, if present, `COMPARED`; values to 4 decimals."""
    columns = [*LONG, *(name for name in COMPARED if name in rows)]
    rounded = ("value", "low", "high", "least", "most", "evaluations", "difference")
    return rows[columns].round(dict.fromkeys(rounded, 4))


def aggregate(rows: pd.DataFrame, correct: pd.DataFrame, by: str = "method") -> pd.DataFrame:
    """One row per method, data set and metric: the mean over its `trainings`, and their number.

    Rows of `score_table` are trainings of one method (for guesses: seeds) if they agree in loss and
    in `by` ("method", the display name, or "group"). `correct` is the `correctness` of the same
    methods; that of Winoground has a column `metric`. The interval covers images and trainings (see
    `intervals.interval`); that of guesses is Wilson's over images x seeds, as all guesses are
    independent. `images` is the number of images of each training. Raises InputError as
    `correct_by_training`.
    """
    groups = rows.groupby(["table", by, "loss", "dataset", "metric"], sort=False)
    decided = dict(list(correct.groupby(["dataset", "loss"])))
    pooled = [_pooled(found, decided[dataset, loss]) for (_, _, loss, dataset, _), found in groups]
    return pd.DataFrame(pooled, columns=[*rows.columns.drop("name")])


def _pooled(rows: pd.DataFrame, correct: pd.DataFrame) -> dict[str, object]:
    """One row for all trainings in `rows`, which agree in loss, data set and metric."""
    first = rows.iloc[0]
    if "metric" in correct:
        correct = correct[correct["metric"] == first["metric"]]
    trainings = correct_by_training(correct, list(rows["name"]))
    answers, label = trainings.to_numpy().T, _strata(first["metric"], trainings.reset_index())
    if first["varies"] == "seed":  # guesses are independent, so another seed is like more images
        answers = answers.reshape(1, -1)
        label = None if label is None else np.tile(label, len(rows))
    value, low, high = percent(answers, label)
    same = rows["method"].nunique() == 1  # otherwise the row is named by the group
    return first.drop("name").to_dict() | {
        "method": first["method"] if same else method_name(first["group"], first["loss"]),
        "value": value,
        "low": low,
        "high": high,
        "least": rows["value"].min(),
        "most": rows["value"].max(),
        "trainings": len(rows),
        "images": len(trainings),
        "evaluations": rows["evaluations"].mean(),
        "seconds": rows["seconds"].mean(),
    }


def correct_by_training(correct: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Which images are right, bool; a row per image (index `image, label`), a column per name.

    `correct` is `correctness` for one data set and loss. Raises InputError unless all of `names`
    have predictions of the same images.
    """
    keys = [key for key in ("image", "label") if key in correct]
    found = correct[correct["name"].isin(list(names))]
    wide = found.pivot(index=keys, columns="name", values="correct")[list(names)]
    if wide.isna().any(axis=None):
        counts = wide.notna().sum()
        fewest = counts.idxmin()
        raise InputError(
            f"predictions of {fewest!r}: found {counts[fewest]} of {len(wide)} images of "
            f"{', '.join(names)}, expected all trainings of a method to have the same images; "
            "recompute them"
        )
    return wide.astype(bool)
