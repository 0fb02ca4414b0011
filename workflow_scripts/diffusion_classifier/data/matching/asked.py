"""Which captions an image is asked about: those of its items, or of its example in Winoground."""

from __future__ import annotations

import pandas as pd

from .stored import has_items, whole_items


def caption_rows(data: pd.DataFrame) -> pd.DataFrame:
    """The images of a data set, each with every item that shows it, in the order of `data`.

    Columns: `image`; `truth`, the class of the right caption, or -1; `part`, the kind of the item;
    `captions`, a list of classes.
    """
    rows = _of_items(data) if has_items(data) else _of_examples(data)
    position = pd.Series(range(len(data)), data["image"].to_numpy())
    return rows.sort_values("image", key=lambda image: image.map(position), kind="stable")


def asked_rows(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Those of `caption_rows` with something to rank and a right caption, and what they are asked.

    The latter has the columns `row`, a position in the former, and `class`.
    """
    ranked = (rows["truth"] >= 0) & (rows["captions"].map(len) > 1)
    kept = rows[ranked].reset_index(drop=True)
    asked = pd.DataFrame({"row": kept.index, "class": kept["captions"]}).explode("class")
    return kept, asked.astype("int64").reset_index(drop=True)


def _of_items(data: pd.DataFrame) -> pd.DataFrame:
    """The images of matching tasks: `image, truth` (-1: none is right), `part, captions`."""
    items = whole_items(data)
    truth = [
        captions[right] if right >= 0 else -1
        for captions, right in zip(items["captions"], items["right"], strict=True)
    ]
    return items[["image", "captions"]].assign(truth=truth, part=items["subtask"])


def _of_examples(data: pd.DataFrame) -> pd.DataFrame:
    """The same of Winoground's examples, whose images have the same captions."""
    captions = data.groupby("example")["label"].agg(lambda labels: list(dict.fromkeys(labels)))
    part = data["tag"] if "tag" in data else data["example"].astype(str)
    named = data[["image"]].assign(truth=data["label"], part=part)
    return named.assign(captions=data["example"].map(captions))
