"""What the records say: rates, shares of the peak, exponents. Read by the notebook: no torch."""

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
    """Evaluations/s and what follows from them, with their spread over the repeats.

    A record is as from `throughput.measured`. COLUMNS are medians over the repeats: `ratio` of the
    engine's rate to the loop's of the same repeat; `share_of_peak` counts a plain evaluation's
    FLOPs for both, so that what the engine need not compute shows as a higher share. Each has a
    `_low` and a `_high`, the least and the most of the repeats.
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

    Of each engine's medians over the repeats, by least squares; `found` as `growth.growth`.
    """
    median = found.groupby(["varied", "engine", "count"], sort=False)["seconds"].median()
    rows = [
        (varied, engine, np.polyfit(np.log(own.index.get_level_values("count")), np.log(own), 1)[0])
        for (varied, engine), own in median.groupby(level=[0, 1], sort=False)
    ]
    return pd.DataFrame(rows, columns=["varied", "engine", "exponent"])


# --- as a reader is shown it


def machine_lines(records: Sequence[Record]) -> list[str]:
    """What was measured on, each machine once, and the threads of each model."""
    machines = dict.fromkeys(sentence(record["machine"]) for record in records)
    threads: dict[int, dict[str, None]] = {}
    for record in records:
        threads.setdefault(record["machine"]["threads"], {})[record["model"]] = None
    of_models = [f"{n} thread{'s' * (n != 1)}: {', '.join(of)}." for n, of in threads.items()]
    return [*machines, *of_models]


def rate_table(found: pd.DataFrame) -> pd.DataFrame:
    """Rates and ratios with their spreads; `found` as from `rates`."""
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
    """GFLOPs of an evaluation, the peak in GFLOP/s, and the share of it that is reached."""
    of = {(record["model"], record["dtype"]): record for record in records}
    rows = []
    for row in found.to_dict("records"):
        record = of[row["model"], row["dtype"]]
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
    """How far the two ways' errors are apart, and how far those of different prompts are."""
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
    """Seconds and shares of each run; `runs` as `shares.run_shares`."""
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
    """Each policy beside the first of its data set; `compared` as `policies.comparison_table`."""
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


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _named(row: Record) -> dict[str, str]:
    return {"model": row["model"], "dtype": row["dtype"], "": ENGINES[row["engine"]]}


def _spread(row: Record, name: str, text: Callable[[float], str]) -> str:
    low, high = text(row[f"{name}_low"]), text(row[f"{name}_high"])
    return f"{text(row[name])} [{low}, {high}]"
