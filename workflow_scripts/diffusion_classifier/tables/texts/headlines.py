"""Sum up a table in a sentence or two for the first page of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from .wide_tables import half_width_text, interval_text, paragraph_html, to_html


def headlines(
    rows: pd.DataFrame, columns: Mapping[str, str], main: Sequence[str], loss: str, metric: str
) -> list[str]:
    """Two sentences about each method in `main`: its range, and where it is the best of all.

    `rows` come from `accuracy.aggregate`, and `columns` maps data sets to display names. Diffusion
    classifiers are compared under `loss` only.
    """
    of_metric = rows[(rows["metric"] == metric) & rows["loss"].isin(["", loss])]
    values = of_metric.pivot_table("value", "method", "dataset")
    values = values[[key for key in columns if key in values]]
    sentences = []
    for method in main:
        accuracy = values.loc[method].dropna()
        if accuracy.empty:
            continue
        low, high = accuracy.idxmin(), accuracy.idxmax()
        sentences.append(
            f"{method} is right on {accuracy[low]:.1f} ({columns[low]}) to {accuracy[high]:.1f} "
            f"percent ({columns[high]}) of the images."
        )
        others = values.drop(index=main, errors="ignore")[accuracy.index]
        others = others.dropna(axis="columns", how="all")
        if others.empty:
            continue
        first = [key for key in others if accuracy[key] >= others[key].max()]
        behind = [f"{columns[k]} ({others[k].idxmax()})" for k in others if k not in first]
        sentences.append(_place(len(first), behind))
    return sentences


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
    is_wanted = (rows["metric"] == metric) & (rows["dataset"] == dataset)
    wanted = rows[is_wanted & rows["loss"].isin(["", loss])].sort_values("value", ascending=False)
    is_main = wanted["method"].isin(main)
    shown = pd.concat([wanted[is_main], wanted[~is_main].head(1)])
    scores = [f"{r.method} {interval_text(r.value, r.low, r.high)}" for r in shown.itertuples()]
    return [f"{name}, in percent with 95 % intervals: {', '.join(scores)}."] if scores else []


def summary_html(sentences: Sequence[str], table: pd.DataFrame, caption: str, name: str) -> str:
    """The sentences as a paragraph, and `table`, as narrow as the report's first page.

    `name` is the table's, as all summaries stand on one page. The page's style is in
    report/workflow.rst.
    """
    caption = f"{caption} ±: the larger half of the 95 % interval. Best marked."
    fragment = to_html(table, caption, f"summary-{name}", half_width_text)
    parts = [paragraph_html(" ".join(sentences)), '<div class="summary">', fragment, "</div>"]
    return "\n".join(parts)
