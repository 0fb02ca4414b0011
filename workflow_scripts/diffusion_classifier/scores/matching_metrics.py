"""Scores of matching tasks: which items a method has right, by what their shape allows to ask.

* One image and k captions: the text score, which guessing has right with 1/k.
* One caption and k images: the image score.
* As many images as captions: text, image and group score, as Winoground's (`compositional`).

All inequalities are strict: a tie is wrong, wherever the right candidate stands. Two scores have a
calibrated variant. An image score compares errors of different images, so each image's score
without a caption is taken off (`compositional.example_scores` says why). For one image that would
change nothing, as all its captions lose the same. From a text score each caption's base rate is
taken off, where its captions are asked about other images too (`caption_rates`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, prod

import numpy as np
import pandas as pd

from diffusion_classifier.data.matching.stored import memberships, whole_items
from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.messages import InputError

from .caption_rates import base_rates, scored_items

METRICS = {
    "text_score": "Text score",
    "image_score": "Image score",
    "group_score": "Group score",
    "calibrated_text_score": "Calibrated text score",
    "calibrated_image_score": "Calibrated image score",
    "pair_score": "Pair score",
    "set_score": "Set score",
}
"""The scores in the order in which a page shows them. An item's own score is the first of group,
image and text score that it has; a pair or a set is right if all its items are, in their own."""

DECISIONS = ["loss", "subtask", "metric", "unit", "correct", "chance"]


@dataclass(frozen=True)
class Shaped:
    """All items of one shape: n images and m captions."""

    items: pd.DataFrame
    """A row per item: `example, subtask, pair, set, pair_size, set_size`."""
    images: np.ndarray
    """`(item, n)` int64, numbers of images."""
    captions: np.ndarray
    """`(item, m)` int64, class indices of captions."""
    own: np.ndarray
    """`(item, n)` int64, the position of the caption that belongs to an image, or -1."""
    side: np.ndarray
    """`(item,)`: the group of the image, 1 or -1, of items with two kinds of captions, else 0."""
    signs: np.ndarray
    """`(item, m)`: the kind of each caption, 1 or -1, or 0."""


def shaped_items(data: pd.DataFrame) -> list[Shaped]:
    """The whole items of a data set of matching tasks, by their shape."""
    rows = whole_items(data).sort_values(["example", "position"])
    rows = rows.assign(count=rows["captions"].map(len), effect=rows["side"] != 0)
    found = []
    for (images, captions, _), group in rows.groupby(["images", "count", "effect"]):
        first = group[group["position"] == 0]
        known = ["example", "subtask", "pair", "set", "pair_size", "set_size"]
        found.append(
            Shaped(
                first[known].reset_index(drop=True),
                group["image"].to_numpy().reshape(-1, images),
                np.stack(first["captions"].to_list()).reshape(-1, captions),
                group["right"].to_numpy().reshape(-1, images),
                first["side"].to_numpy(),
                np.stack(first["signs"].to_list()).reshape(-1, captions),
            )
        )
    return found


class Similarities:
    """Look up the scores of one loss by image and caption, as arrays."""

    def __init__(self, similarity: pd.DataFrame, prompts: pd.DataFrame, where: str) -> None:
        """`similarity` has `image, prompt, score`; a caption's score is the mean over its prompts.

        Raises InputError, beginning with `where`, for a pair that occurs twice.
        """
        if similarity.duplicated(["image", "prompt"]).any():
            raise InputError(
                f"{where}: found a pair of image and prompt twice for one loss, expected it once; "
                "recompute the similarities"
            )
        number, self.where = similarity["prompt"].to_numpy(), where
        empty = is_unconditional(prompts).to_numpy()[number]
        found = similarity.assign(label=prompts["classidx"].to_numpy()[number])
        self.scores = found[~empty].groupby(["image", "label"])["score"].mean()
        self.free = found[empty].groupby("image")["score"].mean()

    def of(self, images: np.ndarray, captions: np.ndarray) -> np.ndarray:
        """Scores `(item, image, caption)` of images `(item, n)` and captions `(item, m)`.

        Raises InputError for a pair without a finite score.
        """
        shape = (len(images), images.shape[1], captions.shape[1])
        pairs = pd.MultiIndex.from_arrays(
            [
                np.broadcast_to(images[:, :, None], shape).ravel(),
                np.broadcast_to(captions[:, None, :], shape).ravel(),
            ]
        )
        scores = self.scores.reindex(pairs).to_numpy()
        if not np.isfinite(scores).all():
            image, caption = pairs[int(np.argmin(np.isfinite(scores)))]
            raise InputError(
                f"{self.where}: found no finite score of image {image} with caption {caption}, "
                "expected one of every pair of an item; recompute the similarities"
            )
        return scores.reshape(shape)

    def of_no_caption(self, images: np.ndarray) -> np.ndarray | None:
        """Scores of images without a caption, in the shape of `images`; None if some lack one."""
        scores = self.free.reindex(images.ravel()).to_numpy().reshape(images.shape)
        return scores if scores.size and np.isfinite(scores).all() else None


def decide(
    similarity: pd.DataFrame, data: pd.DataFrame, prompts: pd.DataFrame, where: str
) -> pd.DataFrame:
    """Which items, pairs and sets of items a method has right: the columns DECISIONS.

    `unit` is the number of the item, or of the first of a pair or set; `chance` is the probability
    that guessing, by scores that are independent and uniform, has it right (of calibrated scores of
    several images its upper limit). Groups that are not whole are left out. Raises InputError as
    `Similarities`.
    """
    shapes, parts = shaped_items(data), []
    for loss, found in similarity.groupby("loss", sort=False):
        looked_up = Similarities(found, prompts, where)
        decided = [_decisions(shape, looked_up) for shape in shapes if not shape.side.any()]
        frames = [frame for frame, _ in decided]
        own = [frame for _, frame in decided]
        for key in ("pair", "set") if own else ():
            frames.append(_groups(pd.concat(own, ignore_index=True), key))
        parts += [frame.assign(loss=loss) for frame in frames if len(frame)]
    if not parts:
        return pd.DataFrame(columns=DECISIONS)
    order = memberships(data).sort_values("example")["subtask"].drop_duplicates().to_list()
    found = pd.concat(parts, ignore_index=True)[DECISIONS]
    return found.sort_values("subtask", key=lambda names: names.map(order.index), kind="stable")


def _decisions(shape: Shaped, looked_up: Similarities) -> tuple[pd.DataFrame, pd.DataFrame]:
    """DECISIONS of items of one shape, and each with whether its own score is right."""
    scores = looked_up.of(shape.images, shape.captions)
    images, captions = scores.shape[1:]
    free = looked_up.of_no_caption(shape.images) if images > 1 else None
    asked = int((shape.own[0] >= 0).sum())
    found: dict[str, tuple[np.ndarray, float]] = {}
    if captions > 1:
        found["text_score"] = (text_score(scores, shape.own), captions**-asked)
    if images > 1:
        found["image_score"] = (image_score(scores, shape.own), images**-asked)
    if images > 1 and captions > 1:
        both = found["text_score"][0] & found["image_score"][0]
        found["group_score"] = (both, group_chance(images))
    own, chance = list(found.values())[-1]
    if free is not None:
        calibrated = image_score(scores - free[:, :, None], shape.own)
        found["calibrated_image_score"] = (calibrated, images**-asked)
    items = shape.items
    frames = [
        items[["subtask"]].assign(
            metric=metric, unit=items["example"], correct=correct, chance=probability
        )
        for metric, (correct, probability) in found.items()
    ]
    if captions > 1:
        rates = base_rates(looked_up, shape.images, shape.captions)
        calibrated = text_score(scores - rates[:, None], shape.own)
        frame = frames[0].assign(metric="calibrated_text_score", correct=calibrated)
        frames.append(frame[scored_items(rates, items["subtask"])])
    return pd.concat(frames, ignore_index=True), items.assign(correct=own, chance=chance)


def text_score(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Whether every image that has a caption prefers it to all others, bool `(item,)`.

    `scores` is `(item, image, caption)`, `own` as in `Shaped`.
    """
    captions = np.arange(scores.shape[2])
    right = np.take_along_axis(scores, np.maximum(own, 0)[:, :, None], axis=2)
    better = (right > scores) | (captions == own[:, :, None])
    return (better.all(axis=2) | (own < 0)).all(axis=1)


