"""Similarities of images and captions with weights of timesteps learned on a few labelled items.

As `weighted_predictions`, for matching tasks. What is learned from is a choice among candidates:

* an image chooses among the captions of its item, where there are several;
* of items of one caption, the caption chooses among the images. Errors of different images have no
  common scale, so each image's error without a caption is taken off, where the prompts have one.

One set of weights serves all scores of an item. Choices of items that share an image are in one
fold of the cross-validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from diffusion_classifier.data.matching.stored import whole_items
from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.engine.error_files import losses_in, pair_cost
from diffusion_classifier.messages import InputError

from .item_draws import held_out_images, item_groups
from .timestep_weights import binned, learn
from .weighted_classes import class_means, pair_errors, weight_table

if TYPE_CHECKING:
    import xarray as xr


class Choices(NamedTuple):
    """The choices of items, for `timestep_weights.learn`.

    `errors` is float64 `(choice, candidate, timestep)`, NaN at the end of those with fewer
    candidates; `truth` `(choice,)` the position of the right one; `items` `(choice,)` the item.
    """

    errors: np.ndarray
    truth: np.ndarray
    items: np.ndarray


def weighted_similarities(
    stages: Sequence[xr.Dataset],
    prompts: pd.DataFrame,
    data: pd.DataFrame,
    draws: Sequence[np.ndarray],
    learned_from: Sequence[int] = (0,),
) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Similarities of the images that no labelled item shows, and the weights they are made with.

    `draws` are numbers of items, of `item_draws.labelled_items`. Each number in `learned_from` is a
    draw to learn from, and gives a pair of tables. Similarities have the columns of
    `compositional.SIMILARITY`, one row per pair of image and prompt and stored loss; the score is
    minus the weighted mean error. Weights are as in `weighted_predictions`. Raises InputError as
    `pair_errors`, and for an image and caption of a labelled item without errors.
    """
    images = held_out_images(data, np.concatenate(draws))
    spent, groups = pair_cost(stages), item_groups(data).set_index("example")["group"]
    found: list[list[tuple[pd.DataFrame, pd.DataFrame]]] = [[] for _ in learned_from]
    for loss in losses_in(stages):
        pairs, errors, timesteps = pair_errors(stages, loss)
        kept = np.isin(pairs[:, 0], images)
        frame = pd.DataFrame(pairs[kept], columns=["image", "prompt"]).assign(loss=loss)
        for tables, draw in zip(found, learned_from, strict=True):
            few = choices(pairs, errors, prompts, data, draws[draw])
            group = groups.loc[few.items].to_numpy()
            learned = learn(binned(few.errors), few.truth, groups=group)
            weights = weight_table(learned, timesteps, loss)
            own = weights["weight"].to_numpy()
            table = frame.assign(score=-(errors[kept] @ own) / len(own)).merge(spent)
            tables.append((table.sort_values(["image", "prompt"]), weights))
    return [
        tuple(pd.concat(each, ignore_index=True) for each in zip(*tables, strict=True))
        for tables in found
    ]


def choices(
    pairs: np.ndarray,
    errors: np.ndarray,
    prompts: pd.DataFrame,
    data: pd.DataFrame,
    labelled: np.ndarray,
) -> Choices:
    """The choices of the items in `labelled`; `pairs` and `errors` are those of `pair_errors`."""
    named, means = class_means(pairs, errors, prompts["classidx"].to_numpy())
    row_of = {pair: row for row, pair in enumerate(map(tuple, named.tolist()))}
    free = prompts.loc[is_unconditional(prompts), "classidx"]
    nothing = int(free.iloc[0]) if len(free) else None

    def measured(image: int, caption: int) -> np.ndarray:
        if (image, caption) not in row_of:
            raise InputError(
                f"errors: found none of image {image} with caption {caption}, which a labelled "
                "item has, expected all pairs of an item; recompute the errors"
            )
        return means[row_of[image, caption]]

    rows = whole_items(data)
    rows = rows[rows["example"].isin(labelled)]
    listed, truth, items = [], [], []
    for example in labelled:
        own = rows[rows["example"] == example].sort_values("position")
        shown, captions = own["image"].tolist(), list(own["captions"].iloc[0])
        if len(captions) > 1:
            for image, right in zip(shown, own["right"], strict=True):
                if right >= 0:
                    listed.append([measured(image, caption) for caption in captions])
                    truth.append(right)
                    items.append(example)
            continue
        base = nothing is not None and all((image, nothing) in row_of for image in shown)
        listed.append(
            [measured(i, captions[0]) - (measured(i, nothing) if base else 0) for i in shown]
        )
        truth.append(int((own["right"] >= 0).to_numpy().argmax()))
        items.append(example)
    most = max(map(len, listed))
    filled = np.full((len(listed), most, errors.shape[1]), np.nan)
    for choice, found in enumerate(listed):
        filled[choice, : len(found)] = found
    return Choices(filled, np.array(truth), np.array(items))
