"""Data sets by the `source` that a config names: limited, shifted or filtered."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import printable

from ..left_out import LeftOut
from ..world.compositions import winoground_examples
from .adversarial import adversarial_filter
from .digits import mnist, uci_digits
from .folder import folder
from .hub_data import winoground_from_hub
from .huggingface import huggingface
from .image_source import (
    ImageSource,
    NoImageError,
    decode,
    encode,
    labels,
    stratified,
    table,
    tables,
)
from .imagenet import imagenet, imagenet_a, imagenet_v2, objectnet
from .indices import read_indices
from .scenes import scenes
from .shifts import SHIFTS, Shifted, apply_shift
from .torchvision_sets import torchvision_set
from .winoground import read_winoground, winoground_table

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
    "pieces",
    "stratified",
    "table",
]

# sources of images in files of the user's own, or of others, one of which may be damaged
_FILES: dict[str, Callable[..., ImageSource]] = {
    "folder": folder,
    "torchvision": torchvision_set,
    "huggingface": huggingface,
    "imagenet": imagenet,
    "imagenet-v2": imagenet_v2,
    "imagenet-a": imagenet_a,
    "objectnet": objectnet,
}
# `source` in the config -> function of the keys that only this source has
SOURCES: dict[str, Callable[..., ImageSource]] = {
    "mnist": mnist,
    "uci-digits": uci_digits,
    "scenes": scenes,
    **_FILES,
}
_COMMON = {"source", "limit", "skip", "indices", "seed", "shift", "copies", "strict"}


def winoground(
    file: str | None = None, dataset: str | None = None, revision: str | None = None
) -> pd.DataFrame:
    """Winoground's examples: of a Parquet file, or of a `dataset` of the hub at `revision`.

    Raises InputError as `read_winoground` and `winoground_from_hub` do, and unless it is one.
    """
    if file is not None and dataset is None and revision is None:
        return read_winoground(file)
    if file is None and dataset is not None and revision is not None:
        return winoground_from_hub(dataset, revision)
    raise InputError(
        f"source 'winoground' in `datasets`: found {file=}, {dataset=} and {revision=}, expected "
        "either `file`, or `dataset` and `revision`; correct it"
    )


# sources of examples with two images and two captions each, in Winoground's own schema
EXAMPLES: dict[str, Callable[..., pd.DataFrame]] = {
    "scenes-winoground": winoground_examples,
    "winoground": winoground,
}


def open_source(spec: dict[str, Any]) -> ImageSource:
    """The whole image source that one entry of the config's `datasets` names.

    `shift` and `copies` are applied, `limit`, `skip` and `indices` are not. Raises InputError for
    an unknown `source` or a key it does not have, and as the source does.
    """
    name = spec.get("source")
    if name not in SOURCES:
        raise InputError(
            f"`source` in `datasets`: found {name!r}, expected one of {', '.join(SOURCES)}; "
            "correct it in the config"
        )
    source = SOURCES[name](**_options(name, SOURCES[name], spec))
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

    Files that are no images, or cannot be read, are said on stderr and noted in `left_out`; with
    `strict`, InputError is raised for them in the end. A source of EXAMPLES gives two images per
    example, and `limit` counts examples. `seed` is 0 unless given. A shift keeps the labels, so the
    same `limit` and `seed` with and without a shift choose the same images. Raises InputError as
    `open_source`, `chosen` and `tables` do.
    """
    name = spec.get("source")
    if name in EXAMPLES:
        examples = EXAMPLES[name](**_options(name, EXAMPLES[name], spec))
        yield winoground_table(examples, spec.get("limit"), spec.get("seed", 0))
        return
    source = open_source(spec)
    indices = chosen(source, spec)
    if name not in _FILES:
        yield from tables(source, indices)
        return
    left_out = LeftOut() if left_out is None else left_out
    where = f"{name} {spec.get('path') or spec.get('dataset')!r}"
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
    """The tables of the images that can be read; `left_out` becomes the record of the others."""
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
    left_out.classes = {str(label): source.class_names[label] for label in sorted(without)}


def chosen(source: ImageSource, spec: dict[str, Any]) -> np.ndarray:
    """The positions in `source` of the images to take, int64 `(image,)`.

    Those of `indices`, in their order; or `limit` images with the classes' shares, drawn from
    `seed`, and none of those that `limit` would take if it were `skip`. Raises InputError as
    `read_indices` and `stratified` do, and for `indices` beside another choice.
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


def _options(name: str, opens: Callable[..., Any], spec: dict[str, Any]) -> dict[str, Any]:
    """What of `spec` the function `opens` takes; raises InputError for what it does not."""
    options = {key: value for key, value in spec.items() if key not in _COMMON}
    try:
        inspect.signature(opens).bind(**options)
    except TypeError as error:
        raise InputError(f"source {name!r} in `datasets`: found {options}: {error}") from None
    return options
