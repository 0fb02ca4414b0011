"""Base rates of captions: how well a caption goes with other images than those it is asked about.

A model may prefer some captions whatever an image shows. If all captions of an item are asked about
further images, their mean scores with these are base rates, which can be taken off. The images are
the same for all captions of the item, so how hard they are to denoise cancels out. Captions that
only one item has, as most benchmarks' are, have no base rate: the other image of an item of two
images and two captions would turn both of its comparisons into the same one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from .matching_metrics import Similarities

MOST = 0.9
"""The share of a subtask's items that need base rates for the subtask to be scored with them."""


def base_rates(looked_up: Similarities, images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """The base rates of captions, float64 `(item, caption)`; NaN for an item that has none.

    `images` `(item, n)` and `captions` `(item, m)` are those of items. A base rate is the mean
    score of a caption with all images outside of the item that are asked about all its captions.
    """
    pairs = _Pairs(looked_up.scores)
    rows_of: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, own in enumerate(captions.tolist()):
        rows_of[tuple(sorted(own))].append(row)
    rates = np.full(captions.shape, np.nan)
    for key, rows in rows_of.items():
        shared = pairs.asked_about_all(key)
        if len(shared) <= images.shape[1]:
            continue
        scores = pairs.scores(shared, np.array(key))
        for row in rows:
            others = ~np.isin(shared, images[row])
            if others.any():
                rates[row] = scores[others].mean(axis=0)[np.searchsorted(key, captions[row])]
    return rates


def scored_items(rates: np.ndarray, subtasks: pd.Series) -> np.ndarray:
    """The items that are scored with their base `rates`, bool `(item,)`.

    They are those with base rates in subtasks of which at least MOST have them.
    """
    known = ~np.isnan(rates).any(axis=1)
    share = pd.Series(known).groupby(subtasks.to_numpy()).transform("mean").to_numpy()
    return known & (share >= MOST)


class _Pairs:
    """The pairs of an image and a caption that have a score; `scores` is indexed by both."""

    def __init__(self, scores: pd.Series) -> None:
        images, captions = (scores.index.get_level_values(level).to_numpy() for level in (0, 1))
        self._width = captions.max() + 1
        keys = images * self._width + captions
        order = np.argsort(keys)
        self._keys, self._scores = keys[order], scores.to_numpy()[order]
        self._asked = {
            caption: set(found.tolist()) for caption, found in pd.Series(images).groupby(captions)
        }

    def asked_about_all(self, captions: tuple[int, ...]) -> np.ndarray:
        """The images that are asked about each of `captions`, int64 `(image,)`, sorted."""
        return np.array(sorted(set.intersection(*(self._asked[each] for each in captions))))

    def scores(self, images: np.ndarray, captions: np.ndarray) -> np.ndarray:
        """The scores `(image, caption)` of pairs that all have one."""
        return self._scores[np.searchsorted(self._keys, images[:, None] * self._width + captions)]
