"""The share of a run that is spent outside of networks: starting Python, reading, drawing.

It is computed from files of the run: Snakemake's benchmark file of each job gives its duration and,
by its modification time, its end; the job's log gives its time in networks (`network_time`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from diffusion_classifier.network_time import logged_seconds

RUN_COLUMNS = [
    "run", "jobs", "job_seconds", "network_seconds", "wall_seconds", "cores",
    "outside_of_jobs", "outside_of_cores",
]  # fmt: skip


def job_records(jobs: Path, logs: Path) -> pd.DataFrame:
    """One row per job: `job, rule, seconds, network, end`.

    `jobs` and `logs` are folders with the same names of jobs; `job` is that name, `rule` its first
    part and `end` the time at which the job ended, in seconds since 1970.
    """
    rows = []
    for path in sorted(jobs.rglob("*.tsv")):
        job = path.relative_to(jobs).with_suffix("").as_posix()
        log = logs / f"{job}.log"
        rows.append(
            {
                "job": job,
                "rule": job.partition("/")[0],
                "seconds": float(pd.read_csv(path, sep="\t")["s"].iloc[-1]),
                "network": logged_seconds(log.read_text()) if log.is_file() else 0.0,
                "end": path.stat().st_mtime,
            }
        )
    return pd.DataFrame(rows, columns=["job", "rule", "seconds", "network", "end"])


def without(records: pd.DataFrame, names: Iterable[str], rules: Iterable[str]) -> pd.DataFrame:
    """The records without jobs that have one of `names` in their name or belong to `rules`."""
    names = set(names)
    parts = records["job"].str.split("/").map(lambda parts: bool(names & set(parts)))
    return records[~parts & ~records["rule"].isin(set(rules))]


def run_shares(run: str, records: pd.DataFrame, cores: int) -> dict[str, float | str]:
    """Totals of a run (RUN_COLUMNS); shares are fractions.

    `outside_of_jobs` is the share of all jobs' time that was not in a network; `outside_of_cores`
    is that share of all cores' time, including cores that waited for a job (a job takes one core).
    `wall_seconds` counts the time in which any job ran, so pauses of a run do not count.
    """
    seconds, network = records["seconds"].sum(), records["network"].sum()
    wall = busy_seconds(records["end"] - records["seconds"], records["end"])
    shares = (1 - network / seconds, 1 - network / (cores * wall))
    values = (run, len(records), seconds, network, wall, cores, *shares)
    return dict(zip(RUN_COLUMNS, values, strict=True))


def rule_shares(run: str, records: pd.DataFrame) -> pd.DataFrame:
    """Per rule, longest first: `run, rule, jobs, seconds, network`."""
    grouped = records.groupby("rule").agg(
        jobs=("job", "size"), seconds=("seconds", "sum"), network=("network", "sum")
    )
    found = grouped.sort_values("seconds", ascending=False).reset_index()
    found.insert(0, "run", run)
    return found


def busy_seconds(starts: Sequence[float], ends: Sequence[float]) -> float:
    """The length of the union of the intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(zip(starts, ends, strict=True)):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
