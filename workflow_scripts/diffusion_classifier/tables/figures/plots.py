"""Figures of several kinds of tables, and what all figures share; `save` writes a figure."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.files import atomic
from diffusion_classifier.tables.texts.escaping import shortened, width

from .fonts import use_fonts

STYLE = {
    **sns.axes_style("whitegrid"),
    "font.size": 11,
    "axes.titlesize": 11,
    "svg.hashsalt": "diffusion-classifier",  # the same figure is the same file
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in a name is no formula
}
PALETTE = sns.color_palette("colorblind", 10)
RIGHT, WRONG = PALETTE[2], PALETTE[3]
MARKERS = "oDsv^P<>Xp"


def save(figure: Figure, stem: str | os.PathLike, dpi: int = 160) -> list[Path]:
    """Write `stem`.svg and `stem`.png atomically; the same figure gives the same bytes.

    The SVG has the layout of the PNG, so that both look the same.
    """
    svg, png = paths = [Path(f"{os.fspath(stem)}.{kind}") for kind in ("svg", "png")]
    with mpl.rc_context(STYLE), use_fonts(figure):
        with atomic(png) as temporary:
            figure.savefig(temporary, dpi=dpi, metadata={"Software": None})
        figure.set_layout_engine("none")
        with atomic(svg) as temporary:
            figure.savefig(temporary, metadata={"Date": None})
    return paths


def panels(
    count: int, inches: float, height: float, labels: Iterable[str] = (), per_row: int = 3
) -> tuple[Figure, np.ndarray]:
    """A figure of `count` panels, each `inches` x `height` inches, and its axes.

    `labels` are those beside the first panel of a row. A figure of only one or two columns is made
    wider to have room for them.
    """
    rows, columns = -(-count // per_row), min(count, per_row)
    if columns < 3:
        inches += 0.09 * max(map(width, labels), default=0) / columns
    # Figure, not pyplot: nothing global keeps it alive or shows it twice in a notebook.
    figure = Figure(figsize=(inches * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.remove()
    return figure, axes[:count]


def add_title(figure: Figure, title: str) -> None:
    """Write `title` above all panels."""
    figure.suptitle(wrapped(title, figure.get_figwidth()), x=0.01, ha="left", fontsize=11)


def add_legend(figure: Figure, axes: Iterable[Axes]) -> None:
    """Write one legend for all `axes` below them, with as many columns as fit, at most three."""
    handles: dict[str, Artist] = {}
    for ax in axes:
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    column = 0.6 + 0.09 * max(map(width, handles), default=0)  # inches, with the marker
    ncols = max(1, min(3, len(handles), int(figure.get_figwidth() / column)))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=ncols)


def plain_numbers(axis: Axis) -> None:
    """Ticks at 1, 2 and 5 of each power of ten of a logarithmic axis, written as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def grouped_points(
    ax: Axes, rows: pd.DataFrame, column: str, groups: Sequence[str], labels: Mapping[str, str]
) -> None:
    """A row of `ax` for each of `groups`, values of `column`: a point with its bars per method.

    `rows` has `method, value, low, high`; `labels` maps all methods to their names in the legend.
    """
    for number, (method, label) in enumerate(labels.items()):
        own = rows[(rows["method"] == method) & rows[column].isin(groups)]
        y = own[column].map(list(groups).index) + 0.7 * ((number + 0.5) / len(labels) - 0.5)
        bars = np.clip([own["value"] - own["low"], own["high"] - own["value"]], 0, None)
        ax.errorbar(
            own["value"], y, xerr=bars, linestyle="none", label=label,
            marker=MARKERS[number % len(MARKERS)], color=PALETTE[number % len(PALETTE)],
        )  # fmt: skip
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)


def mark_guessing(ax: Axes, chance: Sequence[float]) -> None:
    """A dotted line in each row of `grouped_points` at what guessing scores."""
    y = np.arange(len(chance))
    ax.vlines(chance, y - 0.42, y + 0.42, color="0.35", linestyle=":", zorder=1, label="guessing")


