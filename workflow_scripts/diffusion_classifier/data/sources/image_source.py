"""The interface of image sources, and the table in which a data set is stored."""

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

from ..image_files.images import ImageError, load_image
from ..image_files.left_out import LeftOut

if TYPE_CHECKING:
    import pandas as pd

PIECE = 2**26
"""Bytes of images in one piece of a data set's table."""

_LONG = 1000  # progress is shown for this many images or more


class NoImageError(InputError):
    """None of the chosen images can be read."""


class ImageSource(Protocol):
    """Labelled images, addressed by their position in the whole source."""

    class_names: list[str]

    def __len__(self) -> int: ...

    def image(self, index: int) -> Image.Image: ...

    def label(self, index: int) -> int: ...

    def source(self, index: int) -> str:
        """The origin of the image and its changes: enough to make it again."""
        ...

    # A source of image files also has `encoded(index) -> bytes | None`: the image's file, which
    # `load_image` turns into `image(index)`; None if there is no such file.


class ArrayImages:
    """An ImageSource of one uint8 array, `(image, height, width)` or with a last axis for RGB.

    `labels` are int64 `(image,)` and `origins` the results of `source`.
    """

    def __init__(
        self, pixels: np.ndarray, labels: np.ndarray, origins: list[str], class_names: list[str]
    ) -> None:
        self.pixels, self.labels, self.origins = pixels, labels, origins
        self.class_names = class_names

    def __len__(self) -> int:
        return len(self.pixels)

    def image(self, index: int) -> Image.Image:
        return Image.fromarray(self.pixels[index])

    def label(self, index: int) -> int:
        return int(self.labels[index])

    def source(self, index: int) -> str:
        return self.origins[index]


def labels(source: ImageSource) -> np.ndarray:
    """All labels of `source`, `(image,)` int64."""
    return np.array([source.label(index) for index in range(len(source))], dtype=np.int64)


def tables(
    source: ImageSource, indices: Iterable[int], left_out: LeftOut | None = None
) -> Iterator[pd.DataFrame]:
    """The data set of the images at `indices`, in pieces, so that few images are in memory.

    Columns: `image` int64 (0..n-1), `label` int64, `classname`, `source`, `bytes` (see `stored`),
    and the columns of a source's `more(index)`, such as the captions of training scenes. Every
    image is decoded once as a test. An image that cannot be decoded is reported on stderr and
    recorded in `left_out`; if that is None, its ImageError is raised. Raises NoImageError if no
    image is left.
    """
    indices = [int(index) for index in indices]
    names = [checked_name(name, f"class {i}") for i, name in enumerate(source.class_names)]
    progress = Progress(len(indices), "images")
    rows: list[dict[str, Any]] = []
    reported: set[str] = set()  # an image with several copies is reported once
    size = kept = 0
    for done, index in enumerate(indices, 1):
        try:
            rows.append(_row(source, index, names))
            size += len(rows[-1]["bytes"])
        except ImageError as error:
            if left_out is None:
                raise
            name = original(source, index)
            if name not in reported:
                print(error, file=sys.stderr)
                left_out.add(name, error.reason)
                reported.add(name)
        if size >= PIECE:
            yield _frame(rows, kept)
            size, kept, rows = 0, kept + len(rows), []
        if len(indices) >= _LONG:
            progress.update(done)
    if rows:
        yield _frame(rows, kept)
    elif not kept:
        raise NoImageError(
            f"found no readable image among the {len(indices)} chosen, expected at least one; see "
            "the lines above"
        )


def original(source: ImageSource, index: int) -> str:
    """The `source` of image `index`; for a shifted copy, the `source` of its original."""
    unshifted = getattr(source, "original", source)
    return unshifted.source(index % len(unshifted))


def table(source: ImageSource, indices: Iterable[int]) -> pd.DataFrame:
    """The data set of the images at `indices` as one table; raises for any unreadable image."""
    import pandas as pd

    return pd.concat(tables(source, indices), ignore_index=True)


def stored(source: ImageSource, index: int) -> bytes:
    """The bytes stored for an image: its file if there is one, otherwise a PNG.

    The file comes from the source's `encoded(index)`, if it has this method and the result is not
    None: a JPEG is much smaller than its pixels as PNG. Raises InputError as `source.image` does.
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
    """`rows` as a table; images are numbered from `first`."""
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
    """The image in the encoded file `data`, mode L or RGB; see `load_image`."""
    return load_image(data, "an image of the data set")
