"""How items are kept in a data set's file: beside every image, the items that it is part of.

A data set of matching tasks has one row per image, however many items show it, with a column
`items`: a list of mappings, which `memberships` makes rows of. So a shard of the images is whole in
itself, and a caption that many items share is one prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .items import Item, Picture

if TYPE_CHECKING:
    import pandas as pd

ITEMS = "items"
"""The column of a data set that has matching tasks."""

FIELDS = (
    *("example", "subtask", "position", "images", "captions", "texts", "right"),
    *("pair", "set", "pair_size", "set_size", "side", "signs"),
)
"""What is kept of an item beside each of its images.

`example` is the item's number and `position` that of the image among its `images`, a number.
`captions` are the class indices of its captions, in order, and `texts` the captions. `right` is the
position in them of the one that belongs to the image, or -1. `pair` and `set` name groups of items
that are scored together, with the number of items that the whole group has ("" and 0 without).
`side` and `signs` are those of `Item`, where there are none 0.
"""


def pictures_of(items: Sequence[Item]) -> list[Picture]:
    """All images of `items`, each once, in order of appearance."""
    return list(dict.fromkeys(picture for item in items for picture in item.pictures))


def captions_of(items: Sequence[Item]) -> list[str]:
    """All captions of `items`, each once, in order of appearance: the classes of the data set."""
    return list(dict.fromkeys(caption for item in items for caption in item.captions))


def group_sizes(items: Sequence[Item]) -> dict[str, dict[str, int]]:
    """The number of items of a whole pair and of a whole set, by subtask: that of the largest.

    A smaller one lacks items, of records that could not be used.
    """
    sizes: dict[str, dict[str, int]] = {"pair": {}, "set": {}}
    for key, of_subtask in sizes.items():
        counts = Counter((item.subtask, getattr(item, key)) for item in items if getattr(item, key))
        for (subtask, _), count in counts.items():
            of_subtask[subtask] = max(count, of_subtask.get(subtask, 0))
    return sizes


def rows_by_picture(
    items: Sequence[Item], numbers: Sequence[int], sizes: dict[str, dict[str, int]]
) -> dict[Picture, list[dict[str, Any]]]:
    """What the column `items` says of each image; `numbers` are those of the items."""
    number_of = {caption: number for number, caption in enumerate(captions_of(items))}
    found: dict[Picture, list[dict[str, Any]]] = {}
    for number, item in zip(numbers, items, strict=True):
        common = {
            "example": number,
            "subtask": item.subtask,
            "images": len(item.pictures),
            "captions": [number_of[caption] for caption in item.captions],
            "texts": list(item.captions),
            "pair": item.pair,
            "set": item.set,
            "pair_size": sizes["pair"].get(item.subtask, 0),
            "set_size": sizes["set"].get(item.subtask, 0),
            "side": item.side,
            "signs": list(item.signs) or [0] * len(item.captions),
        }
        for position, picture in enumerate(item.pictures):
            own = {"position": position, "right": item.own_caption(position)}
            whole = common | own
            found.setdefault(picture, []).append({key: whole[key] for key in FIELDS})
    return found


def has_items(data: pd.DataFrame) -> bool:
    """Whether a data set consists of matching tasks."""
    return ITEMS in data


def memberships(data: pd.DataFrame) -> pd.DataFrame:
    """One row for each image of each item of `data`: `image` and the columns FIELDS.

    Examples of Winoground's form (`data.sources.winoground`) are items of two images and two
    captions, with their tag as the subtask.
    """
    import pandas as pd

    if not has_items(data):
        return _examples(data)
    rows = [
        {"image": image, **item}
        for image, items in zip(data["image"], data[ITEMS], strict=True)
        for item in items
    ]
    return pd.DataFrame(rows, columns=["image", *FIELDS])


def _examples(data: pd.DataFrame) -> pd.DataFrame:
    """`memberships` of examples: the caption of each image is its class."""
    rows = data.sort_values("image", kind="stable")
    grouped = rows.groupby("example")
    captions, texts = grouped["label"].agg(list), grouped["classname"].agg(list)
    position = grouped.cumcount()
    found = rows[["image", "example"]].assign(
        subtask=rows["tag"],
        position=position,
        images=2,
        captions=rows["example"].map(captions),
        texts=rows["example"].map(texts),
        right=position,
        pair="",
        set="",
        pair_size=0,
        set_size=0,
        side=0,
        signs=[[0, 0] for _ in range(len(rows))],
    )
    return found.reset_index(drop=True)[["image", *FIELDS]]


def whole_items(data: pd.DataFrame) -> pd.DataFrame:
    """`memberships` of the items of which `data` has all images: some may have been left out."""
    rows = memberships(data)
    there = rows.groupby("example")["image"].transform("count")
    return rows[there == rows["images"]].reset_index(drop=True)


def asked_captions(data: pd.DataFrame) -> pd.DataFrame:
    """The captions that each image is asked about: `image, label` int64, each pair once, sorted."""
    import pandas as pd

    rows = [
        (image, label)
        for image, items in zip(data["image"], data[ITEMS], strict=True)
        for label in sorted({label for item in items for label in item["captions"]})
    ]
    return pd.DataFrame(rows, columns=["image", "label"]).astype("int64")


def caption_classes(items: pd.Series) -> pd.DataFrame:
    """The captions of a column `items` as classes: `label, classname`, by label."""
    import pandas as pd

    named: dict[int, str] = {}
    for listed in items:
        for item in listed:
            named |= dict(zip(map(int, item["captions"]), item["texts"], strict=True))
    rows = sorted(named.items())
    return pd.DataFrame(rows, columns=["label", "classname"]).astype({"label": np.int64})
