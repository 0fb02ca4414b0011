"""The table and the figure of learned weights of timesteps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from diffusion_classifier.scores.accuracy import method_name
from diffusion_classifier.tables.texts.wide_tables import interval_text, p_value, trainings_text

from .plots import PALETTE, STYLE, add_legend, add_title, panels, wrapped


def gain_text(
    gains: pd.DataFrame, columns: Mapping[str, str], counted: str = "images"
) -> pd.DataFrame:
    """Accuracies with and without learned weights, and their difference, as text.

    `gains` are rows of `scores.weighting_gain` with `method`, `dataset` and `varies`; `columns`
    maps data sets to display names. `counted` is what a row counts.
    """
    rows = gains.to_dict("records")
    return pd.DataFrame(
        {
            "data set": gains["dataset"].map(columns),
            "method": [method_name(row["method"], row["loss"]) for row in rows],
            "learned": [trainings_text(row["draws"], row["varies"]) for row in rows],
            f"held-out {counted}": gains["images"].astype(str),
            "equal weights (%)": [
                interval_text(row["without"], row["without_low"], row["without_high"])
                for row in rows
            ],
            "learned weights (%)": [
                interval_text(row["with"], row["with_low"], row["with_high"]) for row in rows
            ],
            "difference (points)": [
                interval_text(row["difference"], row["low"], row["high"], sign=True) for row in rows
            ],
            "p": [p_value(row["p"]) for row in rows],
        }
    )


def weights_plot(weights: Mapping[str, Sequence[pd.DataFrame]], title: str) -> Figure:
    """One panel per data set: the weight of each timestep, a thin line per draw and their mean.

    `weights` maps display names to tables with `timestep` and `weight`, all of one loss.
    """
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(weights), 4.2, 3.4)
        for i, (ax, (name, draws)) in enumerate(zip(axes, weights.items(), strict=True)):
            for k, draw in enumerate(draws):
                ax.plot(
                    draw["timestep"], draw["weight"], color=PALETTE[0], alpha=0.35, linewidth=1,
                    marker="", label="one draw of labels" if k == 0 else None,
                )  # fmt: skip
            mean = pd.concat(draws).groupby("timestep")["weight"].mean()
            ax.plot(mean.index, mean, color=PALETTE[0], linewidth=2.5, marker="", label="mean")
            ax.axhline(1, color="0.3", linestyle=":", label="equal weights")
            ax.set(xlabel="timestep t (0: no noise)", ylim=(0, None))
            ax.set_ylabel("weight (mean 1)" if i % 3 == 0 else "")
            ax.set_title(wrapped(name, 4), loc="left")
        add_legend(figure, axes)
        add_title(figure, title)
    return figure
