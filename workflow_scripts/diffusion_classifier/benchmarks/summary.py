"""Summaries of records: rates, shares of the peak, exponents. For the notebook: without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from diffusion_classifier.machine import sentence

ENGINES = {"plain": "loop over images", "engine": "engine", "compiled": "engine, compiled"}
COLUMNS = ["model", "dtype", "engine", "evaluations_per_second", "ratio", "share_of_peak"]
Record = Mapping[str, Any]


def rates(records: Sequence[Record]) -> pd.DataFrame:
    """Evaluations/s, ratios and shares of the peak, with their spread over the repeats.

    Records come from `throughput.measured`. COLUMNS are medians over the repeats. `ratio` is the
    engine's rate over the loop's in the same repeat. `share_of_peak` counts the FLOPs of a plain
    evaluation for both, so work that the engine saves raises its share. Each has a `_low` and a
    `_high`, the minimum and maximum over the repeats.
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
    """The slope of log seconds over log count, `varied, engine, exponent`; 1 is proportional.

    It is a least squares fit to each engine's medians over the repeats of `growth.growth`.
    """
    median = found.groupby(["varied", "engine", "count"], sort=False)["seconds"].median()
    rows = []
    for (varied, engine), seconds in median.groupby(level=[0, 1], sort=False):
        counts = seconds.index.get_level_values("count")
        rows.append((varied, engine, slope(counts, seconds)))
    return pd.DataFrame(rows, columns=["varied", "engine", "exponent"])


def slope(counts: Any, costs: Any) -> float:
    """The exponent of growth: the slope of log cost over log count, by least squares."""
    return float(np.polyfit(np.log(np.asarray(counts, float)), np.log(np.asarray(costs)), 1)[0])


# --- tables for readers


def machine_lines(records: Sequence[Record]) -> list[str]:
    """Sentences on the machines, each once, and on the threads of each model."""
    machines = dict.fromkeys(sentence(record["machine"]) for record in records)
    threads: dict[int, dict[str, None]] = {}
    for record in records:
        threads.setdefault(record["machine"]["threads"], {})[record["model"]] = None
    used = [f"{n} thread{'s' * (n != 1)}: {', '.join(names)}." for n, names in threads.items()]
    return [*machines, *used]


def rate_table(found: pd.DataFrame) -> pd.DataFrame:
    """Rates and ratios with their spreads; `found` comes from `rates`."""
    rows = []
    for row in found.to_dict("records"):
        rate = _spread(row, "evaluations_per_second", _three_digits)
        ratio = _spread(row, "ratio", lambda value: f"{value:.2f}")
        rows.append(
            {
                **_named(row),
                "evaluations/s": rate,
                "× the loop": ratio if row["engine"] != "plain" else "1",
            }
        )
    return pd.DataFrame(rows)


def peak_table(records: Sequence[Record], found: pd.DataFrame) -> pd.DataFrame:
    """GFLOPs of an evaluation, the peak in GFLOP/s, and the share of the peak that is reached."""
    by_model = {(record["model"], record["dtype"]): record for record in records}
    rows = []
    for row in found.to_dict("records"):
        record = by_model[row["model"], row["dtype"]]
        percent = {key: 100 * row[key] for key in row if key.startswith("share_of_peak")}
        rows.append(
            {
                **_named(row),
                "GFLOP per evaluation": f"{record['flops'] / 1e9:,.4g}",
                "peak (GFLOP/s)": f"{record['peak'] / 1e9:,.0f}",
                "share (%)": _spread(percent, "share_of_peak", lambda value: f"{value:.1f}"),
            }
        )
    return pd.DataFrame(rows)


def agreement_table(records: Sequence[Record]) -> pd.DataFrame:
    """Differences between the errors of loop and engine, and between those of prompts."""
    return pd.DataFrame(
        {
            "model": record["model"],
            "dtype": record["dtype"],
            "evaluations": f"{record['evaluations']:,}",
            "largest difference": f"{record['difference']:.1g}",
            "tolerance": f"{record['tolerance']:g}",
            "between prompts (median)": f"{record['between_prompts']:.1g}",
        }
        for record in records
    )


def share_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Seconds and shares of each run; `runs` come from `shares.run_shares`."""
    return pd.DataFrame(
        {
            "run": row.run,
            "jobs": row.jobs,
            "jobs (s)": f"{row.job_seconds:,.0f}",
            "in networks (s)": f"{row.network_seconds:,.0f}",
            "any job ran (s)": f"{row.wall_seconds:,.0f}",
            "cores": row.cores,
            "outside networks (% of the jobs)": f"{100 * row.outside_of_jobs:.1f}",
            "outside networks (% of the cores)": f"{100 * row.outside_of_cores:.1f}",
        }
        for row in runs.itertuples()
    )


def policy_table(policies: pd.DataFrame, datasets: Mapping[str, str]) -> pd.DataFrame:
    """Evaluations and accuracy (percent) of each policy on each data set."""
    return pd.DataFrame(
        {
            "data set": datasets.get(row["dataset"], row["dataset"]),
            "policy": row["policy"],
            "images": row["images"],
            "evaluations per image": f"{row['evaluations_per_image']:,.1f}",
            "top-1 (%)": f"{row['top1']:.1f} [{row['low']:.1f}, {row['high']:.1f}]",
        }
        for row in policies.to_dict("records")
    )


def comparison_table(compared: pd.DataFrame, datasets: Mapping[str, str]) -> pd.DataFrame:
    """Each policy against the first of its data set, from `policies.comparison_table`."""
    return pd.DataFrame(
        {
            "data set": datasets.get(row["dataset"], row["dataset"]),
            "policy": row["policy"],
            "× fewer evaluations": f"{row['times_fewer']:.1f}",
            "difference (points)": "{difference:+.1f} [{low:+.1f}, {high:+.1f}]".format(**row),
            "p": f"{row['p']:.2g}",
        }
        for row in compared.to_dict("records")
    )


def class_table(found: pd.DataFrame) -> pd.DataFrame:
    """Cost and accuracy by number of classes and policy, from `class_growth`."""
    return pd.DataFrame(
        {
            "classes": f"{row['classes']:,}",
            "policy": row["policy"],
            "images": row["images"],
            "evaluations per image": f"{row['evaluations_per_image']:,.1f}",
            "GFLOP per image": f"{row['flops_per_image'] / 1e9:,.3g}",
            "top-1 (%)": f"{row['top1']:.1f} [{row['low']:.1f}, {row['high']:.1f}]",
            "classes left": "" if pd.isna(row["left"]) else f"{row['left']:.3g}",
            "ceiling (%)": "" if pd.isna(row["ceiling"]) else f"{row['ceiling']:.1f}",
        }
        for row in found.to_dict("records")
    )


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _named(row: Record) -> dict[str, str]:
    return {"model": row["model"], "dtype": row["dtype"], "": ENGINES[row["engine"]]}


def _spread(row: Record, name: str, text: Callable[[float], str]) -> str:
    low, high = text(row[f"{name}_low"]), text(row[f"{name}_high"])
    return f"{text(row[name])} [{low}, {high}]"