def image_score(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Whether every caption that has an image prefers it to all others, bool `(item,)`."""
    correct = np.ones(len(scores), bool)
    for position in range(scores.shape[1]):
        column = np.take_along_axis(scores, np.maximum(own[:, position], 0)[:, None, None], axis=2)[
            :, :, 0
        ]  # (item, image): all images with the caption of this one
        better = column[:, [position]] > column
        better[:, position] = True
        correct &= better.all(axis=1) | (own[:, position] < 0)
    return correct


def group_chance(count: int) -> float:
    """The probability that independent, uniform scores get a group score of `count` images right.

    Each of the diagonal scores has to be the highest of its row and of its column. Sorted, the k-th
    smallest bounds 2 (n - k) of the others, which gives n! / prod of a_k with a_1 = 2n - 1 and
    a_k = a_{k-1} + 2 (n - k) + 1: 1/6 for two.
    """
    factors = np.cumsum([2 * (count - k) + 1 for k in range(1, count + 1)])
    return factorial(count) / prod(int(factor) for factor in factors)


def _groups(items: pd.DataFrame, key: str) -> pd.DataFrame:
    """DECISIONS of the pairs or sets of items that are whole."""
    named = items[items[key] != ""]
    grouped = named.groupby(["subtask", key], sort=False)
    found = grouped.agg(
        unit=("example", "min"),
        correct=("correct", "all"),
        chance=("chance", "prod"),
        count=("correct", "size"),
        size=(f"{key}_size", "first"),
    ).reset_index()
    whole = found[found["count"] == found["size"]].reset_index(drop=True)
    return whole[["subtask"]].assign(
        metric=f"{key}_score", unit=whole["unit"], correct=whole["correct"], chance=whole["chance"]
    )


def item_costs(similarity: pd.DataFrame, data: pd.DataFrame) -> pd.DataFrame:
    """Means over items: `loss, subtask, evaluations, seconds`, by subtask.

    What an image took is shared out over the items that show it.
    """
    rows = whole_items(data)[["image", "example", "subtask"]]
    spent = similarity.groupby(["loss", "image"], as_index=False)[["evaluations", "seconds"]].sum()
    shared = rows.groupby("image")["example"].transform("size")
    found = rows.assign(shared=shared).merge(spent, on="image")
    for column in ("evaluations", "seconds"):
        found[column] /= found["shared"]
    of_item = found.groupby(["loss", "subtask", "example"], as_index=False)[
        ["evaluations", "seconds"]
    ].sum()
    return of_item.groupby(["loss", "subtask"], as_index=False)[["evaluations", "seconds"]].mean()
