"""Confusion matrices, and the most frequent errors of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

MANY = 40
"""Number of classes that a readable confusion matrix has at most."""


def class_names(prompts: pd.DataFrame) -> list[str]:
    """The class names in order of their index; `prompts` come from `read_prompts`."""
    return prompts.drop_duplicates("classidx").sort_values("classidx")["classname"].tolist()


def confusion(predictions: pd.DataFrame, classes: Sequence[int]) -> pd.DataFrame:
    """Percent of the images of each true class (rows) predicted as each class (columns).

    `predictions` has `label, prediction`, one row per image. Columns are the class indices
    `classes`, in this order; rows are those of them that have images. A row adds up to less than
    100 if some of its images were predicted as a class that is not in `classes`.
    """
    counts = pd.crosstab(predictions["label"], predictions["prediction"])
    percent = 100 * counts.div(counts.sum(axis=1), axis=0)
    rows = [index for index in classes if index in percent.index]
    return percent.reindex(index=rows, columns=list(classes), fill_value=0.0)


def most_confused(
    predictions: pd.DataFrame, classnames: Sequence[str], top: int = 10
) -> pd.DataFrame:
    """The `top` most frequent errors: `true, predicted, count, share`, most frequent first.

    `predictions` are those of `confusion`; `share` is percent of the true class's images. Equally
    frequent errors are in the order of the classes. Without errors there are no rows.
    """
    sizes = predictions.groupby("label").size()
    counts = _errors(predictions).head(top)
    names = dict(enumerate(classnames))
    return pd.DataFrame(
        {
            "true": counts["label"].map(names),
            "predicted": counts["prediction"].map(names),
            "count": counts["count"],
            "share": 100 * counts["count"] / counts["label"].map(sizes),
        }
    ).reset_index(drop=True)


def drawn_classes(predictions: pd.DataFrame, count: int, most: int = MANY) -> list[int]:
    """Which of `count` classes a confusion matrix shows: all, or at most `most`, ascending.

    Of more than `most` classes, those of the most frequent errors are chosen, pair by pair; for a
    classifier without errors, the first ones.
    """
    if count <= most:
        return list(range(count))
    chosen: set[int] = set()
    for pair in _errors(predictions)[["label", "prediction"]].itertuples(index=False):
        if len(chosen | set(pair)) > most:
            break
        chosen |= set(pair)
    return sorted(map(int, chosen)) or list(range(most))


def _errors(predictions: pd.DataFrame) -> pd.DataFrame:
    """How often each wrong answer was given: `label, prediction, count`, most frequent first."""
    wrong = predictions[predictions["label"] != predictions["prediction"]]
    counts = wrong.groupby(["label", "prediction"]).size().reset_index(name="count")
    return counts.sort_values("count", ascending=False, kind="stable")
