"""Image sources and the table a data set is stored as."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from ..messages import InputError

if TYPE_CHECKING:
    import pandas as pd


class ImageSource(Protocol):
    """Labelled images, addressed by their position in the whole source."""

    class_names: list[str]

    def __len__(self) -> int: ...

    def image(self, index: int) -> Image.Image: ...

    def label(self, index: int) -> int: ...

    def source(self, index: int) -> str:
        """Where the image came from, and what was done to it: enough to find it again."""
        ...


def labels(source: ImageSource) -> np.ndarray:
    """All labels of `source`, `(image,)` int64."""
    return np.array([source.label(index) for index in range(len(source))], dtype=np.int64)


def stratified(labels: np.ndarray, limit: int | None, seed: int = 0) -> np.ndarray:
    """Sorted positions, int64, of `limit` images whose class shares are those of `labels`.

    Class counts are rounded by largest remainder; the images of a class are drawn without
    replacement from `seed`. `limit` None takes all. Raises InputError when `limit` is larger
    than the number of labels or below 1.
    """
    if limit is None:
        return np.arange(len(labels))
    if not 1 <= limit <= len(labels):
        raise InputError(
            f"`limit`: found {limit}, expected 1 to {len(labels)}, the number of images; "
            "lower `limit` or leave it out to take all"
        )
    classes, counts = np.unique(labels, return_counts=True)
    quota = quotas(counts, counts, limit)
    return draw(labels, dict(zip(classes.tolist(), quota.tolist(), strict=True)), seed)


def quotas(weights: np.ndarray, capacity: np.ndarray, limit: int) -> np.ndarray:
    """Split `limit` over classes in proportion to `weights`, at most `capacity` each.

    What a full class cannot take goes to the others in proportion; fractions are settled by
    largest remainder, ties to the earlier class. Expects limit <= capacity.sum(). int64 `(class,)`.
    """
    taken = np.zeros(len(weights), dtype=np.int64)
    is_open = capacity > 0
    while is_open.any():
        weight = np.where(is_open, weights, 0)
        share = (limit - taken[~is_open].sum()) * weight / weight.sum()
        full = is_open & (share >= capacity)
        if not full.any():
            taken[is_open] = np.floor(share[is_open]).astype(np.int64)
            remainder = np.where(is_open, share - taken, -1)
            taken[np.argsort(-remainder, kind="stable")[: limit - taken.sum()]] += 1
            break
        taken[full] = capacity[full]
        is_open &= ~full
    return taken


def draw(labels: np.ndarray, counts: dict[int, int], seed: int) -> np.ndarray:
    """Sorted positions of `counts[label]` random images of each label, int64.

    The order within a class depends on `seed` and the label alone, so that a smaller count
    takes a part of what a larger one takes.
    """
    chosen = []
    for label, count in counts.items():
        members = np.flatnonzero(labels == label)
        chosen.append(np.random.default_rng([seed, label]).permutation(members)[:count])
    return np.sort(np.concatenate(chosen))


def table(source: ImageSource, indices: Iterable[int]) -> pd.DataFrame:
    """The data set of the images at `indices`, as it is written to Parquet.

    Columns: `image` int64 (0..n-1), `label` int64, `classname`, `source`, `bytes` (PNG), and
    what a source's own `more(index)` adds, as the captions of training scenes.
    """
    import pandas as pd

    more = getattr(source, "more", lambda index: {})
    rows = [
        {
            "label": source.label(index),
            "classname": source.class_names[source.label(index)],
            "source": source.source(index),
            "bytes": encode(source.image(index)),
            **more(index),
        }
        for index in map(int, indices)
    ]
    frame = pd.DataFrame(rows)
    frame = frame.astype({"label": "int64"})
    frame.insert(0, "image", np.arange(len(frame), dtype=np.int64))
    return frame


def encode(image: Image.Image) -> bytes:
    """`image` as PNG, without loss."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def decode(data: bytes) -> Image.Image:
    """The image in `data`, in any format PIL reads, fully loaded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
