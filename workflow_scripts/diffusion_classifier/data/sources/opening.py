"""Open the data sets of a config, with limits and shifts, as tables that fit in memory."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import printable

from ..choosing.indices import read_indices
from ..choosing.shares import stratified
from ..choosing.shifts import Shifted
from ..image_files.left_out import LeftOut
from .image_source import ImageSource, NoImageError, labels, tables
from .registry import source as source_called
from .winoground import winoground_table

if TYPE_CHECKING:
    import pandas as pd

_COMMON = {"source", "limit", "skip", "indices", "seed", "shift", "copies", "strict"}


def open_source(spec: dict[str, Any]) -> ImageSource:
    """The whole image source that one entry of the config's `datasets` names.

    `shift` and `copies` are applied, `limit`, `skip` and `indices` are not. Raises InputError for
    an unknown `source` or a key it does not have, and as the source does.
    """
    source = _opened(spec)
    if source_called(spec["source"]).matching:
        source.choose(spec.get("limit"), spec.get("seed", 0))
        return source
    if spec.get("shift") is not None:
        return Shifted(source, spec["shift"], spec.get("seed", 0), spec.get("copies", 1))
    if spec.get("copies", 1) != 1:
        raise InputError(
            f"`copies` in `datasets`: found {spec['copies']} without a `shift`, so all copies "
            "would be equal; add a `shift` or leave `copies` out"
        )
    return source


def dataset(spec: dict[str, Any]) -> pd.DataFrame:
    """The data set of one entry of the config's `datasets`, as one table; see `pieces`."""
    import pandas as pd

    return pd.concat(pieces(spec), ignore_index=True)


def pieces(spec: dict[str, Any], left_out: LeftOut | None = None) -> Iterator[pd.DataFrame]:
    """The data set of one entry of the config's `datasets`, in tables that fit in memory.

    Files that are no images, or cannot be read, are reported on stderr and recorded in `left_out`;
    with `strict`, InputError is raised for them at the end. A source of examples gives two images
    per example, and `limit` counts examples. `seed` is 0 by default. A shift keeps the labels, so
    the same `limit` and `seed` choose the same images with and without a shift. Raises InputError
    as `open_source`, `chosen` and `tables` do.
    """
    kind = source_called(spec.get("source"))
    if kind.examples:
        yield winoground_table(_opened(spec), spec.get("limit"), spec.get("seed", 0))
        return
    source = open_source(spec)
    indices = np.arange(len(source)) if kind.matching else chosen(source, spec)
    if not kind.files:
        yield from tables(source, indices)
        return
    left_out = LeftOut() if left_out is None else left_out
    places = (spec.get(key) for key in ("path", "dataset", "benchmark", "root"))
    where = f"{spec['source']} {next(filter(None, places), None)!r}"
    try:
        yield from _readable(source, indices, left_out)
    except NoImageError as error:
        raise InputError(f"{where}: {error}") from None
    if left_out.count and spec.get("strict", False):
        raise InputError(left_out.refusal(where))
    if left_out.count:
        print(left_out.sentence(where), file=sys.stderr)


def _readable(
    source: ImageSource, indices: np.ndarray, left_out: LeftOut
) -> Iterator[pd.DataFrame]:
    """The tables of the images that can be read; the others are recorded in `left_out`."""
    unshifted = getattr(source, "original", source)
    no_images = getattr(unshifted, "left_out", {})
    for file, reason in no_images.items():
        print(f"{printable(file)}: left out ({reason})", file=sys.stderr)
        left_out.add(file, reason)
    left_out.what = getattr(unshifted, "what", left_out.what)
    left_out.there = len(unshifted) + len(no_images)
    left_out.looked_at = len(np.unique(indices % len(unshifted))) + len(no_images)
    without = {source.label(index) for index in indices}
    for piece in tables(source, indices, left_out):
        without -= set(piece["label"])
        yield piece
    if getattr(unshifted, "own_captions", False):
        return  # a caption without its image is asked about no image
    left_out.classes = {str(label): source.class_names[label] for label in sorted(without)}


def chosen(source: ImageSource, spec: dict[str, Any]) -> np.ndarray:
    """The positions in `source` of the images to take, int64 `(image,)`.

    With `indices`, these in their order. Otherwise `limit` images with the classes' shares, drawn
    from `seed`, without the images that a `limit` of `skip` would take. Raises InputError as
    `read_indices` and `stratified` do, and for `indices` together with `limit` or `skip`.
    """
    if "indices" in spec:
        if "limit" in spec or "skip" in spec:
            raise InputError(
                "`indices` in `datasets`: found beside `limit` or `skip`, expected either chosen "
                "images or a number of them; leave one out"
            )
        return read_indices(spec["indices"], len(source))
    every, seed, skip = labels(source), spec.get("seed", 0), spec.get("skip", 0)
    if not 0 <= skip < len(every):
        raise InputError(
            f"`skip`: found {skip}, expected 0 to {len(every) - 1}, fewer than there are images; "
            "lower it or leave it out"
        )
    rest = np.arange(len(every))
    if skip:
        rest = np.setdiff1d(rest, stratified(every, skip, seed))
    return rest[stratified(every[rest], spec.get("limit"), seed)]


def _opened(spec: dict[str, Any]) -> Any:
    """Open the source of `spec`; raises InputError for a key that the source does not have."""
    opens = source_called(spec.get("source")).opens
    options = {key: value for key, value in spec.items() if key not in _COMMON}
    try:
        inspect.signature(opens).bind(**options)
    except TypeError as error:
        name = spec["source"]
        raise InputError(f"source {name!r} in `datasets`: found {options}: {error}") from None
    return opens(**options)
