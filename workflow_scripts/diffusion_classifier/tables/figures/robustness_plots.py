"""The figure of effective robustness: one panel per shift, on logit axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from scipy.special import expit, logit

from diffusion_classifier.scores import robustness
from diffusion_classifier.tables.texts.wide_tables import interval_text, trainings_text

from .plots import PALETTE, STYLE, add_legend, add_title, name_label, panels, wrapped

NO_LINE = "no line: it needs two baselines"
MARKERS = "osD^vPX<>p"
TICKS = [0.001, 0.01, 0.02, 0.05, *np.arange(0.1, 0.95, 0.1), 0.95, 0.98, 0.99, 0.995, 0.999]


def effective_robustness_plot(
    points_of: Mapping[str, pd.DataFrame],
    table: pd.DataFrame,
    columns: Mapping[str, str],
    in_distribution: str,
    title: str = "",
    shown: Sequence[str] | None = None,
) -> Figure:
    """Accuracy under each shift against accuracy in distribution, with the baselines' line.

    `points_of` maps shifts to `robustness.points`. `table` is
    `robustness.effective_robustness_table` of the methods that are compared with the baselines;
    their vertical distance to the line is drawn, and written above the panel. `columns` maps data
    sets to display names. `shown` names these methods, if they are more than those of the table,
    which has no rows for a shift without a line.
    """
    shown = list(pd.unique(table["method"])) if shown is None else list(shown)
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(points_of), 4.6, 4.0 + 0.45 * len(shown))
        looks = _looks(points_of, shown)
        for ax, (shift, points) in zip(axes, points_of.items(), strict=True):
            points = points[(points["kind"] == "baseline") | points["method"].isin(shown)]
            _points_with_line(ax, points, looks)
            distances = table[table["dataset"] == shift] if len(table) else table
            _distances(ax, points, distances, looks)
            head = [
                f"{wrapped(f'{r.method}, {trainings_text(r.trainings, r.varies)}', 4.2)}:\n"
                f"    {interval_text(r.value, r.low, r.high, sign=True)} points"
                for r in distances.itertuples()
            ]
            head = head if has_line(points) else [NO_LINE]
            ax.set_title("\n".join([wrapped(columns.get(shift, shift), 4.2), *head]), loc="left")
            ax.set_xlabel(f"{name_label(columns.get(in_distribution, in_distribution))}, accuracy")
            ax.set_ylabel(f"{name_label(columns.get(shift, shift))}, accuracy")
        add_title(figure, title)
        add_legend(figure, axes)
    return figure


def has_line(points: pd.DataFrame) -> bool:
    """Whether a line can be fitted: two baselines that differ in accuracy in distribution."""
    return points.loc[points["kind"] == "baseline", "x"].nunique() > 1


def _looks(points_of: Mapping[str, pd.DataFrame], shown: Sequence[str]) -> dict[str, dict]:
    """Colour and marker of each method in all panels; `shown` methods are large and strong."""
    points = pd.concat(points_of.values())
    baselines = pd.unique(points.loc[points["kind"] == "baseline", "method"])
    palette = [PALETTE[i] for i in (0, 2, 4, 5, 6, 7, 8, 9)]
    looks = {
        name: {"color": palette[i % len(palette)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(baselines)
    }
    strong = [PALETTE[3], PALETTE[1], "black"]
    return looks | {
        name: {"color": strong[i % 3], "marker": "*Pd"[i // 3 % 3], "markersize": 15}
        for i, name in enumerate(shown)
    }


def _points_with_line(ax: Axes, points: pd.DataFrame, looks: Mapping[str, dict]) -> None:
    """Every training as a point with its bars, the fitted line and the line of equal accuracy."""
    at = {axis: robustness.clipped(points[axis], points[f"{axis}_images"]) for axis in "xy"}
    bars = {
        axis: [
            np.clip(at[axis] - points[f"{axis}_low"] / 100, 0, None),
            np.clip(points[f"{axis}_high"] / 100 - at[axis], 0, None),
        ]
        for axis in "xy"
    }
    # a bar may end at 0 or 100 %, which are infinitely far on a logit axis
    for axis in "xy":
        bars[axis][0] = np.minimum(bars[axis][0], 0.999 * at[axis])
        bars[axis][1] = np.minimum(bars[axis][1], 0.999 * (1 - at[axis]))
    for name, rows in points.groupby("method", sort=False):
        error = {f"{a}err": [b.loc[rows.index] for b in bars[a]] for a in "xy"}
        count = trainings_text(len(rows), rows["varies"].iloc[0])
        ax.errorbar(
            at["x"][rows.index], at["y"][rows.index], **error, **{"markersize": 7} | looks[name],
            linestyle="none", elinewidth=1, label=f"{name_label(name)}, {count}",
            ecolor=to_rgba(looks[name]["color"], 0.4),
        )  # fmt: skip
    limits = {axis: _limits(at[axis], points, axis) for axis in "xy"}
    x = np.linspace(*limits["x"], 400)
    if has_line(points):
        y = robustness.predicted(robustness.baseline_line(points), x)
        ax.plot(x, y, color="0.3", zorder=1, label="line through the baselines")
    ax.plot(x, x, color="0.6", linestyle=":", zorder=1, label="equal accuracy (x = y)")
    for axis in "xy":
        _percent_axis(ax, axis, limits[axis])


def _limits(at: pd.Series, points: pd.DataFrame, axis: str) -> tuple[float, float]:
    """The limits of an axis, as fractions, around all points and bars."""
    low = min((points[f"{axis}_low"] / 100).min(), at.min())
    high = max((points[f"{axis}_high"] / 100).max(), at.max())
    # some room on both sides, but not beyond the outer ticks
    low, high = expit(logit(np.clip([low, high], 0.002, 0.998)) + np.array([-0.35, 0.35]))
    return min(low, 0.9 * at.min()), max(high, 1 - 0.9 * (1 - at.max()))


def _percent_axis(ax: Axes, axis: str, limits: tuple[float, float]) -> None:
    """A logit axis over `limits` (fractions) with ticks at round percentages."""
    getattr(ax, f"set_{axis}scale")("logit")
    getattr(ax, f"set_{axis}lim")(*limits)
    drawn = getattr(ax, f"{axis}axis")
    drawn.set_major_locator(FixedLocator(_spaced_ticks(limits)))
    drawn.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    drawn.set_minor_locator(NullLocator())
    drawn.set_minor_formatter(NullFormatter())


def _spaced_ticks(limits: tuple[float, float]) -> list[float]:
    """The TICKS within `limits`, without those that are too close to the tick before."""
    room = (logit(limits[1]) - logit(limits[0])) / 9
    ticks: list[float] = []
    for tick in (t for t in TICKS if limits[0] <= t <= limits[1]):
        if not ticks or logit(tick) - logit(ticks[-1]) >= room:
            ticks.append(tick)
    return ticks


def _distances(ax: Axes, points: pd.DataFrame, table: pd.DataFrame, looks: Mapping) -> None:
    """The vertical distance of each method's points to the baselines' line."""
    if not has_line(points):
        return
    line = robustness.baseline_line(points)
    for name in table["method"]:
        rows = points[points["method"] == name]
        x = robustness.clipped(rows["x"], rows["x_images"])
        y = robustness.clipped(rows["y"], rows["y_images"])
        ax.vlines(
            x, robustness.predicted(line, x), y, color=looks[name]["color"], linewidth=3, alpha=0.5
        )
