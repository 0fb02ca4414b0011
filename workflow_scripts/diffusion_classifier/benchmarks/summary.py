"""What the records say: rates, shares of the peak, exponents. Read by the notebook: no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

ENGINES = {"plain": "loop over images", "engine": "engine"}
COLUMNS = ["model", "dtype", "engine", "evaluations_per_second", "ratio", "share_of_peak"]


def rates(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Evaluations/s and what follows from them, with their spread over the repeats.

    A record has what `compare` returns and `model`, `dtype`, `flops` (of one plain evaluation) and
    `peak` (FLOP/s). COLUMNS are medians: `ratio` of the engine's rate to the plain loop's of the
    same repeat; `share_of_peak` counts a plain evaluation's FLOPs for both, so that what the engine
    need not compute shows as a higher share. `_low` and `_high`: least and most of the repeats.
    """
    rows = []
    for record in records:
        plain = np.array(record["seconds"]["plain"])
        for engine, seconds in record["seconds"].items():
            rate = record["evaluations"] / np.array(seconds)
            measured = {
                "evaluations_per_second": rate,
                "ratio": plain / np.array(seconds),
                "share_of_peak": rate * record["flops"] / record["peak"],
            }
            row = {"model": record["model"], "dtype": record["dtype"], "engine": engine}
            for name, values in measured.items():
                row[name] = float(np.median(values))
                row |= {f"{name}_low": float(values.min()), f"{name}_high": float(values.max())}
            rows.append(row)
    return pd.DataFrame(rows)


def exponents(found: pd.DataFrame) -> pd.DataFrame:
    """The slope of log seconds over log count, `varied, engine, exponent`; 1: in proportion.

    Of each engine's medians over the repeats, by least squares.
    """
    median = found.groupby(["varied", "engine", "count"], sort=False)["seconds"].median()
    rows = [
        (varied, engine, np.polyfit(np.log(own.index.get_level_values("count")), np.log(own), 1)[0])
        for (varied, engine), own in median.groupby(level=[0, 1], sort=False)
    ]
    return pd.DataFrame(rows, columns=["varied", "engine", "exponent"])
