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

from .confusions import confusion, drawn_classes
from .escaping import shortened
from .plots import PALETTE, RIGHT, STYLE, WRONG, _band, broken, name_label, panels, wrapped
from .wide_tables import trainings

if TYPE_CHECKING:
    import xarray as xr
    from PIL.Image import Image

MARKERS = "oDsv^P<>Xp"
CELL, MARGIN = 0.3, 1.6  # inches: a cell of a confusion matrix, the labels beside it
LABEL = 32  # characters of such a label


def timestep_curves_plot(
    curves: Mapping[str, pd.DataFrame], chance: Mapping[str, float], title: str
) -> Figure:
    """One panel per data set: accuracy from each timestep alone, with its 95 % band.

    `curves` maps display names to `curves.timestep_accuracy`; `chance` to the accuracy of
    guessing, in percent.
    """
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(curves), 4.2, 3.4)
        for i, (ax, (name, curve)) in enumerate(zip(axes, curves.items(), strict=True)):
            _band(ax, curve, "timestep", PALETTE[0], "one timestep alone, 95 % interval", "")
            ax.axhline(chance[name], color="0.3", linestyle=":", label="guessing")
            ax.set(xlabel="timestep t (0: no noise)", ylim=(0, 102))
            ax.set_ylabel("top-1 accuracy (%)" if i % 3 == 0 else "")
            ax.set_title(wrapped(name, 4), loc="left")
        _legend(figure, axes[0])
        _title(figure, title)
    return figure


