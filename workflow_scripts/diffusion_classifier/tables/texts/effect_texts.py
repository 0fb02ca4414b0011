"""Effect sizes as a table for the page, as text, as LaTeX, and in a sentence."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from .aligned import aligned
from .escaping import latex
from .wide_tables import p_value

WIDTH = 160
"""Characters in a line of a caption."""


def effects_frame(
    effects: pd.DataFrame, dataset: str, loss: str, text: Callable[[Any], str] | None = None
) -> pd.DataFrame:
    """Effect sizes as text: methods x comparisons, "+0.61 [+0.35, +0.84]" and p below it.

    `text` makes another cell of a row of `effects`.
    """
    own = effects[(effects["dataset"] == dataset) & effects["loss"].isin(["", loss])]
    cells = own.assign(text=[(text or _effect_text)(row) for row in own.itertuples()])
    found = cells.pivot(index="method", columns="subtask", values="text")
    ordered = found.reindex(pd.unique(own["method"]))[list(pd.unique(own["subtask"]))]
    return ordered.fillna("—").rename_axis(index=None, columns=None)


def effects_text(effects: pd.DataFrame, dataset: str, loss: str, caption: str) -> str:
    """Comparisons x methods for the terminal, without intervals, for which there is no room."""
    lines = aligned(effects_frame(effects, dataset, loss, lambda row: f"{row.value:+.2f}").T)
    note = "the page and effects.csv have the 95 % intervals and p"
    return "\n".join([*textwrap.wrap(caption, WIDTH), *lines, note]) + "\n"


def effects_latex(effects: pd.DataFrame, dataset: str, loss: str, caption: str, label: str) -> str:
    """Comparisons x methods for LaTeX with booktabs, with 95 % intervals."""
    frame = effects_frame(effects, dataset, loss, _with_interval).T
    styler = Styler(frame, caption=latex(caption)).format(latex)
    styler = styler.format_index(latex).format_index(latex, axis=1)
    return styler.to_latex(
        hrules=True,
        column_format="l" + "c" * len(frame.columns),
        position_float="centering",
        label=label,
    )


def effect_sentences(effects: pd.DataFrame, datasets: Mapping[str, str], loss: str) -> list[str]:
    """A sentence for each data set and diffusion classifier: its range, and what is not chance."""
    found = []
    main = effects[(effects["kind"] == "diffusion") & (effects["loss"] == loss)]
    for (dataset, method), own in main.groupby(["dataset", "method"], sort=False):
        low, high = own.loc[own["value"].idxmin()], own.loc[own["value"].idxmax()]
        apart = ((own["low"] > 0) | (own["high"] < 0)).sum()
        found.append(
            f"{datasets[dataset]}: effect sizes of {method} lie between {low.value:+.2f} "
            f"({low.subtask}) and {high.value:+.2f} ({high.subtask}); the 95 % intervals of "
            f"{apart} of {len(own)} comparisons are without 0."
        )
    return found


def _with_interval(row) -> str:
    return f"{row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}]"


def _effect_text(row) -> str:
    return f"{row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}]\n{p_value(row.p)}"
