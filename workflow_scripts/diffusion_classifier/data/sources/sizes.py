"""The numbers of images and classes of a data set, without opening it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from diffusion_classifier.messages import InputError

from .image_source import ImageSource
from .registry import source


def size(spec: dict[str, Any]) -> int | None:
    """Number of images of a data set entry before its `limit` and `skip`, including copies.

    With `indices`, their number; for Winoground, the number of examples. None if a file must be
    read to know the number.
    """
    if "indices" in spec:
        return len(spec["indices"]) if isinstance(spec["indices"], list) else None
    images = source(spec["source"]).size(spec)
    return None if images is None else images * spec.get("copies", 1)


def expected_size(spec: dict[str, Any]) -> int | None:
    """Like `size`, but for data sets in the user's folders the size of the whole data set.

    It serves for estimates of costs. None if there is no estimate.
    """
    known = size(spec)
    if known is not None or "indices" in spec:
        return known
    images = source(spec["source"]).whole(spec)
    return None if images is None else images * spec.get("copies", 1)


def class_count(spec: dict[str, Any]) -> int | None:
    """Number of classes of a data set entry's source; None if it is unknown or every image is a
    class.
    """
    return source(spec["source"]).classes(spec)


def quickly_opened(spec: dict[str, Any]) -> ImageSource | None:
    """The images of an entry whose source only lists files, before `limit` and the like.

    None for another source, or if it cannot be read; the job that reads it reports that.
    """
    if "source" not in spec or not (found := source(spec["source"])).quick:
        return None
    with suppress(InputError):
        return found.opens(**found.arguments(spec))