def accuracy_bars(
    rows: pd.DataFrame,
    columns: Mapping[str, str],
    loss: str,
    title: str,
    chance: Mapping[str, float],
    metric: str = "top1",
) -> Figure:
    """One panel per data set: every method's accuracy as a point with its 95 % interval.

    Methods are named with their number of trainings.
    `rows` as from `scores.aggregate`, of which those of `loss` and those without one are drawn;
    `columns` maps data sets to display names, `chance` to the accuracy of guessing in percent.
    """
    shown = rows[(rows["metric"] == metric) & rows["loss"].isin(["", loss])]
    methods = list(pd.unique(shown["method"]))[::-1]
    counts = trainings(shown)
    labels = [f"{name_label(method)}, {counts[method]}" for method in methods]
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(columns), 4.2, max(2.4, 1.3 + 0.3 * len(methods)), labels)
        for i, (ax, (dataset, header)) in enumerate(zip(axes, columns.items(), strict=True)):
            found = shown[shown["dataset"] == dataset].set_index("method").reindex(methods)
            for y, row in enumerate(found.itertuples()):
                _interval(ax, y, row)
            ax.axvline(chance[dataset], color="0.3", linestyle=":", label="guessing")
            ax.set_yticks(range(len(methods)), labels)
            ax.set(xlim=(-2, 102), ylim=(-0.6, len(methods) - 0.4), xlabel="accuracy (%)")
            ax.set_title(wrapped(header, 4), loc="left")
            ax.tick_params(labelleft=i % 3 == 0)
        _legend(figure, axes[0])
        _title(figure, title)
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

    `recon` as from `reconstructions.reconstruct`; `originals`, `right` and `wrong` have one image
    and one prompt of each kind per image of it. Below each reconstruction stands the error that
    the classifier compares; the lower of each pair is bold.
    """
    levels = recon.sizes["level"]
    with mpl.rc_context(STYLE):
        size = (3.3 + 1.1 * levels, 4.0 * len(originals) + 0.6)
        figure = Figure(figsize=size, layout="constrained")
        blocks = figure.subfigures(len(originals), 1, squeeze=False).ravel()
        captions = zip(originals, right, wrong, strict=True)
        for i, (block, (original, *prompts)) in enumerate(zip(blocks, captions, strict=True)):
            _block(block, recon.isel(image=i), original, prompts)
        _title(figure, title)
    return figure


def _block(block: SubFigure, recon: xr.Dataset, original: Image, prompts: list[str]) -> None:
    grid = block.add_gridspec(3, 1 + recon.sizes["level"])
    _picture(block.add_subplot(grid[0, 0]), original, "original")
    names = ["noised", *(f"“{prompt}”" for prompt in prompts)]
    colours = ["black", RIGHT, WRONG]
    for level, t in enumerate(recon["timestep"].values):
        at = recon.isel(level=level)
        axes = [block.add_subplot(grid[row, 1 + level]) for row in range(3)]
        _picture(axes[0], at["noised"].values, f"t = {t}")
        errors = at["error"].values
        for ax, picture, error in zip(axes[1:], at["decoded"].values, errors, strict=True):
            _picture(ax, picture)
            weight = "bold" if error == errors.min() else "normal"
            ax.set_xlabel(f"{error:.4f}", fontsize=9, fontweight=weight, labelpad=2)
        if level == 0:
            for ax, name, colour in zip(axes, names, colours, strict=True):
                text = broken(shortened(name, 120), 18)
                ax.set_ylabel(text, rotation=0, ha="right", va="center", color=colour, fontsize=10)


def _picture(ax: Axes, picture: Image | np.ndarray, title: str = "") -> None:
    """A PIL image, or `(channel, row, column)` in [0, 1], one or three channels."""
    if isinstance(picture, np.ndarray):
        picture = picture.transpose(1, 2, 0).squeeze()
    ax.imshow(picture, cmap="gray", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=10)


def confusion_plot(
    predictions: Mapping[str, pd.DataFrame], classes: Mapping[str, Sequence[str]], title: str
) -> Figure:
    """Confusion matrices below each other, as in `confusion`; the right answers are framed.

    `predictions` and `classes` (all class names in order) map display names to what is shown. Of
    more than `confusions.MANY` classes only the most confused are drawn, which the panel says.
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
            left_out = len(classes[name]) > len(drawn[name])
            few = f": the {len(drawn[name])} most confused of {len(classes[name])} classes"
            header = f"{name}{few if left_out else ''}"
            ax.set_title(wrapped(header, size[0] - MARGIN), loc="left")
        bar = figure.colorbar(axes[0].collections[0], ax=list(axes), aspect=40, pad=0.01)
        bar.set_label("images of the true class (%)")
        _title(figure, title)
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

    `rows` as from `scores.aggregate`, of which those of `loss` are drawn; `versions` are the
    `group`s of methods in order of training, `columns` maps data sets to display names.
    """
    shown = rows[(rows["metric"] == metric) & (rows["loss"] == loss)]
    with mpl.rc_context(STYLE):
        figure, (ax,) = panels(1, max(7.0, 1.6 * len(versions)), 5.2)
        for i, (dataset, header) in enumerate(columns.items()):
            own = shown[shown["dataset"] == dataset].set_index("group").reindex(list(versions))
            # side by side, so that intervals of equal accuracies can be told apart
            x = np.arange(len(versions)) + 0.3 * ((i + 0.5) / len(columns) - 0.5)
            bars = [own["value"] - own["low"], own["high"] - own["value"]]
            ax.errorbar(
                x, own["value"], yerr=np.abs(bars), color=PALETTE[i % len(PALETTE)], capsize=2,
                marker=MARKERS[i % len(MARKERS)], linestyle=("-", "--", ":")[i // 10 % 3],
                label=name_label(header),
            )  # fmt: skip
        names = [broken(shortened(name, 60), 16) for name in versions]
        ax.set_xticks(range(len(versions)), names)
        ax.set(ylim=(-2, 102), xlim=(-0.5, len(versions) - 0.5), ylabel="accuracy (%)")
        ax.grid(axis="x", visible=False)
        ncols = min(4, len(columns))
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=ncols)
        _title(figure, title)
    return figure


def _legend(figure: Figure, ax: Axes) -> None:
    ncols = 2 if figure.get_figwidth() > 5 else 1
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=ncols)


def _title(figure: Figure, title: str) -> None:
    figure.suptitle(wrapped(title, figure.get_figwidth()), x=0.01, ha="left", fontsize=11)
