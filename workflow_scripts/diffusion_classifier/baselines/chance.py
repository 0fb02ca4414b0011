"""Guess the class: the accuracy above which a method has learned anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .baseline import Baseline, Images

if TYPE_CHECKING:
    import pandas as pd


def guess(images: pd.DataFrame, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, int64 `(image,)`, and scores uniform in [0, 1), float32 `(image, class)`.

    A guess depends only on `seed` and the number in the column `image`, so it is the same in every
    part of a data set.
    """
    scores = np.stack(
        [
            np.random.default_rng([seed, image]).random(classes, dtype=np.float32)
            for image in images["image"]
        ]
    )
    return scores.argmax(axis=1), scores


class Chance(Baseline):
    """Random guesses with equal probabilities; see `guess`."""

    rule = "predict_chance"
    reads_texts = True
    compared_as = "chance"
    varies = "seed"
    evaluations = 0.0

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        classes = images.prompts["classidx"].nunique()
        return guess(images.table, classes, self.setting.seed)
