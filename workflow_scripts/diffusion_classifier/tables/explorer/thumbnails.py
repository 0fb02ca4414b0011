"""Pack the images of a data set as thumbnails on sheets, which a browser decodes one at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import Image

ACROSS = 8
"""Thumbnails in a row and in a column of a sheet."""
EDGES = (256, 192, 128, 96, 64, 48)
"""Sizes of thumbnails in pixels, from which the largest is chosen that fits."""
BYTES_PER_PIXEL = 0.3
"""What a photograph takes, about."""
SMALLEST = EDGES[-1] ** 2 * BYTES_PER_PIXEL
"""Bytes of the smallest thumbnail of a photograph, about."""
QUALITY = 75
SMALL = 64
"""Images up to this size are stored without loss: each of their pixels is seen."""


@dataclass(frozen=True)
class Thumbnails:
    """Sheets of ACROSS × ACROSS thumbnails in order, as WebP.

    Thumbnail k lies on sheet k // ACROSS² in a square of the sheet's edge `edges[sheet]`, at its
    upper left corner; `sizes` is `(image, 2)` uint16, its width and height.
    """

    sizes: np.ndarray
    edges: list[int]
    sheets: list[bytes]

    @property
    def size(self) -> int:
        """The bytes of all sheets."""
        return sum(map(len, self.sheets))


def packed(images: Callable[[], Iterable[Image.Image]], count: int, most: int) -> Thumbnails:
    """The thumbnails of `count` images in at most `most` bytes, as large as that allows.

    `images` iterates over them anew each time that it is called. The smallest thumbnails may take
    more than `most`.
    """
    fitting = [edge for edge in EDGES if count * edge**2 * BYTES_PER_PIXEL <= most]
    for edge in (*fitting, *EDGES[len(EDGES) - 1 :]):
        found = _packed(images(), edge)
        if found.size <= most:
            break
    return found


def _packed(images: Iterable[Image.Image], edge: int) -> Thumbnails:
    sizes: list[tuple[int, int]] = []
    edges, sheets = [], []
    tiles = _tiles(images, edge)
    while group := list(islice(tiles, ACROSS**2)):
        sizes += [tile.size for tile, _ in group]
        edges.append(max(max(tile.size) for tile, _ in group))
        sheets.append(_sheet(group, edges[-1]))
    return Thumbnails(np.array(sizes, "uint16").reshape(-1, 2), edges, sheets)


def _tiles(images: Iterable[Image.Image], edge: int) -> Iterator[tuple[Image.Image, bool]]:
    """Each thumbnail, and whether all pixels of the image are in it."""
    for image in images:
        tile = image.convert("RGB")
        tile.thumbnail((edge, edge))  # never enlarges, and keeps the shape
        yield tile, tile.size == image.size


def _sheet(tiles: Sequence[tuple[Image.Image, bool]], edge: int) -> bytes:
    rows = -(-len(tiles) // ACROSS)
    sheet = Image.new("RGB", (edge * min(ACROSS, len(tiles)), edge * rows))
    for number, (tile, _) in enumerate(tiles):
        sheet.paste(tile, (number % ACROSS * edge, number // ACROSS * edge))
    written, whole = io.BytesIO(), all(whole for _, whole in tiles)
    sheet.save(written, "WEBP", lossless=whole and edge <= SMALL, quality=QUALITY, method=2)
    return written.getvalue()
