"""Figures of the benchmarks; every function returns a matplotlib Figure, `plots.save` writes it."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from diffusion_classifier.tables.figures.plots import (
    PALETTE,
    STYLE,
    add_legend,
    add_title,
    name_label,
    panels,
    plain_numbers,
    wrapped,
)

from .summary import ENGINES

COLOURS = {"plain": "0.6", "engine": PALETTE[0], "compiled": PALETTE[1]}
MARKERS = "os^Dv*PX<>p"
SHOWN_RULES = 8


def throughput_plot(rates: pd.DataFrame, title: str = "") -> Figure:
    """Evaluations/s of the loop and the engine, a panel per model and dtype.

    `rates` come from `summary.rates`. Bars are medians; whiskers span all repeats.
    """
    subjects = list(rates.groupby(["model", "dtype"], sort=False))
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(subjects), 3.6, 2.9)
        for i, (ax, ((model, dtype), rows)) in enumerate(zip(axes, subjects, strict=True)):
            engines = [name for name in ENGINES if name in set(rows.engine)]
            rows = rows.set_index("engine").loc[engines]
            heights, bars = _median_and_whiskers(rows, "evaluations_per_second")
            ax.bar(
                [_engine_label(name, ratio) for name, ratio in rows["ratio"].items()],
                heights, yerr=bars,
                width=0.6, capsize=5,
                color=[COLOURS[name] for name in rows.index],
            )  # fmt: skip
            ax.set_title(f"{wrapped(model, 3.4)}\n{dtype}")
            ax.grid(False, axis="x")
            if i % 3 == 0:
                ax.set_ylabel("evaluations/s")
        add_title(figure, title)
    return figure


def _engine_label(name: str, ratio: float) -> str:
    label = ENGINES[name].replace(", ", ",\n").replace("over ", "over\n")
    return label if name == "plain" else f"{label}\n{ratio:.2f} ×"


def peak_plot(rates: pd.DataFrame, title: str = "") -> Figure:
    """FLOP/s as a share of the measured peak of a matrix product, per model, dtype and engine."""
    subjects = list(dict.fromkeys(zip(rates["model"], rates["dtype"], strict=True)))
    names = [f"{model}, {dtype}" for model, dtype in subjects]
    with mpl.rc_context(STYLE):
        figure, (ax,) = panels(1, 5.5, 1.3 + 0.6 * len(names), names)
        engines = [engine for engine in ENGINES if engine in set(rates["engine"])]
        height = 0.72 / len(engines)
        for n, engine in enumerate(engines):
            rows = rates[rates["engine"] == engine].set_index(["model", "dtype"])
            measured = [i for i, subject in enumerate(subjects) if subject in rows.index]
            rows = rows.loc[[subjects[i] for i in measured]]
            widths, bars = _median_and_whiskers(rows, "share_of_peak", 100)
            y = np.array(measured) + height * (n - (len(engines) - 1) / 2)
            ax.barh(
                y, widths, xerr=bars, height=0.94 * height, color=COLOURS[engine],
                label=ENGINES[engine], capsize=3,
            )  # fmt: skip
        ax.axvline(100, color="0.3", linestyle=":", label="peak of a matrix product")
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        ax.set_xlabel("FLOPs of plain evaluations per second, % of the measured peak")
        add_legend(figure, [ax])
        add_title(figure, title)
    return figure


def growth_plot(found: pd.DataFrame, exponents: pd.DataFrame, title: str = "") -> Figure:
    """Seconds against the number of classes, images and timesteps, on logarithmic axes.

    `found` comes from `growth.growth`, `exponents` from `summary.exponents`; legends show them.
    """
    slopes = exponents.set_index(["varied", "engine"])["exponent"]
    with mpl.rc_context(STYLE):
        varied = list(pd.unique(found["varied"]))
        figure, axes = panels(len(varied), 3.8, 3.6)
        for i, (ax, name) in enumerate(zip(axes, varied, strict=True)):
            for engine in pd.unique(found["engine"]):
                label = ENGINES[engine]
                rows = found[(found["varied"] == name) & (found["engine"] == engine)]
                times = rows.groupby("count")["seconds"].agg(["median", "min", "max"])
                ax.plot(
                    times.index, times["median"], marker="o", color=COLOURS[engine],
                    label=f"{label}, slope {slopes[name, engine]:.2f}",
                )  # fmt: skip
                ax.fill_between(
                    times.index, times["min"], times["max"], color=COLOURS[engine], alpha=0.25
                )
            ax.set(xscale="log", yscale="log", xlabel=name)
            _round_ticks(ax, sorted(set(found.loc[found["varied"] == name, "count"])))
            if i % 3 == 0:
                ax.set_ylabel("seconds")
            ax.legend(fontsize=9)
        add_title(figure, title)
    return figure


def shares_plot(rules: pd.DataFrame, title: str = "") -> Figure:
    """Seconds of each rule's jobs, inside and outside networks; a panel per run.

    `rules` has `run, rule, jobs, seconds, network`; the shortest rules of a run share one bar.
    """
    runs = {run: _longest(rows) for run, rows in rules.groupby("run", sort=False)}
    with mpl.rc_context(STYLE):
        height = 1.4 + 0.32 * max(map(len, runs.values()))
        figure, axes = panels(len(runs), 4.8, height, rules["rule"])
        for ax, (run, rows) in zip(axes, runs.items(), strict=True):
            outside = rows["seconds"] - rows["network"]
            ax.barh(rows["rule"], rows["network"], color=PALETTE[0], label="in networks")
            ax.barh(rows["rule"], outside, left=rows["network"], color="0.7", label="outside")
            ax.invert_yaxis()
            ax.grid(False, axis="y")
            share = 1 - rows["network"].sum() / rows["seconds"].sum()
            ax.set_title(f"{run}: {100 * share:.0f} % outside", loc="left")
            ax.set_xlabel("seconds of jobs")
        add_legend(figure, axes)
        add_title(figure, title)
    return figure


def policies_plot(
    policies: pd.DataFrame,
    datasets: Mapping[str, str],
    title: str = "",
    cost: str = "evaluations_per_image",
    cost_label: str = "evaluations per image",
) -> Figure:
    """Accuracy (percent, with its interval) against a `cost`, a panel per data set.

    `policies` has `dataset, policy, top1, low, high` and the column `cost`; `datasets` maps data
    sets to their display names.
    """
    names = list(pd.unique(policies["policy"]))
    groups = list(policies.groupby("dataset", sort=False))
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(groups), 4.4, 3.2 + 0.12 * len(names))
        for i, (ax, (dataset, rows)) in enumerate(zip(axes, groups, strict=True)):
            for row in rows.itertuples():
                n = names.index(row.policy)
                ax.errorbar(
                    getattr(row, cost), row.top1,
                    yerr=[[row.top1 - row.low], [row.high - row.top1]], capsize=3,
                    marker=MARKERS[n % len(MARKERS)], markersize=8, linestyle="none",
                    color=PALETTE[n % len(PALETTE)], label=name_label(row.policy),
                )  # fmt: skip
            ax.set(xscale="log", xlabel=cost_label)
            plain_numbers(ax.xaxis)
            ax.set_title(wrapped(datasets.get(dataset, dataset), 4.4), loc="left")
            if i % 3 == 0:
                ax.set_ylabel("top-1 accuracy (%)")
        add_legend(figure, axes)
        add_title(figure, title)
    return figure


def classes_plot(found: pd.DataFrame, exponents: pd.DataFrame, title: str = "") -> Figure:
    """Evaluations per image against the number of classes (log-log), and accuracy beside it.

    `found` comes from `class_growth.class_row`, `exponents` from `class_growth.class_exponents`;
    the legend shows the latter.
    """
    slopes = dict(zip(exponents["policy"], exponents["exponent"], strict=True))
    names = list(pd.unique(found["policy"]))
    counts = sorted(found["classes"].unique())
    with mpl.rc_context(STYLE):
        figure, (cost, accuracy) = panels(2, 4.8, 3.6 + 0.2 * len(names))
        for n, (policy, rows) in enumerate(found.groupby("policy", sort=False)):
            rows = rows.sort_values("classes")
            style = {
                "marker": MARKERS[n % len(MARKERS)],
                "color": PALETTE[n % len(PALETTE)],
                "linewidth": 1.2,
            }
            label = policy + (f": exponent {slopes[policy]:.2f}" if policy in slopes else "")
            x, top1 = rows["classes"], rows["top1"]
            cost.plot(x, rows["evaluations_per_image"], label=name_label(label), **style)
            whiskers = [top1 - rows["low"], rows["high"] - top1]
            accuracy.errorbar(x * 1.04 ** (n - len(names) / 2), top1, whiskers, capsize=3, **style)
        cost.plot(counts, counts, color="0.6", linestyle=":", label="one per class: exponent 1")
        cost.set(xscale="log", yscale="log", ylabel="evaluations per image")
        accuracy.set(xscale="log", ylabel="top-1 accuracy (%)")
        for ax in (cost, accuracy):
            ax.set_xlabel("classes")
            ax.set_xticks(counts, [f"{count:,}" for count in counts])
            ax.xaxis.set_minor_formatter(NullFormatter())
        plain_numbers(cost.yaxis)
        add_legend(figure, [cost])
        add_title(figure, title)
    return figure


def _median_and_whiskers(
    rows: pd.DataFrame, name: str, factor: float = 1
) -> tuple[np.ndarray, np.ndarray]:
    """A column, and the distances to its minimum and maximum, `(2, row)`."""
    median, low, high = (factor * rows[name + end].to_numpy() for end in ("", "_low", "_high"))
    return median, np.array([median - low, high - median])


def _longest(rules: pd.DataFrame) -> pd.DataFrame:
    """The SHOWN_RULES longest rules, and the sum of the others."""
    first, others = rules.head(SHOWN_RULES), rules.iloc[SHOWN_RULES:]
    if len(others) < 2:
        return rules
    total = others[["seconds", "network"]].sum()
    last = pd.DataFrame([{"rule": f"{len(others)} others", **total}])
    return pd.concat([first, last], ignore_index=True)


def _round_ticks(ax: Axes, counts: list[int]) -> None:
    """Put a tick at each count on the x axis, and plain numbers on the y axis."""
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.xaxis.set_minor_formatter(NullFormatter())
    plain_numbers(ax.yaxis)
