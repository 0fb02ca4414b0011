"""Image sources and the table a data set is stored as."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import checked_name
from diffusion_classifier.progress import Progress

from ..images import ImageError, load_image
from ..left_out import LeftOut

if TYPE_CHECKING:
    import pandas as pd

PIECE = 2**26
"""Bytes of images after which the table of a data set is cut into the next piece."""

_LONG = 1000  # images from which on progress is shown


class NoImageError(InputError):
    """Not one of the chosen images can be read."""


class ImageSource(Protocol):
    """Labelled images, addressed by their position in the whole source."""

    class_names: list[str]

    def __len__(self) -> int: ...

    def image(self, index: int) -> Image.Image: ...

    def label(self, index: int) -> int: ...

    def source(self, index: int) -> str:
        """Where the image came from, and what was done to it: enough to find it again."""
        ...

    # A source of image files also has `encoded(index) -> bytes | None`, the image's own file, of
    # which `load_image` makes `image(index)`; None if there is no such file.


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


def tables(
    source: ImageSource, indices: Iterable[int], left_out: LeftOut | None = None
) -> Iterator[pd.DataFrame]:
    """The data set of the images at `indices`, in pieces, so that few are in memory at a time.

    Columns: `image` int64 (0..n-1), `label` int64, `classname`, `source`, `bytes` (see `stored`),
    and what a source's own `more(index)` adds, as the captions of training scenes. Every image is
    decoded once, to see that it can be. One that cannot is said on stderr and noted in `left_out`;
    without this its ImageError is raised. Raises NoImageError if none is left.
    """
    indices = [int(index) for index in indices]
    names = [checked_name(name, f"class {i}") for i, name in enumerate(source.class_names)]
    progress = Progress(len(indices), "images")
    rows: list[dict[str, Any]] = []
    gone: set[str] = set()  # of an image that has several copies, it is said once
    size = kept = 0
    for done, index in enumerate(indices, 1):
        try:
            rows.append(_row(source, index, names))
            size += len(rows[-1]["bytes"])
        except ImageError as error:
            if left_out is None:
                raise
            name = original(source, index)
            if name not in gone:
                print(error, file=sys.stderr)
                left_out.add(name, error.reason)
                gone.add(name)
        if size >= PIECE:
            yield _frame(rows, kept)
            size, kept, rows = 0, kept + len(rows), []
        if len(indices) >= _LONG:
            progress.update(done)
    if rows:
        yield _frame(rows, kept)
    elif not kept:
        raise NoImageError(
            f"found no image that can be read among the {len(indices)} chosen, expected at least "
            "one; see the lines above"
        )


def original(source: ImageSource, index: int) -> str:
    """The `source` of the image that image `index` is a shifted copy of, or its own."""
    unshifted = getattr(source, "original", source)
    return unshifted.source(index % len(unshifted))


def table(source: ImageSource, indices: Iterable[int]) -> pd.DataFrame:
    """The data set of the images at `indices`, as one table; see `tables`, which is strict here."""
    import pandas as pd

    return pd.concat(tables(source, indices), ignore_index=True)


def stored(source: ImageSource, index: int) -> bytes:
    """What is stored of an image that can be decoded: the file it came in, or else a PNG.

    The file is that of the source's own `encoded(index)`, if it has this and it is not None: a
    JPEG is much smaller than the same pixels as PNG. Raises InputError as `source.image` does.
    """
    image = source.image(index)
    encoded = getattr(source, "encoded", lambda index: None)(index)
    return encode(image) if encoded is None else encoded


def _row(source: ImageSource, index: int, names: Sequence[str]) -> dict[str, Any]:
    label = source.label(index)
    return {
        "label": label,
        "classname": names[label],
        "source": source.source(index),
        "bytes": stored(source, index),
        **getattr(source, "more", lambda index: {})(index),
    }


def _frame(rows: list[dict[str, Any]], first: int) -> pd.DataFrame:
    """`rows` as a table, their images counted from `first`."""
    import pandas as pd

    frame = pd.DataFrame(rows).astype({"label": "int64"})
    frame.insert(0, "image", np.arange(first, first + len(frame), dtype=np.int64))
    return frame


def encode(image: Image.Image) -> bytes:
    """`image` as PNG, without loss."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def decode(data: bytes) -> Image.Image:
    """The image in the encoded file `data`, mode L or RGB, as `load_image` makes and refuses it."""
    return load_image(data, "an image of the data set")
