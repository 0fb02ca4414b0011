"""What the notebook of matching tasks shows: a table per data set and score, figures, effects."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from diffusion_classifier.scores.matching_metrics import METRICS
from diffusion_classifier.scores.matching_tables import MACRO, MICRO
from diffusion_classifier.tables.texts.wide_tables import (
    comparison,
    interval_text,
    trainings,
    wide,
    with_trainings,
)

from .plots import STYLE, add_legend, add_title, grouped_points, mark_guessing, name_label
from .weighting_plots import gain_text

MOST = 12
"""How many subtasks a page shows; of more it shows the means, and the CSV has all."""


def metrics_of(rows: pd.DataFrame, dataset: str) -> dict[str, str]:
    """The scores that a data set has, with their names."""
    there = set(rows.loc[rows["dataset"] == dataset, "metric"])
    return {metric: name for metric, name in METRICS.items() if metric in there}


def main_metric(rows: pd.DataFrame, dataset: str) -> str:
    """The score of a data set's items: group score if it has one, or text or image score."""
    there = metrics_of(rows, dataset)
    order = ("group_score", "text_score", "image_score")
    return next((metric for metric in order if metric in there), next(iter(there)))


def columns(rows: pd.DataFrame, dataset: str, metric: str) -> dict[str, str]:
    """The subtasks to show of a data set, in order, with their headers, which say what chance is.

    Of more than MOST they are the means alone.
    """
    own = rows[(rows["dataset"] == dataset) & (rows["metric"] == metric)]
    chance = own.drop_duplicates("subtask").set_index("subtask")["chance"]
    names = list(chance.index)
    means = [name for name in names if name in (MICRO, MACRO)]
    shown = names if len(names) - len(means) <= MOST else means
    return {name: f"{name} ({chance[name]:.3g})" for name in shown}


def score_table(rows: pd.DataFrame, dataset: str, metric: str) -> pd.DataFrame:
    """Methods x subtasks, as `wide_tables.wide`."""
    own = rows[rows["dataset"] == dataset]
    return wide(own.assign(dataset=own["subtask"]), columns(rows, dataset, metric), metric)


def first_table(rows: pd.DataFrame, datasets: Mapping[str, str]) -> tuple[pd.DataFrame, str] | None:
    """`score_table` of the first data set's first score and its caption; None if there is none."""
    for dataset, label in datasets.items():
        for metric, name in metrics_of(rows, dataset).items():
            caption = f"{label}: {name.lower()} in percent (in parentheses: guessing)."
            return score_table(rows, dataset, metric), caption
    return None


def paired_frame(
    paired: pd.DataFrame, rows: pd.DataFrame, dataset: str, metric: str, loss: str
) -> pd.DataFrame:
    """Differences as text, method a, method b x subtasks, as `wide_tables.comparison`."""
    own = paired[(paired["dataset"] == dataset) & (paired["metric"] == metric)]
    headers = {name: name for name in columns(rows, dataset, metric) if name != MACRO}
    names = with_trainings(rows[rows["dataset"] == dataset])
    return comparison(own.assign(dataset=own["subtask"]), names, headers, loss)


def gains_frame(
    gains: pd.DataFrame, rows: pd.DataFrame, datasets: Mapping[str, str], loss: str
) -> pd.DataFrame:
    """Scores with and without learned weights of timesteps as text: `scores.matching_gain`.

    A row for each data set, score and subtask that a table of `rows` shows.
    """
    kept = [
        row.loss == loss and row.subtask in columns(rows, row.dataset, row.metric)
        for row in gains.itertuples()
    ]
    shown = gains[kept].reset_index(drop=True)
    found = gain_text(shown, datasets, "items")
    found.insert(1, "subtask", shown["subtask"])
    if shown["metric"].nunique() > 1:
        found.insert(2, "score", shown["metric"].map(METRICS).str.lower())
    return found


