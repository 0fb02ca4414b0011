"""Data sets: labelled images from a named source, limited, shifted or filtered.

A data set on disk is one Parquet file: `image` int64 (0..n-1), `label` int64, `classname`,
`source` (where the image came from) and `bytes` (the encoded image).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..messages import InputError
from ..scenes.compositions import winoground_examples
from .adversarial import adversarial_filter
from .base import ImageSource, decode, encode, labels, stratified, table
from .digits import mnist, uci_digits
from .folder import folder, usable
from .scenes import scenes
from .shifts import SHIFTS, Shifted, apply_shift
from .winoground import read_winoground, winoground_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "SHIFTS",
    "SOURCES",
    "ImageSource",
    "Shifted",
    "adversarial_filter",
    "apply_shift",
    "dataset",
    "decode",
    "encode",
    "labels",
    "open_source",
    "stratified",
    "table",
]

# `source` in the config -> function of the keys that only this source has
SOURCES: dict[str, Callable[..., ImageSource]] = {
    "mnist": mnist,
    "uci-digits": uci_digits,
    "scenes": scenes,
    "folder": folder,
}
# sources of examples with two images and two captions each, in Winoground's own schema
EXAMPLES: dict[str, Callable[..., pd.DataFrame]] = {
    "scenes-winoground": winoground_examples,
    "winoground": read_winoground,
}
_COMMON = {"source", "limit", "seed", "shift", "copies", "strict"}


def open_source(spec: dict[str, Any]) -> ImageSource:
    """The whole image source that one entry of the config's `datasets` names.

    `shift` and `copies` are applied, `limit` is not. Raises InputError for an unknown `source`
    or a key it does not have.
    """
    name = spec.get("source")
    if name not in SOURCES:
        raise InputError(
            f"`source` in `datasets`: found {name!r}, expected one of {', '.join(SOURCES)}; "
            "correct it in the config"
        )
    options = {key: value for key, value in spec.items() if key not in _COMMON}
    try:
        source = SOURCES[name](**options)
    except TypeError as error:
        raise InputError(f"source {name!r} in `datasets`: found {options}: {error}") from error
    if spec.get("shift") is not None:
        return Shifted(source, spec["shift"], spec.get("seed", 0), spec.get("copies", 1))
    if spec.get("copies", 1) != 1:
        raise InputError(
            f"`copies` in `datasets`: found {spec['copies']} without a `shift`, so all copies "
            "would be equal; add a `shift` or leave `copies` out"
        )
    return source


def dataset(spec: dict[str, Any]) -> pd.DataFrame:
    """The data set of one entry of the config's `datasets`; `seed` is 0 unless given.

    Images of a folder that cannot be read are left out and said, or end it with `strict`.
    A source of EXAMPLES gives two images per example, and `limit` counts examples.

    A shift keeps the labels, so the same `limit` and `seed` with and without a shift choose the
    same images. Raises InputError as `open_source` and `stratified` do.
    """
    if spec.get("source") in EXAMPLES:
        options = {key: spec[key] for key in ("per_tag", "file") if key in spec}
        examples = EXAMPLES[spec["source"]](*options.values())
        return winoground_table(examples, spec.get("limit"), spec.get("seed", 0))
    source = open_source(spec)
    chosen = stratified(labels(source), spec.get("limit"), spec.get("seed", 0))
    if spec["source"] == "folder":
        chosen = _usable(source, chosen, spec)
    return table(source, chosen)


def _usable(source: ImageSource, chosen: np.ndarray, spec: dict[str, Any]) -> list[int]:
    """Which of a user's own images can be read; the others are printed, one line each."""
    good, reports = usable(source, chosen.tolist(), spec.get("strict", False))
    for report in reports:
        print(report, file=sys.stderr)
    if not good:
        raise InputError(
            f"folder {spec['path']!r}: found no image that can be read among the "
            f"{len(chosen)} chosen, expected at least one; see the lines above"
        )
    return good
