"""The figure of Self-Bench: what a model sees in its own drawings, in others', in real images."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from diffusion_classifier.scores.self_bench import DOMAINS

from .plots import PALETTE, STYLE, add_legend, add_title, name_label

MARKERS = dict(zip(DOMAINS, "Dos", strict=True))


def gap_plot(
    means: pd.DataFrame,
    names: Mapping[str, str],
    chance: float | None,
    title: str,
    single: pd.DataFrame | None = None,
) -> Figure:
    """A row for each method of `self_bench.domain_means`: a point with its interval per domain.

    `names` are the domains' names, `chance` the accuracy of guessing in percent, if all data sets
    share it. A grey line joins the points of a method: its length is the gap. `single` has the
    accuracies of data sets, `method, domain, value`: where a domain has several, they are small
    open points.
    """
    methods = list(pd.unique(means["method"]))
    place = {method: i for i, method in enumerate(reversed(methods))}
    with mpl.rc_context(STYLE):
        figure, ax = mpl.pyplot.subplots(
            figsize=(7.2, 1.6 + 0.55 * len(methods)), layout="constrained"
        )
        for method, own in means.groupby("method"):
            ends = own["value"].agg(["min", "max"])
            ax.plot(ends, [place[method]] * 2, color="0.85", linewidth=5, zorder=0)
        for i, domain in enumerate(DOMAINS):
            own = means[means["domain"] == domain]
            if own.empty:
                continue
            y = own["method"].map(place) + 0.16 * (1 - i)
            around = np.clip([own["value"] - own["low"], own["high"] - own["value"]], 0, None)
            ax.errorbar(
                own["value"], y, xerr=around, fmt=MARKERS[domain], color=PALETTE[i], capsize=2,
                label=names[domain],
            )  # fmt: skip
            several = means.loc[(means["domain"] == domain) & (means["datasets"] > 1), "method"]
            if single is not None and len(several):
                each = single[(single["domain"] == domain) & single["method"].isin(several)]
                ax.plot(
                    each["value"], each["method"].map(place) + 0.16 * (1 - i), linestyle="none",
                    marker=MARKERS[domain], markersize=4, color=PALETTE[i], fillstyle="none",
                    label=f"{names[domain]}: single data sets",
                )  # fmt: skip
        if chance is not None:
            ax.axvline(chance, color="0.3", linestyle=":", label="guessing")
        ax.set(xlim=(0, 102), xlabel="top-1 accuracy (%)", ylim=(-0.6, len(methods) - 0.4))
        ax.set_yticks(list(place.values()), [name_label(method) for method in place])
        add_title(figure, title)
        add_legend(figure, [ax])
    return figure