def headline(rows: pd.DataFrame, datasets: Mapping[str, str], method: str) -> list[str]:
    """A sentence for each data set: how `method` does, and the best of the others, and guessing."""
    sentences = []
    for dataset, label in datasets.items():
        if rows[rows["dataset"] == dataset].empty:
            continue
        metric = main_metric(rows, dataset)
        own = rows[(rows["dataset"] == dataset) & (rows["metric"] == metric)]
        subtask = MICRO if MICRO in set(own["subtask"]) else own["subtask"].iloc[0]
        own = own[own["subtask"] == subtask].set_index("method")
        if method not in own.index:
            continue
        others = own[~own["kind"].isin(["diffusion", "weighted", "chance"])].sort_values("value")
        best = others.tail(1)
        shown = [f"{row.Index} {_percent(row)}" for row in own.loc[[method]].itertuples()]
        shown += [f"{row.Index} {_percent(row)}" for row in best.itertuples()]
        guessing = f"guessing {own.loc[method, 'chance']:.3g}"
        name = METRICS[metric].lower()
        sentences.append(f"{label}, {name} in percent: {'; '.join([*shown, guessing])}.")
    return sentences


def scores_plot(rows: pd.DataFrame, datasets: Mapping[str, str], title: str) -> Figure:
    """One panel per data set: the score of its items by subtask, with 95 % intervals.

    Dotted lines are what guessing gets. `rows` are those of one loss.
    """
    shown = rows[rows["kind"] != "chance"]
    labels = {name: f"{name_label(name)}, {count}" for name, count in trainings(shown).items()}
    panels = {name: columns(rows, name, main_metric(rows, name)) for name in datasets}
    heights = [0.9 + len(names) * (0.25 + 0.13 * len(labels)) for names in panels.values()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, sum(heights) + 1), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights).ravel()
        for ax, (dataset, names) in zip(axes, panels.items(), strict=True):
            metric = main_metric(rows, dataset)
            own = shown[(shown["dataset"] == dataset) & (shown["metric"] == metric)]
            grouped_points(ax, own, "subtask", list(names), labels)
            chance = own.drop_duplicates("subtask").set_index("subtask")["chance"]
            mark_guessing(ax, chance.reindex(list(names)))
            ax.set_yticks(range(len(names)), [name_label(name) for name in names])
            ax.set(xlim=(-2, 102), xlabel=f"{METRICS[metric].lower()} (%)")
            ax.set_title(datasets[dataset], loc="left")
        add_title(figure, title)
        add_legend(figure, axes)
    return figure


def effects_plot(
    effects: pd.DataFrame, datasets: Mapping[str, str], loss: str, title: str
) -> Figure:
    """One panel per data set: effect sizes by comparison, with bootstrap intervals."""
    shown = effects[effects["loss"].isin(["", loss])]
    names = [name for name in datasets if name in set(shown["dataset"])]
    labels = {method: name_label(method) for method in pd.unique(shown["method"])}
    heights = [
        0.9 + shown.loc[shown["dataset"] == name, "subtask"].nunique() * (0.25 + 0.13 * len(labels))
        for name in names
    ]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, sum(heights) + 1), layout="constrained")
        axes = figure.subplots(len(names), 1, squeeze=False, height_ratios=heights).ravel()
        for ax, dataset in zip(axes, names, strict=True):
            own = shown[shown["dataset"] == dataset]
            subtasks = list(pd.unique(own["subtask"]))
            grouped_points(ax, own, "subtask", subtasks, labels)
            ax.axvline(0, color="0.3", linewidth=1)
            ax.set_yticks(range(len(subtasks)), [name_label(name) for name in subtasks])
            ax.set_xlabel("effect size")
            ax.set_title(datasets[dataset], loc="left")
        add_title(figure, title)
        add_legend(figure, axes)
    return figure


def _percent(row) -> str:
    return interval_text(row.value, row.low, row.high)
