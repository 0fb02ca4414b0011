"""Report the progress of a run from its results folder, without Snakemake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from diffusion_classifier.config.image_counts import image_count
from diffusion_classifier.config.methods import groups_of, questions, stages_of
from diffusion_classifier.config.work import stage_work
from diffusion_classifier.engine.loss_names import MEASURED
from diffusion_classifier.messages import FAILED
from diffusion_classifier.network_time import is_log_line
from diffusion_classifier.progress import duration

from .costs import number, table_lines, time_of

SILENT = 600.0
"""Seconds without a new line after which a job may be dead; long jobs print one each minute."""


@dataclass(frozen=True)
class Progress:
    """Progress of the errors of one evaluation of one data set.

    `jobs` counts the jobs that measure errors, `left` the evaluations that remain (None: unknown);
    `rate` is evaluations/s of one device, measured or otherwise stated in the config.
    """

    table: str
    evaluation: str
    dataset: str
    jobs: int
    jobs_done: int
    shards: int
    shards_done: int
    images: int | None
    evaluations: int
    left: float | None
    seconds: float
    stated: float | None

    @property
    def rate(self) -> float | None:
        return self.evaluations / self.seconds if self.seconds else self.stated

    @property
    def hours(self) -> float | None:
        """Device hours left."""
        if self.left == 0:
            return 0.0
        return None if self.left is None or self.rate is None else self.left / self.rate / 3600


def progress(config: dict[str, Any]) -> list[Progress]:
    """A row for every table, evaluation and data set, in the config's order."""
    return [
        evaluation_progress(config, table, evaluation, dataset)
        for table in config["tables"]
        for evaluation, dataset in questions(config, table)
    ]


def evaluation_progress(
    config: dict[str, Any], table: str, evaluation: str, dataset: str
) -> Progress:
    """The row of one evaluation of one data set; see `progress`."""
    spec, shards = config["evaluations"][evaluation], config["datasets"][dataset].get("shards", 1)
    parts = spec.get("class_parts", 1)
    folder = Path(config["results"]) / "errors" / evaluation / dataset
    last = len(stages_of(config, evaluation, dataset)["samples"])
    first = 0 if groups_of(config, evaluation, dataset) else 1
    files, jobs, evaluations, seconds, left = set(), 0, 0, 0.0, 0.0
    for stage in range(first, last + 1):
        names = [f"{shard}-{part}.nc" for shard, part in product(range(shards), range(parts))]
        present = {path.name for path in (folder / f"stage{stage}").glob("*.nc")}
        files = present.intersection(names)
        done = [_cost(folder / f"stage{stage}" / name) for name in sorted(files)]
        jobs, evaluations = jobs + len(done), evaluations + sum(count for count, _ in done)
        seconds += sum(spent for _, spent in done)
        if missing := len(names) - len(done):
            each = _expected(config, evaluation, dataset, stage, [count for count, _ in done])
            left = None if None in (left, each) else left + missing * each
    whole = [s for s in range(shards) if all(f"{s}-{part}.nc" in files for part in range(parts))]
    return Progress(
        table,
        evaluation,
        dataset,
        jobs=shards * parts * (last + 1 - first),
        jobs_done=jobs,
        shards=shards,
        shards_done=len(whole),
        images=image_count(config, dataset),
        evaluations=evaluations,
        left=left,
        seconds=seconds,
        stated=spec.get("rate"),
    )


def _expected(
    config: dict[str, Any], evaluation: str, dataset: str, stage: int, done: list[int]
) -> float | None:
    """Expected evaluations of a job: the mean of the stage's finished jobs, or the maximum."""
    if done:
        return sum(done) / len(done)
    work = stage_work(config, evaluation, dataset, stage)
    return work and work.evaluations


def _cost(path: Path) -> tuple[int, float]:
    """Evaluations and seconds of compute of a file of errors."""
    import h5py

    with h5py.File(path) as file:
        if "evaluations" in file.attrs:
            count = file.attrs["evaluations"]
        else:  # an older file without this attribute
            count = np.isfinite(next(file[loss][:] for loss in MEASURED if loss in file)).sum()
        return np.asarray(count).item(), np.asarray(file.attrs["seconds"]).item()


def troubles(results: str, now: float) -> Iterator[tuple[Path, str]]:
    """Jobs that have failed or may have been killed by the time `now`: log and message.

    The log is that of a job's last attempt.
    """
    for path in sorted((Path(results) / "logs").rglob("*.log")):
        last, silent = _last_line(path), now - path.stat().st_mtime
        if last.startswith(FAILED):
            yield path, last
        elif not is_log_line(last) and silent > SILENT:
            yield path, f"running or killed, silent for {duration(silent)}: {last}"


def _last_line(path: Path) -> str:
    """The last line of a log that is not empty; only the log's end is read, as it may be long."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


_HEADER = ("", "data set", "shards", "images", "jobs", "evaluations", "left", "rate", "time left")


def render(rows: list[Progress], found: list[tuple[Path, str]]) -> str:
    """Progress and troubles as text."""
    lines = []
    for table in dict.fromkeys(row.table for row in rows):
        table_rows = [row for row in rows if row.table == table]
        cells = [_HEADER, *map(_cells, table_rows)]
        lines += [table, *table_lines(cells), f"  {_sum(table_rows)}", ""]
    once = {(row.evaluation, row.dataset): row for row in reversed(rows)}.values()
    lines += [f"all tables: {_sum(list(once))}", _NOTE]
    lines += [f"{path}: {text}" for path, text in found] or ["No job has failed."]
    return "\n".join(lines)


_NOTE = (
    "Only jobs that measure errors count. The rate is evaluations/s of one device, measured or "
    "stated in the config. `left` is an upper limit, or an estimate from finished jobs of a stage."
)


def _cells(row: Progress) -> tuple[str, ...]:
    images = row.images and row.images * row.shards_done // row.shards
    return (
        row.evaluation,
        row.dataset,
        f"{row.shards_done}/{row.shards}",
        f"{number(images)}/{number(row.images)}",
        f"{row.jobs_done:,}/{row.jobs:,}",
        f"{row.evaluations:,}",
        number(row.left),
        number(row.rate),
        "" if row.hours == 0 else time_of(row.hours),
    )


def _sum(rows: list[Progress]) -> str:
    left, hours = [row.left for row in rows], [row.hours for row in rows]
    done, jobs = sum(row.jobs_done for row in rows), sum(row.jobs for row in rows)
    text = f"{done:,} of {jobs:,} jobs, {sum(row.evaluations for row in rows):,} evaluations done, "
    text += "at least " * (None in left) + f"{number(sum(filter(None, left)))} left"
    known = [each for each in hours if each is not None]
    if hours and not any(hours) and len(known) == len(hours):
        return text
    least = "at least " * (0 < len(known) < len(hours))
    return f"{text}, {least}{time_of(sum(known) if known else None)} of a device"
