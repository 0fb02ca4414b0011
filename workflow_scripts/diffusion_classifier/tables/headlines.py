"""What a table says in a sentence or two, for the first page of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from .wide_tables import interval_text, paragraph_html


def headlines(
    rows: pd.DataFrame, columns: Mapping[str, str], main: Sequence[str], loss: str, metric: str
) -> list[str]:
    """Two sentences about each method in `main`: its range, and where it is the best of all.

    `rows` are scores as `scores.accuracy.aggregate` returns them, in percent; `columns` maps data
    sets to their display names. Of diffusion classifiers, only rows with `loss` are compared.
    """
    of_metric = rows[(rows["metric"] == metric) & rows["loss"].isin(["", loss])]
    values = of_metric.pivot_table("value", "method", "dataset")
    values = values[[key for key in columns if key in values]]
    found = []
    for method in main:
        own = values.loc[method].dropna()
        if own.empty:
            continue
        low, high = own.idxmin(), own.idxmax()
        found.append(
            f"{method} is right on {own[low]:.1f} ({columns[low]}) to {own[high]:.1f} percent "
            f"({columns[high]}) of the images."
        )
        others = values.drop(index=main, errors="ignore")[own.index].dropna(
            axis="columns", how="all"
        )
        if others.empty:
            continue
        first = [key for key in others if own[key] >= others[key].max()]
        behind = [f"{columns[k]} ({others[k].idxmax()})" for k in others if k not in first]
        found.append(_place(len(first), behind))
    return found


def _place(first: int, behind: Sequence[str]) -> str:
    """Where a method is the best of all, and which others are ahead of it elsewhere."""
    every = first + len(behind)
    if not behind:
        return f"No other method is ahead of it on any of {every} data sets."
    if not first:
        return f"Another method is ahead of it on each of {every} data sets: {', '.join(behind)}."
    return (
        f"No other method is ahead of it on {first} of {every} data sets; ahead are those on "
        f"{', '.join(behind)}."
    )


def best_scores(
    rows: pd.DataFrame, main: Sequence[str], loss: str, metric: str, name: str, dataset: str
) -> list[str]:
    """One sentence: a score of the methods in `main` and of the best other one, with intervals.

    `name` is the display name of `metric`; the rows are those of `dataset`.
    """
    asked = (rows["metric"] == metric) & (rows["dataset"] == dataset)
    of_metric = rows[asked & rows["loss"].isin(["", loss])].sort_values("value", ascending=False)
    is_main = of_metric["method"].isin(main)
    shown = pd.concat([of_metric[is_main], of_metric[~is_main].head(1)])
    scores = [f"{r.method} {interval_text(r.value, r.low, r.high)}" for r in shown.itertuples()]
    return [f"{name}, in percent with 95 % intervals: {', '.join(scores)}."] if scores else []


def summary_html(sentences: Sequence[str], fragment: str) -> str:
    """The sentences as a paragraph, and a table below it."""
    return f"{paragraph_html(' '.join(sentences))}\n{fragment}"
