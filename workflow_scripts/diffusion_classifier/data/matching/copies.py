"""Images that are stored more than once: rows of a hub's data set repeat the image of an item.

They have to be one image, as a benchmark's files are. Otherwise a model is evaluated on each copy,
and items that share an image are not known to do so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b

from .items import Item, Picture
from .stored import pictures_of


def merged_copies(items: Sequence[Item], read: Callable[[Picture], bytes | None]) -> list[Item]:
    """The `items`, in which images of equal bytes are the first of them.

    `read` gives the bytes of an image, or None where there are none. An item that shows the same
    image twice keeps both.
    """
    first: dict[tuple, Picture] = {}
    own: dict[Picture, Picture] = {}
    for picture in pictures_of(items):
        data = read(picture)
        key = None if data is None else (blake2b(data).digest(), picture.box, picture.bgr)
        own[picture] = picture if key is None else first.setdefault(key, picture)
    merged = []
    for item in items:
        pictures = tuple(own[picture] for picture in item.pictures)
        is_whole = len(set(pictures)) == len(set(item.pictures))
        merged.append(replace(item, pictures=pictures) if is_whole else item)
    return merged