def wrapped(text: str, inches: float) -> str:
    """`text` broken into lines that fit `inches` at the figures' font size."""
    return broken(text, max(20, int(11 * inches)))


def broken(text: str, most: int) -> str:
    """`text` broken into lines of `most` columns, of which each of 漢字 takes two."""
    characters = most * len(text) // max(1, len(text), width(text))
    return "\n".join(textwrap.wrap(text, max(1, characters)))


def name_label(name: str, most: int = 60) -> str:
    """A name for a legend or an axis, with an ellipsis if it has more than `most` characters.

    matplotlib leaves labels that begin with `_` out of a legend, so a zero-width space goes first.
    """
    label = shortened(name, most)
    return f"\u200b{label}" if label.startswith("_") else label


def timesteps_plot(
    curves: Mapping[str, pd.DataFrame],
    chance: Mapping[str, float],
    title: str,
    score: str = "top-1 accuracy",
    per_row: int = 3,
) -> Figure:
    """One panel per data set: the score from each timestep alone, with its 95 % band.

    `curves` maps display names to frames like those of `curves.timestep_accuracy`; `chance` maps
    the names to the score of guessing, in percent.
    """
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(curves), 4.2, 3.4, per_row=per_row)
        for i, (ax, (name, curve)) in enumerate(zip(axes, curves.items(), strict=True)):
            _band(ax, curve, "timestep", "one timestep alone, 95 % interval")
            ax.axhline(chance[name], color="0.3", linestyle=":", label="guessing")
            ax.set(xlabel="timestep t (0: no noise)", ylim=(-2, 102))
            ax.set_ylabel(f"{score} (%)" if i % per_row == 0 else "")
            ax.set_title(wrapped(name, 4), loc="left")
        add_legend(figure, axes)
        add_title(figure, title)
    return figure


def evaluations_plot(curve: pd.DataFrame, pruned: pd.DataFrame, title: str) -> Figure:
    """Accuracy against network evaluations per image, on a log axis.

    `curve` (a line) is `curves.accuracy_by_evaluations`; `pruned` (a marker per row) is
    `curves.schedules`.
    """
    with mpl.rc_context(STYLE):
        figure, (ax,) = panels(1, 7, 4.6)
        _band(ax, curve, "evaluations", "no pruning, evenly spaced timesteps", marker="o")
        for i, row in enumerate(pruned.itertuples()):
            bars = np.array([[row.accuracy - row.low], [row.high - row.accuracy]])
            ax.errorbar(
                row.evaluations, row.accuracy, yerr=np.abs(bars), marker="*", markersize=15,
                linestyle="none", color=PALETTE[(3, 1, 4)[i % 3]], zorder=3,
                label=name_label(row.method),
            )  # fmt: skip
        ax.set_xscale("log")
        plain_numbers(ax.xaxis)
        ax.set(xlabel="network evaluations per image", ylabel="top-1 accuracy (%)")
        ax.set_title(wrapped(title, 7), loc="left")
        ax.legend(loc="lower right")
    return figure


def _band(ax: Axes, curve: pd.DataFrame, x: str, label: str, marker: str = "") -> None:
    """A line of `accuracy` against the column `x`, in the band between `low` and `high`."""
    ax.plot(curve[x], curve["accuracy"], color=PALETTE[0], marker=marker, label=label)
    band = {"color": PALETTE[0], "alpha": 0.2, "linewidth": 0}
    ax.fill_between(curve[x], curve["low"], curve["high"], **band)


