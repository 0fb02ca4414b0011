"""The figures of Winoground (paper, table 2): scores, timesteps, examples and error heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.scores.compositional import METRICS

from .plots import PALETTE, STYLE, _band, broken, legend_columns, name_label, wrapped
from .wide_tables import trainings
from .winoground_curves import CHANCE, TAGS

if TYPE_CHECKING:
    import xarray as xr

SIDES = ((PALETTE[0], "-"), (PALETTE[1], "--"))  # colour and line style of both images
MARKERS = "oDsv^P<>X"
VERDICTS = {"text_score": "text score", "image_score": "image score"}


def scores_plot(rows: pd.DataFrame, metrics: Sequence[str], title: str) -> Figure:
    """One panel per tag: every metric of every method as a point with its 95 % interval.

    `rows` as from `scores.aggregate`. Guessing is not drawn as a method but marked for each
    metric by what it scores, `winoground_curves.CHANCE`. Methods are named with their number of
    trainings.
    """
    rows = rows[(rows["kind"] != "chance") & rows["metric"].isin(list(metrics))]
    tags = [tag for tag in TAGS if tag in set(rows["dataset"])]
    methods = list(pd.unique(rows["method"]))
    counts = trainings(rows)
    height = 1.0 + len(metrics) * (0.3 + 0.16 * len(methods))
    with mpl.rc_context(STYLE):
        figure, axes = _grid(len(tags), 5, height)
        for ax, tag in zip(axes, tags, strict=True):
            own = rows[rows["dataset"] == tag]
            for j, method in enumerate(methods):
                offset = 0.7 * ((j + 0.5) / len(methods) - 0.5)
                label = f"{name_label(method)}, {counts[method]}"
                _method(ax, own[own["method"] == method], metrics, offset, j, label)
            names = [METRICS[metric].replace(" image", "\nimage") for metric in metrics]
            ax.set_yticks(range(len(metrics)), names)
            ax.set(xlim=(-2, 102), ylim=(len(metrics) - 0.5, -0.5), xlabel="score (%)")
            ax.grid(axis="y", visible=False)
            y = np.arange(len(metrics))
            ax.vlines(
                [CHANCE[metric] for metric in metrics], y - 0.42, y + 0.42, color="0.35",
                linestyle=":", zorder=1, label="guessing",
            )  # fmt: skip
            for between in np.arange(len(metrics) - 1) + 0.5:
                ax.axhline(between, color="0.85", linewidth=1)
            count = f" ({own['images'].iloc[0]} examples)" if own["images"].nunique() == 1 else ""
            ax.set_title(f"{TAGS[tag]}{count}", loc="left")
        _outer_labels(axes)
        _headed(figure, axes[0], title)
    return figure


def _method(
    ax: Axes, own: pd.DataFrame, metrics: Sequence[str], offset: float, number: int, label: str
) -> None:
    """The points of one method, `offset` below the middle of their metric."""
    y = own["metric"].map(list(metrics).index) + offset
    bars = [own["value"] - own["low"], own["high"] - own["value"]]
    ax.errorbar(
        own["value"], y, xerr=np.clip(bars, 0, None), linestyle="none", label=label,
        marker=MARKERS[number % len(MARKERS)], color=PALETTE[number % len(PALETTE)],
    )  # fmt: skip


def _grid(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels of `width` x `height` inches, two to a row, with shared axes."""
    rows, columns = -(-count // 2), min(count, 2)
    figure = Figure(figsize=(width * columns, height * rows + 0.8), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for ax in axes[count:]:
        ax.remove()
    return figure, list(axes[:count])


def _outer_labels(axes: Sequence[Axes]) -> None:
    """Labels at the lowest panel of each column and at the first of each row only."""
    for i, ax in enumerate(axes):
        ax.label_outer()
        if i + 2 >= len(axes):  # beside the last row's gap too
            ax.tick_params(labelbottom=True)


def _headed(figure: Figure, ax: Axes, title: str) -> None:
    """`title` above all panels, the legend of `ax` below them."""
    figure.suptitle(wrapped(title, figure.get_figwidth()), x=0.01, ha="left", fontsize=11)
    handles, labels = ax.get_legend_handles_labels()
    ncols = legend_columns(labels, figure.get_figwidth())
    figure.legend(handles, labels, loc="outside lower center", ncols=ncols)


def timesteps_plot(curve: pd.DataFrame, title: str) -> Figure:
    """One panel per tag: the text score from each timestep alone, with its 95 % band.

    `curve` as from `winoground_curves.timestep_text_score`.
    """
    tags = [tag for tag in TAGS if tag in set(curve["tag"])]
    with mpl.rc_context(STYLE):
        figure, axes = _grid(len(tags), 5, 2.7)
        for ax, tag in zip(axes, tags, strict=True):
            own = curve[curve["tag"] == tag].rename(columns={"value": "accuracy"})
            _band(ax, own, "timestep", PALETTE[0], "one timestep alone, 95 % interval", "")
            ax.axhline(CHANCE["text_score"], color="0.3", linestyle=":", label="guessing")
            ax.set(xlabel="timestep t (0: no noise)", ylabel="text score (%)", ylim=(-2, 102))
            ax.set_title(TAGS[tag], loc="left")
        _outer_labels(axes)
        _headed(figure, axes[0], title)
    return figure


def examples_plot(
    data: pd.DataFrame,
    scored: pd.DataFrame,
    differences: pd.DataFrame,
    examples: Sequence[int],
    title: str,
) -> Figure:
    """A row per example: its two images with their captions, and the error differences of both.

    `data` is the Winoground table, `scored` is `compositional.example_scores` for one loss and
    `differences` is `winoground_curves.error_differences`. In an image's colour and line
    style: single timesteps (dots), the running mean over a twentieth of them, but at least five
    (line), and the mean of all (below the image).
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, _height(data, examples) + 0.6), layout="constrained")
        grid = figure.subplots(
            len(examples), 3, squeeze=False, width_ratios=(1, 1, 2.6), gridspec_kw={"wspace": 0.06}
        )
        for row, example in zip(grid, examples, strict=True):
            own = data[data["example"] == example].sort_values("image")
            for ax, image, look in zip(row, own.itertuples(), SIDES, strict=False):
                found = differences[differences["image"] == image.image]
                _picture(ax, image, frame=look)
                _difference(row[2], found, look)
                ax.set_xlabel(_mean(found["difference"].mean()), color=look[0], fontsize=9)
            row[2].axhline(0, color="0.2", linewidth=1)
            row[2].set_title(_verdict(scored[scored["example"] == example].iloc[0]), loc="left")
            row[2].set_ylabel("error(wrong) −\nerror(right)", fontsize=10)
        grid[-1, 2].set_xlabel("timestep t (0: no noise)")
        figure.suptitle(wrapped(title, figure.get_figwidth()), x=0.01, ha="left", fontsize=11)
    return figure


def _difference(ax: Axes, found: pd.DataFrame, look: tuple) -> None:
    """The error differences of one image, `look` being its colour and line style."""
    colour, style = look
    ax.plot(found["timestep"], found["difference"], ".", color=colour, markersize=2.5, alpha=0.4)
    window = max(5, round(len(found) / 20))
    smooth = found["difference"].rolling(window, center=True, min_periods=1).mean()
    ax.plot(found["timestep"], smooth, color=colour, linestyle=style)


def _mean(value: float) -> str:
    """ "mean +0.012 ✓": a mean error difference and whether the right caption is better."""
    return f"mean {value:+.2g} {'✓' if value > 0 else '✗'}"


def _verdict(scored: pd.Series) -> str:
    marks = [f"{'✓' if scored[key] else '✗'} {name}" for key, name in VERDICTS.items()]
    return f"{scored['tag']}:  {'   '.join(marks)}"


def _caption(text: str) -> str:
    return broken(text, 24)


def _height(data: pd.DataFrame, examples: Sequence[int]) -> float:
    """Inches that rows of images need with their captions above them."""
    lines = data.loc[data["example"].isin(list(examples)), "classname"].map(_caption)
    return len(examples) * (2.4 + 0.16 * (1 + lines.str.count("\n").max()))


def _picture(ax: Axes, image, frame: tuple | None = None) -> None:
    """An image of the data set under its own caption, framed in a colour and line style."""
    ax.imshow(decode(image.bytes), cmap="gray")
    ax.set(xticks=[], yticks=[])
    ax.set_title(_caption(image.classname), fontsize=9)
    if frame is not None:
        for spine in ax.spines.values():
            spine.set(color=frame[0], linestyle=frame[1], linewidth=2.5)


def heatmap_plot(
    data: pd.DataFrame, maps: xr.Dataset, examples: Sequence[int], title: str
) -> Figure:
    """A row per example: each image, and where its own caption predicts the noise better.

    `maps` has `error` (image, prompt, row, column) for the right and the wrong caption, in this
    order, by the coordinate `image`. A map is stretched over its image, so `data` has to be as the
    model saw it (`winoground_curves.as_seen`), and drawn smoothed, all on one
    scale: that of the 99.5th percentile of all that is shown.
    """
    error = maps["error"].transpose("image", "prompt", "row", "column").values.astype("float64")
    difference = dict(zip(maps["image"].values.tolist(), error[:, 1] - error[:, 0], strict=True))
    shown = data[data["example"].isin(list(examples))]
    every = np.abs([difference[image] for image in shown["image"]])
    limit = max(float(np.quantile(every, 0.995)), np.finfo(float).tiny)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, _height(shown, examples) + 1.2), layout="constrained")
        grid = figure.subplots(len(examples), 4, squeeze=False)
        for row, example in zip(grid, examples, strict=True):
            own = shown[shown["example"] == example].sort_values("image")
            for k, image in enumerate(own.itertuples()):
                picture, heat = row[2 * k], row[2 * k + 1]
                _picture(picture, image)
                drawn = _heat(heat, difference[image.image], picture, limit)
            row[0].set_ylabel(own["tag"].iloc[0])
        bar = figure.colorbar(
            drawn, ax=grid, orientation="horizontal", extend="both", fraction=0.04, aspect=50
        )
        bar.set_label(
            "error(wrong caption) − error(right caption)\n"
            "blue: the right caption predicts the noise better; red: the wrong one does"
        )
        figure.suptitle(wrapped(title, figure.get_figwidth()), x=0.01, ha="left", fontsize=11)
    return figure


def _heat(ax: Axes, values: np.ndarray, picture: Axes, limit: float) -> mpl.image.AxesImage:
    """A map `(row, column)` stretched over the image in `picture`, its mean as the title."""
    drawn = ax.imshow(
        values, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="bilinear",
        extent=picture.images[0].get_extent(),
    )  # fmt: skip
    ax.set(xticks=[], yticks=[])
    ax.set_title(_mean(values.mean()), fontsize=9)
    return drawn
