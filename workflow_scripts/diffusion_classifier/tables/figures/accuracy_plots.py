"""The figures of zero-shot accuracy (paper, table 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from diffusion_classifier.tables.texts.escaping import shortened
from diffusion_classifier.tables.texts.wide_tables import trainings

from .confusions import confusion, drawn_classes
from .plots import (
    MARKERS,
    PALETTE,
    RIGHT,
    STYLE,
    WRONG,
    add_legend,
    add_title,
    broken,
    name_label,
    panels,
    wrapped,
)

if TYPE_CHECKING:
    import xarray as xr
    from PIL.Image import Image

CELL, MARGIN = 0.3, 1.6  # inches: a cell of a confusion matrix, the labels beside it
LABEL = 32  # characters of such a label at most


def accuracy_bars(
    rows: pd.DataFrame,
    columns: Mapping[str, str],
    loss: str,
    title: str,
    chance: Mapping[str, float],
    metric: str = "top1",
) -> Figure:
    """One panel per data set: every method's accuracy as a point with its 95 % interval.

    Methods are named with their number of trainings. `rows` come from `accuracy.aggregate`; those
    of `loss`, and those of methods without a loss, are drawn. `columns` maps data sets to display
    names, and `chance` maps them to the accuracy of guessing in percent.
    """
    shown = rows[(rows["metric"] == metric) & rows["loss"].isin(["", loss])]
    methods = list(pd.unique(shown["method"]))[::-1]
    counts = trainings(shown)
    labels = [f"{name_label(method)}, {counts[method]}" for method in methods]
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(columns), 4.2, max(2.4, 1.3 + 0.3 * len(methods)), labels)
        for i, (ax, (dataset, header)) in enumerate(zip(axes, columns.items(), strict=True)):
            measured = shown[shown["dataset"] == dataset].set_index("method").reindex(methods)
            for y, row in enumerate(measured.itertuples()):
                _interval(ax, y, row)
            ax.axvline(chance[dataset], color="0.3", linestyle=":", label="guessing")
            ax.set_yticks(range(len(methods)), labels)
            ax.set(xlim=(-2, 102), ylim=(-0.6, len(methods) - 0.4), xlabel="accuracy (%)")
            ax.set_title(wrapped(header, 4), loc="left")
            ax.tick_params(labelleft=i % 3 == 0)
        add_legend(figure, axes)
        add_title(figure, title)
    return figure


def _interval(ax: Axes, y: int, row) -> None:
    if pd.isna(row.value):
        ax.text(50, y, "not measured", ha="center", va="center", color="0.4", fontsize=9)
        return
    diffusion = row.kind == "diffusion"
    bars = [[row.value - row.low], [row.high - row.value]]
    ax.errorbar(
        row.value, y, xerr=np.abs(bars), marker="D" if diffusion else "o",
        color=PALETTE[0] if diffusion else "0.35", zorder=3,
    )  # fmt: skip


def reconstructions_plot(
    recon: xr.Dataset,
    originals: Sequence[Image],
    right: Sequence[str],
    wrong: Sequence[str],
    title: str,
) -> Figure:
    """A block per image: noised, and reconstructed in one step under the right and wrong prompt.

    `recon` comes from `one_step.reconstruct`; `originals`, `right` and `wrong` have an entry for
    each of its images. Below each reconstruction is the error that the classifier compares; the
    lower of each pair is bold.
    """
    levels = recon.sizes["level"]
    with mpl.rc_context(STYLE):
        size = (3.3 + 1.1 * levels, 4.0 * len(originals) + 0.6)
        figure = Figure(figsize=size, layout="constrained")
        blocks = figure.subfigures(len(originals), 1, squeeze=False).ravel()
        captions = zip(originals, right, wrong, strict=True)
        for i, (block, (original, *prompts)) in enumerate(zip(blocks, captions, strict=True)):
            _block(block, recon.isel(image=i), original, prompts)
        add_title(figure, title)
    return figure


def _block(block: SubFigure, recon: xr.Dataset, original: Image, prompts: list[str]) -> None:
    """One image: a column per noise level, and in the rows noised, right and wrong prompt."""
    grid = block.add_gridspec(3, 1 + recon.sizes["level"])
    _picture(block.add_subplot(grid[0, 0]), original, "original")
    names = ["noised", *(f"“{prompt}”" for prompt in prompts)]
    colours = ["black", RIGHT, WRONG]
    for level, t in enumerate(recon["timestep"].values):
        reconstructed = recon.isel(level=level)
        axes = [block.add_subplot(grid[row, 1 + level]) for row in range(3)]
        _picture(axes[0], reconstructed["noised"].values, f"t = {t}")
        errors, decoded = reconstructed["error"].values, reconstructed["decoded"].values
        for ax, picture, error in zip(axes[1:], decoded, errors, strict=True):
            _picture(ax, picture)
            weight = "bold" if error == errors.min() else "normal"
            ax.set_xlabel(f"{error:.4f}", fontsize=9, fontweight=weight, labelpad=2)
        if level == 0:
            for ax, name, colour in zip(axes, names, colours, strict=True):
                text = broken(shortened(name, 120), 18)
                ax.set_ylabel(text, rotation=0, ha="right", va="center", color=colour, fontsize=10)


def _picture(ax: Axes, picture: Image | np.ndarray, title: str = "") -> None:
    """Draw a PIL image, or an array `(channel, row, column)` in [0, 1] of 1 or 3 channels."""
    if isinstance(picture, np.ndarray):
        picture = picture.transpose(1, 2, 0).squeeze()
    ax.imshow(picture, cmap="gray", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=10)


def confusion_plot(
    predictions: Mapping[str, pd.DataFrame], classes: Mapping[str, Sequence[str]], title: str
) -> Figure:
    """Confusion matrices below each other (see `confusion`), with frames around right answers.

    `predictions` and `classes` (all class names in order) have the data sets' display names as
    keys. Of more than `confusions.MANY` classes only the most confused are drawn; the panel's
    header then gives their number.
    """
    drawn = {name: drawn_classes(found, len(classes[name])) for name, found in predictions.items()}
    tables = {name: confusion(found, drawn[name]) for name, found in predictions.items()}
    heights = [CELL * len(table) + MARGIN for table in tables.values()]
    size = (max(6.0, CELL * max(map(len, drawn.values())) + 2 * MARGIN), sum(heights) + 0.6)
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(tables), 1, squeeze=False, height_ratios=heights).ravel()
        for ax, (name, table) in zip(axes, tables.items(), strict=True):
            _heatmap(ax, table, classes[name])
            header, drawn_count, count = name, len(drawn[name]), len(classes[name])
            if drawn_count < count:
                header += f": the {drawn_count} most confused of {count} classes"
            ax.set_title(wrapped(header, size[0] - MARGIN), loc="left")
        bar = figure.colorbar(axes[0].collections[0], ax=list(axes), aspect=40, pad=0.01)
        bar.set_label("images of the true class (%)")
        add_title(figure, title)
    return figure


def _heatmap(ax: Axes, table: pd.DataFrame, classes: Sequence[str]) -> None:
    text = table.map(lambda percent: f"{percent:.0f}" if percent >= 0.5 else "")
    sns.heatmap(
        table, ax=ax, vmin=0, vmax=100, cmap="Blues", cbar=False, annot=text, fmt="",
        annot_kws={"fontsize": 7}, linewidths=0.3, linecolor="0.85",
        xticklabels=False, yticklabels=False,
    )  # fmt: skip
    ax.set_xticks(np.arange(table.shape[1]) + 0.5, _class_labels(table.columns, classes))
    ax.set_yticks(np.arange(table.shape[0]) + 0.5, _class_labels(table.index, classes))
    for y, index in enumerate(table.index):
        x = table.columns.get_loc(index)
        ax.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=RIGHT, linewidth=1.5))
    ax.tick_params(axis="x", rotation=90, labelsize=8)
    ax.tick_params(axis="y", rotation=0, labelsize=8)
    ax.set(xlabel="predicted", ylabel="true")


def _class_labels(indices: Iterable[int], classes: Sequence[str]) -> list[str]:
    return [name_label(classes[index], LABEL) for index in indices]


def trend_plot(
    rows: pd.DataFrame,
    versions: Sequence[str],
    columns: Mapping[str, str],
    loss: str,
    title: str,
    metric: str = "top1",
) -> Figure:
    """Accuracy against the version of a model, one line per data set, with 95 % intervals.

    `rows` come from `accuracy.aggregate`; those of `loss` are drawn. `versions` are the `group`s of
    methods in order of training; `columns` maps data sets to display names.
    """
    shown = rows[(rows["metric"] == metric) & (rows["loss"] == loss)]
    with mpl.rc_context(STYLE):
        figure, (ax,) = panels(1, max(7.0, 1.6 * len(versions)), 5.2)
        for i, (dataset, header) in enumerate(columns.items()):
            curve = shown[shown["dataset"] == dataset].set_index("group").reindex(list(versions))
            # side by side, so that intervals of equal accuracies do not hide each other
            x = np.arange(len(versions)) + 0.3 * ((i + 0.5) / len(columns) - 0.5)
            bars = [curve["value"] - curve["low"], curve["high"] - curve["value"]]
            ax.errorbar(
                x, curve["value"], yerr=np.abs(bars), color=PALETTE[i % len(PALETTE)], capsize=2,
                marker=MARKERS[i % len(MARKERS)], linestyle=("-", "--", ":")[i // 10 % 3],
                label=name_label(header),
            )  # fmt: skip
        names = [broken(shortened(name, 60), 16) for name in versions]
        ax.set_xticks(range(len(versions)), names)
        ax.set(ylim=(-2, 102), xlim=(-0.5, len(versions) - 0.5), ylabel="accuracy (%)")
        ax.grid(axis="x", visible=False)
        add_legend(figure, [ax])
        add_title(figure, title)
    return figure
