"""A prior: a cheap classifier chooses the classes that the diffusion classifier decides between.

The paper suggests this to save evaluations (Li et al. 2023): most classes are so obviously wrong
that CLIP, or any other classifier, can discard them. A right class that it discards is lost, so
its top-k accuracy is an upper limit of the accuracy that follows; see `ceilings`.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import named_prompts

from .candidates import candidates, pairs_of_classes


def best_of_prior(predictions: pd.DataFrame, loss: str, keep: int, classes: int) -> pd.DataFrame:
    """The `keep` classes of highest score for every image: `image, class` int64.

    Of `predictions`, only the rows of `loss` ("" for a baseline) and the classes 0 to classes - 1
    count. Of classes with equal scores the earlier one is kept. A class without a score (NaN, or an
    index that the method does not have) comes last.
    """
    found = predictions[predictions["loss"] == loss]
    stored = np.stack(found["scores"].to_numpy())[:, :classes].astype("float64")
    scores = np.full((len(found), classes), np.nan)
    scores[:, : stored.shape[1]] = stored
    best = np.argsort(-scores, axis=1, kind="stable")[:, :keep]  # NaN comes last
    images = found["image"].to_numpy("int64").repeat(best.shape[1])
    return pd.DataFrame({"image": images, "class": best.ravel()})


def contenders(
    data: pd.DataFrame,
    prompts: pd.DataFrame,
    images: Collection[int],
    predictions: pd.DataFrame | None = None,
    loss: str = "",
    keep: int = 0,
) -> pd.DataFrame:
    """The candidates of `images`; with a prior, only those of its `keep` best classes.

    `predictions` and `loss` belong to the prior; see `best_of_prior`.
    """
    pairs = candidates(data, prompts)
    pairs = pairs[pairs["image"].isin(images)]
    if predictions is None:
        return pairs
    classes = int(named_prompts(prompts)["classidx"].max()) + 1
    predictions = predictions[predictions["image"].isin(images)]
    best = best_of_prior(predictions, loss, keep, classes)
    return pairs_of_classes(pairs, prompts["classidx"].to_numpy(), best)
