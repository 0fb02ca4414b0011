"""Tables and figures of probabilities: reliability diagrams, accuracy against coverage, gains."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from diffusion_classifier.scores.method_probabilities import GAIN, WAYS
from diffusion_classifier.scores.probability_scores import METRICS

from .plots import PALETTE, STYLE, add_legend, add_title, name_label, panels, wrapped

MISSING = "–"


def wide(rows: pd.DataFrame, columns: Mapping[str, str], metric: str) -> pd.DataFrame:
    """A metric of all methods, a column per data set: "0.036 → 0.012 [0.009, 0.021]".

    `rows` are `Probabilities.scores`. The number before the arrow is as scored; the interval is
    that of the calibrated one. `columns` maps data sets to display names.
    """
    found = rows[(rows["metric"] == metric) & (rows["parent"] == "")]
    return pd.DataFrame(
        {
            columns[dataset]: {
                method: _cell(own)
                for method, own in of_data.groupby("method", sort=False)
            }
            for dataset, of_data in found.groupby("dataset", sort=False)
        }
    ).fillna(MISSING)  # fmt: skip


def _cell(rows: pd.DataFrame) -> str:
    ways = {row.way: row for row in rows.itertuples()}
    after = ways[WAYS[1]]
    text = f"{after.value:.3f} [{after.low:.3f}, {after.high:.3f}]"
    return f"{ways[WAYS[0]].value:.3f} → {text}" if WAYS[0] in ways else text


def gains(rows: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The log-likelihood that calibration gains, paired: "+0.023 [+0.010, +0.039]"."""
    found = rows[rows["metric"] == GAIN]
    return pd.DataFrame(
        {
            columns[dataset]: {row.method: signed(row) for row in of_data.itertuples()}
            for dataset, of_data in found.groupby("dataset", sort=False)
        }
    ).fillna(MISSING)


def fusions(rows: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Each fusion and data set: its accuracy, and differences to both of its methods, paired."""
    table = []
    for (method, dataset), own in rows[rows["parent"] != ""].groupby(
        ["method", "dataset"], sort=False
    ):
        alone = rows[(rows["method"] == method) & (rows["dataset"] == dataset)]
        alone = alone[(alone["parent"] == "") & (alone["metric"] == "accuracy")].iloc[0]
        for parent, of_parent in own.groupby("parent", sort=False):
            by_metric = {row.metric: row for row in of_parent.itertuples()}
            table.append(
                {
                    "fusion": method,
                    "data set": columns[dataset],
                    "accuracy (%)": f"{alone['value']:.1f}",
                    "minus": parent,
                    "accuracy (points)": signed(by_metric["accuracy"], 1),
                    "log-likelihood (nats)": signed(by_metric["log_likelihood"]),
                }
            )
    return pd.DataFrame(table)


def signed(row, digits: int = 3) -> str:
    """A difference with its interval: "+0.023 [−0.010, +0.039]"."""
    numbers = (f"{getattr(row, name):+.{digits}f}" for name in ("value", "low", "high"))
    value, low, high = (text.replace("-", "−") for text in numbers)
    return f"{value} [{low}, {high}]"


def sentences(rows: pd.DataFrame, columns: Mapping[str, str], method: str) -> list[str]:
    """What calibration did to `method`, a sentence for each data set."""
    own = rows[(rows["method"] == method) & (rows["parent"] == "")]
    found = []
    for dataset, of_data in own.groupby("dataset", sort=False):
        by = {(row.way, row.metric): row for row in of_data.itertuples()}
        before, after = (by[way, "ece"] for way in WAYS)
        gain = by[WAYS[1], GAIN]
        verdict = "better" if gain.low > 0 else "worse" if gain.high < 0 else "not clearly other"
        found.append(
            f"{columns[dataset]}: calibration error {before.value:.3f} as scored, "
            f"{after.value:.3f} [{after.low:.3f}, {after.high:.3f}] calibrated; log-likelihood "
            f"{verdict} ({signed(gain)} nats)."
        )
    return found


def reliability_plot(
    points: pd.DataFrame, columns: Mapping[str, str], method: str, title: str
) -> Figure:
    """Accuracy against confidence of one method, a panel per data set.

    `points` are `Probabilities.curves("reliability")`. On the diagonal, probabilities are true;
    the area of a point is the number of images behind it.
    """
    shown = points[points["method"] == method]
    with mpl.rc_context(STYLE):
        names = [name for name in columns if name in set(shown["dataset"])]
        figure, axes = panels(len(names), 4.0, 3.9)
        for i, (ax, name) in enumerate(zip(axes, names, strict=True)):
            ax.plot([0, 1], [0, 1], color="0.4", linestyle=":", marker="", label="true")
            for k, way in enumerate(WAYS):
                own = shown[(shown["dataset"] == name) & (shown["way"] == way)]
                share = own["images"] / own["images"].sum()
                colour = PALETTE[(7, 0)[k]]
                ax.vlines(own["confidence"], own["low"], own["high"], color=colour, alpha=0.5)
                ax.plot(own["confidence"], own["accuracy"], color=colour, linewidth=1, marker="")
                ax.scatter(
                    own["confidence"], own["accuracy"], 12 + 260 * share,
                    color=colour, alpha=0.8, label=way, zorder=3,
                )  # fmt: skip
            ax.set(xlim=(0, 1.03), ylim=(-0.02, 1.04), aspect="equal")
            ax.set_xlabel("probability of the answer")
            ax.set_ylabel("share that is right" if i % 3 == 0 else "")
            ax.set_title(wrapped(columns[name], 4), loc="left")
        add_legend(figure, axes[:1])
        add_title(figure, title)
    return figure


def coverage_plot(points: pd.DataFrame, columns: Mapping[str, str], title: str) -> Figure:
    """Accuracy if the least sure images are left out, calibrated; a panel per data set."""
    shown = points[points["way"] == WAYS[1]]
    methods = list(pd.unique(shown["method"]))
    with mpl.rc_context(STYLE):
        names = [name for name in columns if name in set(shown["dataset"])]
        figure, axes = panels(len(names), 4.0, 3.4)
        for i, (ax, name) in enumerate(zip(axes, names, strict=True)):
            for k, method in enumerate(methods):
                own = shown[(shown["dataset"] == name) & (shown["method"] == method)]
                ax.plot(
                    100 * own["coverage"], 100 * own["accuracy"], marker="",
                    color=PALETTE[k % len(PALETTE)], linestyle=("-", "--", ":")[k // len(PALETTE)],
                    linewidth=2.6 if k == 0 else 1.4, label=name_label(method),
                )  # fmt: skip
            ax.set_xlabel("answered, the surest first (%)")
            ax.set_ylabel("accuracy of these (%)" if i % 3 == 0 else "")
            ax.set_title(wrapped(columns[name], 4), loc="left")
        add_legend(figure, axes)
        add_title(figure, title)
    return figure


def described(metric: str) -> str:
    """The heading of a metric's table."""
    return METRICS[metric]
