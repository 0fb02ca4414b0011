"""Data sets: labelled images from a named source, limited, shifted or filtered.

A data set on disk is one Parquet file: `image` int64 (0..n-1), `label` int64, `classname`,
`source` (where the image came from) and `bytes` (the encoded image).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..messages import InputError
from .adversarial import adversarial_filter
from .base import ImageSource, decode, encode, labels, stratified, table
from .digits import mnist, uci_digits
from .shifts import SHIFTS, Shifted, apply_shift

if TYPE_CHECKING:
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
SOURCES: dict[str, Callable[..., ImageSource]] = {"mnist": mnist, "uci-digits": uci_digits}
_COMMON = {"source", "limit", "seed", "shift", "copies"}


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

    A shift keeps the labels, so the same `limit` and `seed` with and without a shift choose the
    same images. Raises InputError as `open_source` and `stratified` do.
    """
    source = open_source(spec)
    return table(source, stratified(labels(source), spec.get("limit"), spec.get("seed", 0)))
