"""What learned weights of timesteps change: accuracy with and without them on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .accuracy import correct_by_training, correctness, percent
from .paired_tests import paired

GAIN = [
    *("loss", "images", "draws"),
    *("without", "without_low", "without_high", "with", "with_low", "with_high"),
    *("difference", "low", "high", "p"),
]


def weighting_gain(weighted: Sequence[pd.DataFrame], equal: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Compare predictions with learned weights to those with equal weights: the columns of `GAIN`.

    `weighted` are the predictions of each draw of labelled images, all of the same held-out images;
    `equal` are those of the evaluation whose errors are weighted, one file per training of its
    model; of several trainings, each has one draw, in the same order. Of the latter the held-out
    images count. One row per loss; accuracies and their `difference` are in percent and points,
    with the 95 % intervals of tables and of `paired_tests.paired`.
    """
    held_out = set(weighted[0]["image"])
    same = [found[found["image"].isin(held_out)] for found in equal]
    rows = []
    for loss in pd.unique(weighted[0]["loss"]):
        a, b = (_correct(found, loss) for found in (weighted, same))
        rows.append({"loss": loss, **compared(a, b)})
    return pd.DataFrame(rows, columns=GAIN)


def compared(weighted: pd.DataFrame, equal: pd.DataFrame) -> dict[str, Any]:
    """The columns of `GAIN` but the loss: two methods on the same units, see `paired_tests`.

    With several columns of both, the errors of column k are of one training.
    """
    matched = weighted.shape[1] == equal.shape[1] > 1
    measured = paired(weighted, equal, matched)
    accuracies = [*percent(equal.to_numpy().T), *percent(weighted.to_numpy().T)]
    differences = [measured[key] for key in ("difference", "low", "high", "p")]
    return dict(zip(GAIN[1:], [*weighted.shape, *accuracies, *differences], strict=True))


def _correct(found: Sequence[pd.DataFrame], loss: str) -> pd.DataFrame:
    """`correct_by_training` under one loss, a column for each of `found`."""
    named = {(str(k), ""): table[table["loss"] == loss] for k, table in enumerate(found)}
    return correct_by_training(correctness(named), [name for name, _ in named])