def paired_plot(
    paired: pd.DataFrame, names: Mapping[str, str], columns: Mapping[str, str], title: str
) -> Figure:
    """One panel per data set: accuracy of method a minus that of each method b, with intervals.

    `paired` is `paired_tests.paired_table` for one method a and one loss; `names` and `columns` map
    methods b and data sets to display names. The point of an interval without 0 is filled.
    """
    others = list(pd.unique(paired["method_b"]))[::-1]
    with mpl.rc_context(STYLE):
        labels = [name_label(names.get(name, name)) for name in others]
        figure, axes = panels(len(columns), 4.2, max(2.0, 1.2 + 0.28 * len(others)), labels)
        for i, (ax, (dataset, header)) in enumerate(zip(axes, columns.items(), strict=True)):
            found = paired[paired["dataset"] == dataset].set_index("method_b").reindex(others)
            for y, row in enumerate(found.itertuples()):
                clear = row.low > 0 or row.high < 0
                ax.errorbar(
                    row.difference,
                    y,
                    xerr=[[row.difference - row.low], [row.high - row.difference]],
                    marker="o",
                    color=PALETTE[0],
                    markerfacecolor=PALETTE[0] if clear else "white",
                )
            ax.axvline(0, color="0.3", linewidth=1)
            ax.set_yticks(range(len(others)), labels)
            ax.set_ylim(-0.6, len(others) - 0.4)
            ax.set_title(wrapped(header, 4), loc="left")
            ax.set_xlabel("difference in accuracy (points)")
            ax.tick_params(labelleft=i % 3 == 0)
        add_title(figure, title)
    return figure


def choose_examples(
    data: pd.DataFrame,
    predictions: pd.DataFrame,
    count: int,
    seed: int = 0,
    prompts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """`count` images of a data set to show: `image, true, predicted`, wrong ones last.

    `data` has `image, label, classname`; `predictions` has one row per image. Up to a third of the
    images are wrongly predicted ones, so that a good classifier's errors are seen as well. Class
    names come from `data`, or from `prompts` (`classname, classidx`) for classes without an image.
    """
    names = data.drop_duplicates("label").set_index("label")["classname"]
    if prompts is not None:
        names = prompts.drop_duplicates("classidx").set_index("classidx")["classname"]
    both = data.merge(predictions[["image", "prediction"]], on="image")
    both = both.sample(frac=1, random_state=seed)
    wrong = both[both["prediction"] != both["label"]].head(count // 3)
    right = both[both["prediction"] == both["label"]].head(count - len(wrong))
    chosen = pd.concat([right, wrong])
    predicted = chosen["prediction"].map(names).fillna(chosen["prediction"].astype(str))
    return pd.DataFrame(
        {"image": chosen["image"], "true": chosen["classname"], "predicted": predicted}
    )


def example_sheet(examples: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """A row of images per data set, titled "true → predicted", framed by right or wrong.

    `examples` maps the data sets' display names to frames of `choose_examples`, with the
    encoded images in `bytes` (see `data.stored_images.with_images`).
    """
    count = max(map(len, examples.values()))
    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(1.25 * count + 0.6, 1.75 * len(examples) + 0.5), layout="constrained"
        )
        grid = figure.subplots(len(examples), count, squeeze=False)
        for row, (name, chosen) in zip(grid, examples.items(), strict=True):
            row[0].set_ylabel(broken(shortened(name, 60), 14), fontsize=11)
            for ax, example in zip_longest(row, chosen.itertuples()):
                _example(ax, example)
        add_title(figure, title)
    return figure


def _example(ax: Axes, example) -> None:
    ax.set(xticks=[], yticks=[])
    if example is None:
        sns.despine(ax=ax, left=True, bottom=True)
        return
    image = decode(example.bytes)
    ax.imshow(image, cmap="gray", interpolation="nearest")
    right = example.true == example.predicted
    # colour, line style and a sign say the same, for readers who do not see one of them
    for spine in ax.spines.values():
        spine.set(color=RIGHT if right else WRONG, linewidth=3, linestyle="-" if right else ":")
    true, predicted = (shortened(name, 40) for name in (example.true, example.predicted))
    verdict = f"{'✓' if right else '✗'} {true} → {predicted}"
    ax.set_title(broken(verdict, 16), color=RIGHT if right else WRONG, fontsize=9)
