"""A prior: the classes that a cheap classifier leaves a diffusion classifier to decide between.

The paper suggests it to save evaluations (Li et al. 2023): most classes are so obviously wrong that
CLIP, or any other classifier, can throw them away. What it throws away wrongly is lost, so its
top-k accuracy is the ceiling of the accuracy that follows; see `ceilings`.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import named_prompts

from .candidates import candidates, of_classes


def best_of_prior(predictions: pd.DataFrame, loss: str, keep: int, classes: int) -> pd.DataFrame:
    """The `keep` classes of 0 to classes - 1 of highest score of every image: `image, class` int64.

    `predictions` are those of any method, of which the rows of `loss` count (empty of a baseline).
    Equal scores keep the earlier class; one without a score (NaN, or beyond the last that the
    method knows) comes after all others.
    """
    found = predictions[predictions["loss"] == loss]
    known = np.stack(found["scores"].to_numpy())[:, :classes].astype("float64")
    scores = np.full((len(found), classes), np.nan)
    scores[:, : known.shape[1]] = known
    best = np.argsort(-scores, axis=1, kind="stable")[:, :keep]  # NaN is sorted to the end
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
    """`pairs.candidates` of some of the images, of the `keep` best classes if there is a prior.

    `predictions` and `loss` are the prior's, as in `best_of_prior`.
    """
    pairs = candidates(data, prompts)
    pairs = pairs[pairs["image"].isin(images)]
    if predictions is None:
        return pairs
    classes = int(named_prompts(prompts)["classidx"].max()) + 1
    own = predictions[predictions["image"].isin(images)]
    best = best_of_prior(own, loss, keep, classes)
    return of_classes(pairs, prompts["classidx"].to_numpy(), best)
