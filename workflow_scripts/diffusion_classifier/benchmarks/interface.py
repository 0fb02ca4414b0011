"""Seconds per image of the Python interface and of the workflow's jobs, on few images and many."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

COLUMNS = ["repeat", "way", "images", "evaluations", "passes", "seconds"]


class Work(NamedTuple):
    """What one turn did; `evaluations` of the network in so many `passes`."""

    images: int
    evaluations: int
    passes: int


def turns(ways: Mapping[str, Callable[[], Work]], repeats: int) -> pd.DataFrame:
    """Time each of `ways` in turns: a row per turn (COLUMNS).

    A first turn of each, which loads what is loaded once, is not timed.

    >>> ways = {"a": lambda: Work(2, 8, 1), "b": lambda: Work(3, 9, 2)}
    >>> turns(ways, 2)["images"].tolist()
    [2, 3, 2, 3]
    """
    for run in ways.values():
        run()
    rows = []
    for repeat in range(repeats):
        for way, run in ways.items():
            start = time.perf_counter()
            done = run()
            rows.append((repeat, way, *done, time.perf_counter() - start))
    return pd.DataFrame(rows, columns=COLUMNS)


def ratio(
    found: pd.DataFrame, way: str, to: str, per: str = "images"
) -> tuple[float, float, float]:
    """Seconds per image of `way` divided by those of `to`: median over turns, least and most.

    `per` may also be `evaluations`.

    >>> rows = [(0, "a", 1, 4, 1, 1.0), (0, "b", 2, 4, 1, 4.0)]
    >>> rows += [(1, "a", 1, 4, 1, 1.0), (1, "b", 2, 4, 1, 2.0)]
    >>> ratio(pd.DataFrame(rows, columns=COLUMNS), "b", "a")
    (1.5, 1.0, 2.0)
    """
    each = found.assign(each=found["seconds"] / found[per])
    wide = each.pivot(index="repeat", columns="way", values="each")
    ratios = wide[way] / wide[to]
    return float(np.median(ratios)), float(ratios.min()), float(ratios.max())


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Each way's median milliseconds per image and per evaluation, and what it did."""
    medians = found.groupby("way", sort=False).median(numeric_only=True)
    return pd.DataFrame(
        {
            "images": medians["images"].map("{:.0f}".format),
            "ms per image": (1000 * medians["seconds"] / medians["images"]).map("{:.1f}".format),
            "evaluations per image": (medians["evaluations"] / medians["images"]).map(
                "{:.1f}".format
            ),
            "evaluations per pass": (medians["evaluations"] / medians["passes"]).map(
                "{:.1f}".format
            ),
            "ms per evaluation": (1000 * medians["seconds"] / medians["evaluations"]).map(
                "{:.2f}".format
            ),
        }
    )


def sentences(found: pd.DataFrame) -> list[str]:
    """The ratios for readers; the ways are those of `workflow_scripts/benchmark_interface.py`."""
    few, many = (
        int(found.loc[found["way"] == way, "images"].iloc[0]) for way in ("interface", "many jobs")
    )
    return [
        f"On the same {few} images, the interface takes {_told(found, 'interface', 'jobs')} as "
        "long per image as the workflow's jobs.",
        f"On {many} images in one call, it takes {_told(found, 'many interface', 'many jobs')} as "
        "long per image as the jobs.",
        f"On {few} images it takes {_told(found, 'interface', 'many jobs')} as long per image as "
        f"the jobs on {many}, and {_told(found, 'interface', 'many jobs', 'evaluations')} as long "
        "per evaluation: passes of few evaluations are not as fast.",
        f"Before calibration, with its default race, it takes "
        f"{_told(found, 'default', 'many jobs')} as long per image as the jobs on {many}, and "
        f"{_told(found, 'default', 'many jobs', 'evaluations')} as long per evaluation.",
    ]


def _told(found: pd.DataFrame, way: str, to: str, per: str = "images") -> str:
    middle, least, most = ratio(found, way, to, per)
    return f"{middle:.2f} [{least:.2f}, {most:.2f}] times"
