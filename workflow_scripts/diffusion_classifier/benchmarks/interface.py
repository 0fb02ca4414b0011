"""Seconds per image of the Python interface on few images, and of the workflow's job on many."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

COLUMNS = ["repeat", "way", "images", "seconds"]


def turns(ways: Mapping[str, Callable[[], int]], repeats: int) -> pd.DataFrame:
    """Time each of `ways`, which return the number of images, in turns: a row per turn (COLUMNS).

    A first turn of each, which loads what is loaded once, is not timed.

    >>> turns({"a": lambda: 2, "b": lambda: 3}, 2)["images"].tolist()
    [2, 3, 2, 3]
    """
    for run in ways.values():
        run()
    rows = []
    for repeat in range(repeats):
        for way, run in ways.items():
            start = time.perf_counter()
            images = run()
            rows.append((repeat, way, images, time.perf_counter() - start))
    return pd.DataFrame(rows, columns=COLUMNS)


def ratio(found: pd.DataFrame, way: str, to: str) -> tuple[float, float, float]:
    """Seconds per image of `way` divided by those of `to`: median over turns, least and most.

    >>> rows = [(0, "a", 1, 1.0), (0, "b", 2, 4.0), (1, "a", 1, 1.0), (1, "b", 2, 2.0)]
    >>> ratio(pd.DataFrame(rows, columns=COLUMNS), "b", "a")
    (1.5, 1.0, 2.0)
    """
    each = found.assign(each=found["seconds"] / found["images"])
    wide = each.pivot(index="repeat", columns="way", values="each")
    ratios = wide[way] / wide[to]
    return float(np.median(ratios)), float(ratios.min()), float(ratios.max())


def sentence(found: pd.DataFrame) -> str:
    """The result for readers; the ways are `interface` and `job`."""
    middle, least, most = ratio(found, "interface", "job")
    each = found.assign(each=1000 * found["seconds"] / found["images"]).groupby("way")
    interface, job = (each.get_group(way) for way in ("interface", "job"))
    return (
        f"The Python interface takes {interface['each'].median():.1f} ms per image for "
        f"{interface['images'].iloc[0]} images, with reading and encoding them; a job of the "
        f"workflow takes {job['each'].median():.1f} ms for {job['images'].iloc[0]} images that are "
        f"encoded. The ratio is {middle:.2f} [{least:.2f}, {most:.2f}], from the least to the most "
        f"of {found['repeat'].nunique()} turns."
    )
