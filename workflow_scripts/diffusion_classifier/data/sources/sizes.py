"""What is known of a data set without opening it: how many images and classes it has."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from diffusion_classifier.messages import InputError

from .image_source import ImageSource
from .registry import source


def size(spec: dict[str, Any]) -> int | None:
    """Number of images of a data set entry before its `limit` and `skip`, copies counted.

    With `indices`, how many these are. Of Winoground, the number of examples. None for what is
    known only once a file is read.
    """
    if "indices" in spec:
        return len(spec["indices"]) if isinstance(spec["indices"], list) else None
    images = source(spec["source"]).size(spec)
    return None if images is None else images * spec.get("copies", 1)


def expected_size(spec: dict[str, Any]) -> int | None:
    """As `size`, and for what lies in folders of the user's own the number of the whole data set.

    Good for an estimate of costs. None where nothing can be expected.
    """
    known = size(spec)
    if known is not None or "indices" in spec:
        return known
    images = source(spec["source"]).whole(spec)
    return None if images is None else images * spec.get("copies", 1)


def class_count(spec: dict[str, Any]) -> int | None:
    """Number of classes of a data set entry's source; None where it is not known or each image
    has its own.
    """
    return source(spec["source"]).classes(spec)


def quickly_opened(spec: dict[str, Any]) -> ImageSource | None:
    """The images of an entry whose source only lists files, before its `limit` and the like.

    None for another source, or if it cannot be read, which the job that reads it says.
    """
    if "source" not in spec or not (found := source(spec["source"])).quick:
        return None
    with suppress(InputError):
        return found.opens(**found.own(spec))
