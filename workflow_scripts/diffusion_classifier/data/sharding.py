"""Split the images of a data set over jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def shard(images: pd.DataFrame, index: int, count: int) -> pd.DataFrame:
    """The contiguous rows of shard `index` of `count`; sizes differ by at most one."""
    n = len(images)
    return images.iloc[n * index // count : n * (index + 1) // count]
