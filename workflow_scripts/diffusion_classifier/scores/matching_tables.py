"""Tables of matching tasks: every method's scores on every subtask, their means, and differences.

A table's rows are long: one per data set, subtask, metric and method, over all trainings of the
method. `MICRO` is the mean over all items of a data set, `MACRO` that over its subtasks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from . import accuracy as accuracy_scores
from .accuracy import correct_by_training, method_name
from .compared_kinds import COMPARED_KINDS
from .intervals import accuracy, interval
from .matching_metrics import METRICS, decide, item_costs
from .paired_tests import PAIRED, paired

MICRO, MACRO = "all items", "mean of subtasks"
"""What stands for a subtask where a score is of all of them."""

LONG = [
    *("table", "method", "dataset", "subtask", "metric", "value", "low", "high", "chance"),
    *("least", "most", "trainings", "images", "evaluations", "seconds"),
    *("loss", "kind", "group", "varies"),
]
"""The columns of the rows; `images` counts items, or the pairs and sets of them."""

Methods = Mapping[str, Mapping[str, str]]
"""Name of a training -> `label`, `kind`, `group` and `varies` of its method."""


Answers = Mapping[tuple[str, str], pd.DataFrame]
"""Name of a training and of a data set -> similarities of images and prompts."""

Sets = Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]
"""Name of a data set -> its table without the images, and its prompts."""


def decide_all(
    answers: Answers, sets: Sets, partial: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`matching.decide` and `item_costs` of all answers, with the columns `name, dataset`.

    The methods in `partial` have answered about some of the images; their items are scored alone.
    """
    decisions, spent = [], []
    for (name, dataset), similarity in answers.items():
        own = {"name": name, "dataset": dataset}
        where = f"similarities of {name!r} on {dataset!r}"
        data, prompts = sets[dataset]
        if name in partial:
            data = data[data["image"].isin(similarity["image"])]
        decisions.append(decide(similarity, data, prompts, where).assign(**own))
        spent.append(item_costs(similarity, data).assign(**own))
    kept = [found for found in decisions if len(found)] or decisions[:1]
    return pd.concat(kept, ignore_index=True), pd.concat(spent, ignore_index=True)


def score_table(
    methods: Methods, decisions: pd.DataFrame, spent: pd.DataFrame, table: str
) -> pd.DataFrame:
    """The rows LONG; values, intervals, chance, `least` and `most` in percent.

    `decisions` are those of `matching.decide` of all methods, `spent` those of `item_costs`, with
    the columns `name` and `dataset`. Intervals cover items and, with several trainings, trainings
    (`intervals`). A data set of one subtask has no means. `evaluations` and
    `seconds` are means per item.
    """
    rows = []
    for label, names in trainings_of(methods, decisions["name"]):
        of_method = decisions[decisions["name"].isin(names)]
        for (dataset, loss), found in of_method.groupby(["dataset", "loss"], sort=False):
            costs = spent[(spent["dataset"] == dataset) & (spent["loss"] == loss)]
            head = {
                "table": table,
                "method": method_name(label, loss),
                "dataset": dataset,
                "loss": loss,
                **{key: methods[names[0]][key] for key in ("kind", "group", "varies")},
            }
            costs = costs[costs["name"].isin(names)]
            rows += [head | row for row in _rows(found, names, head["varies"], costs)]
    return pd.DataFrame(rows, columns=LONG)


def _rows(
    own: pd.DataFrame, names: Sequence[str], varies: str, spent: pd.DataFrame
) -> Iterator[dict[str, object]]:
    """A row for each metric, of every subtask and of all, of one method, data set and loss."""
    costs = spent.groupby("subtask")[["evaluations", "seconds"]].mean()
    for metric in (name for name in METRICS if name in set(own["metric"])):
        of_metric = own[own["metric"] == metric]
        subtasks = list(pd.unique(of_metric["subtask"]))
        parts = [(subtask, of_metric[of_metric["subtask"] == subtask]) for subtask in subtasks]
        if len(subtasks) > 1:
            parts += [(MICRO, of_metric), (MACRO, of_metric)]
        for subtask, found in parts:
            shown = costs.loc[[subtask]] if subtask in costs.index else costs
            yield {
                "subtask": subtask,
                "metric": metric,
                **_score(found, names, varies, subtask == MACRO),
                **shown.mean().to_dict(),
            }


