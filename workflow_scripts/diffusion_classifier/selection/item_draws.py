"""Draws of a few labelled items of matching tasks, which share no image with any other item.

Items that show a common image, or belong to a common pair or set, form a group. A group is labelled
as a whole or not at all, so nothing of an item that is predicted has been learned from.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffusion_classifier.data.matching.stored import whole_items
from diffusion_classifier.messages import InputError

LEAST = 2
"""The fewest groups of items from which weights are learned."""


def labelled_items(
    data: pd.DataFrame,
    draws: int = 1,
    seed: int = 0,
    per_class: int | None = None,
    fraction: float | None = None,
) -> list[np.ndarray]:
    """The numbers (`example`) of the labelled items of each draw, int64, by subtask.

    `data` is a data set of matching tasks. Draws are disjoint. Each has at most `per_class` items
    of every subtask, or at most a `fraction` of all items (or LEAST), in about the shares of the
    subtasks; fewer where groups do not fit. Raises InputError if a draw has fewer than LEAST
    groups, if no item remains to be predicted, and with `per_class` also if a draw has no item of
    a subtask, or none of one remains.
    """
    items = item_groups(data)
    if items.empty:
        raise InputError(
            "items: found none with a right answer whose images are all there, expected some to "
            "learn weights of timesteps from; leave the weighting out of this table"
        )
    subtasks, of_subtask = np.unique(items["subtask"], return_inverse=True)
    counts = np.zeros((items["group"].max() + 1, len(subtasks)), int)
    np.add.at(counts, (items["group"].to_numpy(), of_subtask), 1)
    order = np.random.default_rng(seed).permutation(len(counts))
    if per_class is None:
        order = _evenly(order, counts)
        most, room = max(LEAST, round(fraction * len(items))), None
    else:
        most, room = per_class * len(subtasks), per_class
    chosen: list[np.ndarray] = []
    for _ in range(draws):
        chosen.append(_fitting(order, counts, most, room))
        order = order[~np.isin(order, chosen[-1])]
    _check(chosen, counts, order, subtasks, per_class, fraction)
    ordered = items.sort_values(["subtask", "example"])
    found = [ordered.loc[ordered["group"].isin(groups), "example"] for groups in chosen]
    return [examples.to_numpy("int64") for examples in found]


def held_out_images(data: pd.DataFrame, labelled: np.ndarray) -> np.ndarray:
    """The images of `data` that no item in `labelled` (numbers of items) shows, int64 `(image,)`.

    Images of items that are not whole, or have no right answer, are among them.
    """
    rows = whole_items(data)
    shown = rows.loc[rows["example"].isin(labelled), "image"]
    return data.loc[~data["image"].isin(shown), "image"].to_numpy("int64")


def item_groups(data: pd.DataFrame) -> pd.DataFrame:
    """The whole items with a right answer: `example, subtask, group`; groups count from 0.

    Items of one group share an image (two parts of one file are one image), a pair or a set.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = whole_items(data)
    rows = rows[rows["side"] == 0]
    if rows.empty:
        return pd.DataFrame(columns=["example", "subtask", "group"])
    examples, item = np.unique(rows["example"], return_inverse=True)
    source = data["source"] if "source" in data else data["image"].astype(str)
    file = source.str.replace(r"#-?\d+,-?\d+,\d+,\d+$", "", regex=True)
    shown = rows["image"].map(dict(zip(data["image"], file, strict=True)))
    edges = [pd.DataFrame({"item": item, "key": "image\n" + shown})]
    for key in ("pair", "set"):
        own = (rows[key] != "").to_numpy()
        name = f"{key}\n" + rows.loc[own, "subtask"] + "\n" + rows.loc[own, key]
        edges.append(pd.DataFrame({"item": item[own], "key": name}))
    edges = pd.concat(edges)
    key = pd.factorize(edges["key"])[0] + len(examples)
    size = key.max() + 1
    graph = coo_array((np.ones(len(edges), bool), (edges["item"], key)), shape=(size, size))
    group = connected_components(graph, directed=False)[1][: len(examples)]
    first = rows.drop_duplicates("example").set_index("example").loc[examples]
    return pd.DataFrame(
        {
            "example": examples,
            "subtask": first["subtask"].to_numpy(),
            "group": np.unique(group, return_inverse=True)[1],
        }
    )


def _evenly(order: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The groups in `order` such that every first part has about the shares of the subtasks."""
    main = pd.Series(counts.argmax(axis=1)[order])
    rank = main.groupby(main).cumcount().to_numpy()
    size = main.groupby(main).transform("size").to_numpy()
    return order[np.argsort((rank + 0.5) / size, kind="stable")]


def _fitting(order: np.ndarray, counts: np.ndarray, most: int, room: int | None) -> np.ndarray:
    """The first groups in `order` that fit: `most` items in all, `room` of each subtask."""
    found, so_far = [], np.zeros(counts.shape[1], int)
    for group in order:
        after = so_far + counts[group]
        if after.sum() <= most and (room is None or after.max() <= room):
            found.append(group)
            so_far = after
        if so_far.sum() == most:
            break
    return np.array(found, int)


def _check(
    chosen: list[np.ndarray],
    counts: np.ndarray,
    rest: np.ndarray,
    subtasks: np.ndarray,
    per_class: int | None,
    fraction: float | None,
) -> None:
    key, value = ("fraction", fraction) if per_class is None else ("per_class", per_class)
    start = f"{key}: found {value}, which with {len(chosen)} draw{'s' * (len(chosen) > 1)} leaves"
    why = "items that share an image, a pair or a set stay together"
    remedy = f"change `{key}`, or lower `draws`"
    if (few := min(map(len, chosen))) < LEAST:
        raise InputError(
            f"{start} a draw with {few} groups of items ({why}), expected at least {LEAST}; "
            f"{remedy}"
        )
    for groups in chosen if per_class else ():
        if (none := counts[groups].sum(axis=0) == 0).any():
            raise InputError(
                f"{start} a draw without an item of {subtasks[none.argmax()]} ({why}), expected at "
                f"least one of each subtask; {remedy}"
            )
    left = counts[rest].sum(axis=0)
    if not left.any() or (per_class and not left.all()):
        which = f" of {subtasks[left.argmin()]}" if left.any() else ""
        raise InputError(f"{start} no item{which} to be predicted ({why}), expected some; {remedy}")
