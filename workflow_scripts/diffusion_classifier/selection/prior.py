"""A prior: a cheap classifier chooses the classes that the diffusion classifier decides between.

The paper suggests this to save evaluations (Li et al. 2023): most classes are so obviously wrong
that CLIP, or any other classifier, can discard them. A right class that it discards is lost, so
its top-k accuracy is an upper limit of the accuracy that follows; see `ceilings`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from diffusion_classifier import files
from diffusion_classifier.data.prompt_sets import named_prompts

from .candidates import candidates, pairs_of_classes
from .survival import calibrated, survivors


def best_of_prior(predictions: pd.DataFrame, loss: str, keep: int, classes: int) -> pd.DataFrame:
    """The `keep` classes of highest score for every image: `image, class` int64.

    Of `predictions`, only the rows of `loss` ("" for a baseline) and the classes 0 to classes - 1
    count. Of classes with equal scores the earlier one is kept. A class without a score (NaN, or an
    index that the method does not have) comes last.
    """
    images, scores = _class_scores(predictions, loss, classes)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :keep]  # NaN comes last
    images = images.repeat(best.shape[1])
    return pd.DataFrame({"image": images, "class": best.ravel()})


def near_best_of_prior(
    predictions: pd.DataFrame,
    calibration: pd.DataFrame,
    loss: str,
    keep: int,
    classes: int,
    risk: float,
) -> pd.DataFrame:
    """The classes near the prior's best, at most `keep` of each image: `image, class` int64.

    How near follows from the `risk` of losing the true class, by the prior's predictions for
    `calibration` images with their `label`; see `survival`. A class without a score is last.
    """
    _, known = _class_scores(calibration, loss, classes)
    images, scores = _class_scores(predictions, loss, classes)
    # survivors are of least score
    known, scores = (np.where(np.isnan(found), np.inf, -found) for found in (known, scores))
    labels = calibration.loc[calibration["loss"] == loss, "label"].to_numpy()
    near = calibrated(known, labels, risk, keep)["threshold"]
    return survivors(scores, images, near, keep)


def _class_scores(
    predictions: pd.DataFrame, loss: str, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images `(image,)` int64 and the scores of the first `classes`, `(image, class)` float64.

    A class without a score is NaN.
    """
    found = predictions[predictions["loss"] == loss]
    stored = np.stack(found["scores"].to_numpy())[:, :classes].astype("float64")
    scores = np.full((len(found), classes), np.nan)
    scores[:, : stored.shape[1]] = stored
    return found["image"].to_numpy("int64"), scores


def contenders(
    data: pd.DataFrame,
    prompts: pd.DataFrame,
    images: Collection[int],
    predictions: pd.DataFrame | None = None,
    loss: str = "",
    keep: int = 0,
    risk: float | None = None,
    calibration: Sequence[pd.DataFrame] = (),
) -> pd.DataFrame:
    """The candidates of `images`; with a prior, only those of its `keep` best classes.

    `predictions` and `loss` belong to the prior; see `best_of_prior`. With a `risk` it keeps fewer
    where it can, by its predictions for images of known `label`; see `near_best_of_prior`. The
    scores of a search are treated in the same way.
    """
    pairs = candidates(data, prompts)
    pairs = pairs[pairs["image"].isin(images)]
    if predictions is None:
        return pairs
    classes = int(named_prompts(prompts)["classidx"].max()) + 1
    predictions = predictions[predictions["image"].isin(images)]
    if risk is None:
        best = best_of_prior(predictions, loss, keep, classes)
    else:
        known = pd.concat(calibration)
        best = near_best_of_prior(predictions, known, loss, keep, classes, risk)
    return pairs_of_classes(pairs, prompts["classidx"].to_numpy(), best)


def stored_contenders(
    data: pd.DataFrame,
    prompts: pd.DataFrame,
    images: Collection[int],
    predictions: str,
    calibration: Sequence[str],
    **prior: Any,
) -> pd.DataFrame:
    """The `contenders` by the paths of predictions ("" without a prior) and of calibration."""
    columns = ["image", "loss", "scores"]
    stored = files.read_parquet(predictions, columns) if predictions else None
    known = [files.read_parquet(path, [*columns, "label"]) for path in calibration]
    return contenders(data, prompts, images, stored, calibration=known, **prior)