def _score(
    found: pd.DataFrame, names: Sequence[str], varies: str, macro: bool
) -> dict[str, object]:
    """Value, interval and more of one score; of guesses every seed is as good as more items."""
    wide = _wide(found, names)
    correct = wide.to_numpy().T
    strata = wide.index.get_level_values("subtask") if macro else None
    each = [100 * float(accuracy(row[None], strata).mean) for row in correct]
    items = correct.shape[1]
    if varies == "seed":
        strata = np.tile(strata, len(names)) if macro else None
        correct = correct.reshape(1, -1)
    measured = accuracy(correct, strata)
    low, high = interval(measured)
    chance = found.drop_duplicates(["subtask", "unit"])
    mean = chance.groupby("subtask")["chance"].mean().mean() if macro else chance["chance"].mean()
    return {
        "value": 100 * float(measured.mean),
        "low": 100 * float(low),
        "high": 100 * float(high),
        "chance": 100 * float(mean),
        "least": min(each),
        "most": max(each),
        "trainings": len(names),
        "images": items,
    }


def long_form(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns of `accuracy.LONG` and `chance`; `dataset` names the subtask too."""
    named = rows.assign(dataset=rows["dataset"] + "/" + rows["subtask"])
    rounded = ("value", "low", "high", "least", "most", "evaluations", "chance")
    return named[[*accuracy_scores.LONG, "chance"]].round(dict.fromkeys(rounded, 4))


def paired_table(methods: Methods, decisions: pd.DataFrame) -> pd.DataFrame:
    """Compare every diffusion classifier and loss with every baseline, item by item.

    Columns `dataset, subtask, metric` and those of `paired_tests.PAIRED`; one row per subtask, and
    one for all items of a data set (`MICRO`).
    """
    rows = []
    for (dataset, metric), found in decisions.groupby(["dataset", "metric"], sort=False):
        subtasks = list(pd.unique(found["subtask"]))
        parts = {name: found[found["subtask"] == name] for name in subtasks}
        parts |= {MICRO: found} if len(subtasks) > 1 else {}
        for subtask, part in parts.items():
            key = {"dataset": dataset, "subtask": subtask, "metric": metric}
            rows += [key | row for row in _compared(methods, part)]
    columns = ["dataset", "subtask", "metric", *PAIRED[1:]]
    return pd.DataFrame(rows, columns=columns).astype({"b": "Int64", "c": "Int64"})


def _compared(methods: Methods, found: pd.DataFrame) -> Iterator[dict[str, object]]:
    by_loss = dict(list(found.groupby("loss", sort=False)))
    plain = by_loss.get("", found.iloc[:0])
    others = [
        (label, correct_of(plain, names))
        for label, names in trainings_of(methods, plain["name"])
        if methods[names[0]]["kind"] in COMPARED_KINDS
    ]
    for loss, part in by_loss.items():
        for label, names in trainings_of(methods, part["name"]):
            if methods[names[0]]["kind"] != "diffusion":
                continue
            own = correct_of(part, names)
            for other, answers in others:
                key = dict(zip(PAIRED[1:4], (method_name(label, loss), other, loss), strict=True))
                yield key | paired(own, answers)


def correct_of(found: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Which units are right, a column per training, with the index that `paired` expects."""
    numbered = found.assign(image=found["subtask"] + "\n" + found["unit"].astype(str), label=0)
    return correct_by_training(numbered[["name", "image", "label", "correct"]], names)


def _wide(found: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Which units are right, bool: a row per `subtask, unit`, a column per training."""
    wide = found.pivot(index=["subtask", "unit"], columns="name", values="correct")
    return wide[list(names)].astype(bool)


def trainings_of(methods: Methods, present: pd.Series) -> Iterator[tuple[str, list[str]]]:
    """The label of each method and the names of its trainings, of those that are `present`."""
    there = set(present)
    labels: dict[str, list[str]] = {}
    for name in (name for name in methods if name in there):
        labels.setdefault(methods[name]["label"], []).append(name)
    yield from labels.items()
