"""Results in the form of CLIP_benchmark: a JSON file for each method and data set.

Its users' scripts (`clip_benchmark build *.json`, its notebooks) read these files beside their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diffusion_classifier import files

from .accuracy import method_name

TASK = "zeroshot_classification"
METRICS = ("acc1", "acc5", "mean_per_class_recall")
_TOP = 5


def metric_table(predictions: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """The metrics of all `predictions[name, dataset]`, one row per loss.

    Columns: `name, dataset, loss` and METRICS, float64 fractions; `acc5` is NaN where it is not
    known, see `metrics`.
    """
    rows = [
        {"name": name, "dataset": dataset, "loss": loss, **metrics(of_loss)}
        for (name, dataset), found in predictions.items()
        for loss, of_loss in found.groupby("loss", sort=False)
    ]
    return pd.DataFrame(rows, columns=["name", "dataset", "loss", *METRICS])


def metrics(predictions: pd.DataFrame) -> dict[str, float]:
    """METRICS of predictions (`label, prediction, scores`) under one loss, as fractions.

    `mean_per_class_recall` is the mean over the classes that have images. `acc5` needs the scores
    of all classes: it is NaN if there are fewer than five classes, and if an image lacks the score
    of a class, as after pruning, a prior or a race. Of equal scores the earlier class is higher.
    """
    right = predictions["prediction"] == predictions["label"]
    return {
        "acc1": float(right.mean()),
        "acc5": _top5(predictions),
        "mean_per_class_recall": float(right.groupby(predictions["label"]).mean().mean()),
    }


def _top5(predictions: pd.DataFrame) -> float:
    if "scores" not in predictions:
        return float("nan")
    scores = np.stack(predictions["scores"].to_numpy())
    if scores.shape[1] < _TOP or not np.isfinite(scores).all():
        return float("nan")
    highest = np.argsort(-scores, axis=1, kind="stable")[:, :_TOP]
    return float((highest == predictions["label"].to_numpy()[:, None]).any(axis=1).mean())


def write_results(
    table: pd.DataFrame,
    methods: Mapping[str, Mapping[str, str]],
    datasets: Mapping[str, str],
    folder: str | os.PathLike,
) -> None:
    """Write each row of `metric_table` to a file in `folder`, named as CLIP_benchmark advises.

    `methods[name]` has the `model` and the `pretrained` weights to write, `datasets[dataset]` the
    data set's name there. An unknown `acc5` is null. A method with several losses has a file for
    each, and the loss in its `model`.
    """
    for row in table.to_dict("records"):
        method = methods[row["name"]]
        model = method_name(method["model"], row["loss"])
        result = clip_benchmark_result(row, model, method["pretrained"], datasets[row["dataset"]])
        parts = (result["dataset"], result["pretrained"], model, result["language"], TASK)
        name = "_".join(re.sub(r"[^\w.\[\]+-]+", "-", part).strip("-") for part in parts if part)
        files.write_json(result, Path(folder) / f"benchmark_{name}.json")


def clip_benchmark_result(
    row: Mapping[str, Any], model: str, pretrained: str, dataset: str
) -> dict[str, Any]:
    """The content of a file of CLIP_benchmark for a row of `metric_table`."""
    return {
        "dataset": dataset,
        "model": model,
        "pretrained": pretrained,
        "task": TASK,
        "metrics": {name: None if np.isnan(row[name]) else row[name] for name in METRICS},
        "language": "en",
    }
