"""What learned weights of timesteps change in matching tasks: scores on the same held-out items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from .matching_tables import MICRO, Methods, correct_of, trainings_of
from .weighting_gain import GAIN, compared

GAINS = ["dataset", "subtask", "metric", "method", "varies", *GAIN]
"""The columns of a gain; `images` counts items, or the pairs and sets of them."""


def gain_table(methods: Methods, decisions: pd.DataFrame, of: Mapping[str, str]) -> pd.DataFrame:
    """Compare scores with learned weights to those with equal weights: the columns GAINS.

    `decisions` are those of `matching_tables.decide_all`. `of` maps each method with learned
    weights to the evaluation that it weights, of whose items those count that both decided. One row
    for each subtask and, of several, for all items (`MICRO`); see `weighting_gain`. Base rates of
    captions depend on all images that were asked, which differ, so that score is left out.
    """
    is_compared = decisions["metric"] != "calibrated_text_score"
    weighted = decisions[decisions["name"].isin(of) & is_compared]
    rows = []
    for key, found in weighted.groupby(["dataset", "metric", "loss"], sort=False):
        dataset, metric, loss = key
        same = (decisions["metric"] == metric) & (decisions["loss"] == loss)
        equal = decisions[same & (decisions["dataset"] == dataset)]
        for label, names in trainings_of(methods, found["name"]):
            head = {"dataset": dataset, "metric": metric, "method": label, "loss": loss}
            head["varies"] = methods[names[0]]["varies"]
            bases = list(dict.fromkeys(of[name] for name in names))
            for subtask, both in _parts(found, equal):
                a, b = (correct_of(*part) for part in zip(both, (names, bases), strict=True))
                units = a.index.intersection(b.index)
                rows.append(head | {"subtask": subtask} | compared(a.loc[units], b.loc[units]))
    return pd.DataFrame(rows, columns=GAINS)


def _parts(
    found: pd.DataFrame, equal: pd.DataFrame
) -> Iterator[tuple[str, tuple[pd.DataFrame, pd.DataFrame]]]:
    """The decisions of both about each subtask and, of several, about all."""
    there = set(found["subtask"])
    subtasks = [name for name in pd.unique(equal["subtask"]) if name in there]
    for subtask in subtasks:
        yield subtask, (found[found["subtask"] == subtask], equal[equal["subtask"] == subtask])
    if len(subtasks) > 1:
        yield MICRO, (found, equal[equal["subtask"].isin(subtasks)])
