"""Read a stored data set, or a shard of it, without loading all its images into memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from diffusion_classifier.files import read_parquet

if TYPE_CHECKING:
    import pandas as pd

ENCODED = "bytes"
BATCH = 64  # encoded images that are read at once


def read_labels(path: str | os.PathLike) -> pd.DataFrame:
    """All columns but the encoded images."""
    import pyarrow.parquet as pq

    names = pq.read_schema(path).names
    return read_parquet(path, [name for name in names if name != ENCODED])


def encoded_images(path: str | os.PathLike) -> Iterator[bytes]:
    """Iterate over the encoded images in the order of the data set."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(BATCH, columns=[ENCODED]):
            yield from batch.column(0).to_pylist()


def encoded_images_of(path: str | os.PathLike, images: Iterable[int]) -> dict[int, bytes]:
    """The encoded images with the given numbers (column `image`), as number -> bytes."""
    import pandas as pd

    chosen = [("image", "in", [int(image) for image in images])]
    found = pd.read_parquet(path, columns=["image", ENCODED], filters=chosen)
    return dict(zip(found["image"].tolist(), found[ENCODED], strict=True))


def shard(images: pd.DataFrame, index: int, count: int) -> pd.DataFrame:
    """The contiguous rows of shard `index` of `count`; sizes differ by at most one."""
    n = len(images)
    return images.iloc[n * index // count : n * (index + 1) // count]


def with_images(frame: pd.DataFrame, path: str | os.PathLike) -> pd.DataFrame:
    """`frame` with a column `bytes`: the encoded images whose numbers are in its column `image`."""
    return frame.assign(bytes=frame["image"].map(encoded_images_of(path, frame["image"])))
