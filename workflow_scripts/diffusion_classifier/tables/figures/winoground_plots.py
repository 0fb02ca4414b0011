"""The figures of Winoground (paper, table 2): scores, examples and error heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.scores.caption_curves import TAGS
from diffusion_classifier.scores.compositional import METRICS
from diffusion_classifier.tables.texts.wide_tables import trainings
from diffusion_classifier.tables.texts.winoground_texts import CHANCE

from .plots import (
    PALETTE,
    STYLE,
    add_legend,
    add_title,
    broken,
    grouped_points,
    mark_guessing,
    name_label,
    panels,
)

if TYPE_CHECKING:
    import xarray as xr

SIDES = ((PALETTE[0], "-"), (PALETTE[1], "--"))  # colour and line style of both images
VERDICTS = {"text_score": "text score", "image_score": "image score"}


def scores_plot(rows: pd.DataFrame, metrics: Sequence[str], title: str) -> Figure:
    """One panel per tag: every metric of every method as a point with its 95 % interval.

    `rows` come from `accuracy.aggregate`. Guessing is no method of the figure; a dotted line marks
    what it scores in each metric (`winoground_texts.CHANCE`). Methods are named with their number
    of trainings.
    """
    rows = rows[(rows["kind"] != "chance") & rows["metric"].isin(list(metrics))]
    tags = [tag for tag in TAGS if tag in set(rows["dataset"])]
    labels = {name: f"{name_label(name)}, {count}" for name, count in trainings(rows).items()}
    height = 1.0 + len(metrics) * (0.3 + 0.16 * len(labels))
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(tags), 5, height, per_row=2)
        for i, (ax, tag) in enumerate(zip(axes, tags, strict=True)):
            of_tag = rows[rows["dataset"] == tag]
            grouped_points(ax, of_tag, "metric", metrics, labels)
            names = [METRICS[metric].replace(" image", "\nimage") for metric in metrics]
            ax.set_yticks(range(len(metrics)), names)
            ax.set(xlim=(-2, 102), xlabel="score (%)")
            mark_guessing(ax, [CHANCE[metric] for metric in metrics])
            for between in np.arange(len(metrics) - 1) + 0.5:
                ax.axhline(between, color="0.85", linewidth=1)
            counted = of_tag["images"].unique()
            count = f" ({counted[0]} examples)" if len(counted) == 1 else ""
            ax.set_title(f"{TAGS[tag]}{count}", loc="left")
            ax.tick_params(labelleft=i % 2 == 0)
        add_title(figure, title)
        add_legend(figure, axes)
    return figure


def examples_plot(
    data: pd.DataFrame,
    scored: pd.DataFrame,
    differences: pd.DataFrame,
    examples: Sequence[int],
    title: str,
) -> Figure:
    """A row per example: its two images with their captions, and the error differences of both.

    `data` is the Winoground table, `scored` is `compositional.example_scores` for one loss, and
    `differences` is `winoground_texts.error_differences`. Each image has a colour and line style.
    Dots are single timesteps, the line is the running mean over a twentieth of them (at least
    five), and the mean of all timesteps is below the image.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, _height(data, examples) + 0.6), layout="constrained")
        grid = figure.subplots(
            len(examples), 3, squeeze=False, width_ratios=(1, 1, 2.6), gridspec_kw={"wspace": 0.06}
        )
        for row, example in zip(grid, examples, strict=True):
            images = data[data["example"] == example].sort_values("image")
            for ax, image, look in zip(row, images.itertuples(), SIDES, strict=False):
                curve = differences[differences["image"] == image.image]
                _picture(ax, image, frame=look)
                _difference(row[2], curve, look)
                ax.set_xlabel(_mean(curve["difference"].mean()), color=look[0], fontsize=9)
            row[2].axhline(0, color="0.2", linewidth=1)
            row[2].set_title(_verdict(scored[scored["example"] == example].iloc[0]), loc="left")
            row[2].set_ylabel("error(wrong) −\nerror(right)", fontsize=10)
        grid[-1, 2].set_xlabel("timestep t (0: no noise)")
        add_title(figure, title)
    return figure


def _difference(ax: Axes, curve: pd.DataFrame, look: tuple) -> None:
    """Draw the error differences of one image in its colour and line style, `look`."""
    colour, style = look
    ax.plot(curve["timestep"], curve["difference"], ".", color=colour, markersize=2.5, alpha=0.4)
    window = max(5, round(len(curve) / 20))
    smooth = curve["difference"].rolling(window, center=True, min_periods=1).mean()
    ax.plot(curve["timestep"], smooth, color=colour, linestyle=style)


def _mean(value: float) -> str:
    """ "mean +0.012 ✓": a mean error difference and whether the right caption is better."""
    return f"mean {value:+.2g} {'✓' if value > 0 else '✗'}"


def _verdict(scored: pd.Series) -> str:
    """ "Object:  ✓ text score   ✗ image score": what an example gets right."""
    marks = [f"{'✓' if scored[key] else '✗'} {name}" for key, name in VERDICTS.items()]
    return f"{scored['tag']}:  {'   '.join(marks)}"


def _caption(text: str) -> str:
    return broken(text, 24)


def _height(data: pd.DataFrame, examples: Sequence[int]) -> float:
    """The height in inches of a row per example, with the captions above the images."""
    lines = data.loc[data["example"].isin(list(examples)), "classname"].map(_caption)
    return len(examples) * (2.4 + 0.16 * (1 + lines.str.count("\n").max()))


def _picture(ax: Axes, image, frame: tuple | None = None) -> None:
    """Draw an image of the data set below its caption; `frame` is a colour and a line style."""
    ax.imshow(decode(image.bytes), cmap="gray")
    ax.set(xticks=[], yticks=[])
    ax.set_title(_caption(image.classname), fontsize=9)
    if frame is not None:
        for spine in ax.spines.values():
            spine.set(color=frame[0], linestyle=frame[1], linewidth=2.5)


def heatmap_plot(
    data: pd.DataFrame, maps: xr.Dataset, examples: Sequence[int], title: str
) -> Figure:
    """A row per example: each image beside a map of where its caption predicts the noise better.

    `maps` has `error` (image, prompt, row, column) for the right and the wrong caption, in this
    order, and the coordinate `image`. A map is smoothed and stretched over its image, so `data`
    must have the images as the model saw them (`winoground_texts.as_seen`). The scale of all maps
    ends at the 99.5th percentile of what is drawn.
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
            images = shown[shown["example"] == example].sort_values("image")
            for k, image in enumerate(images.itertuples()):
                picture, heat = row[2 * k], row[2 * k + 1]
                _picture(picture, image)
                drawn = _heat(heat, difference[image.image], picture, limit)
            row[0].set_ylabel(images["tag"].iloc[0])
        bar = figure.colorbar(
            drawn, ax=grid, orientation="horizontal", extend="both", fraction=0.04, aspect=50
        )
        bar.set_label(
            "error(wrong caption) − error(right caption)\n"
            "blue: the right caption predicts the noise better; red: the wrong one does"
        )
        add_title(figure, title)
    return figure


def _heat(ax: Axes, values: np.ndarray, picture: Axes, limit: float) -> mpl.image.AxesImage:
    """Draw a map `(row, column)` as large as the image in `picture`, with its mean as title."""
    drawn = ax.imshow(
        values, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="bilinear",
        extent=picture.images[0].get_extent(),
    )  # fmt: skip
    ax.set(xticks=[], yticks=[])
    ax.set_title(_mean(values.mean()), fontsize=9)
    return drawn
