"""A baseline's answers in the predictions file that every method ends in."""

from __future__ import annotations

import numpy as np
import pandas as pd


def prediction_table(
    data: pd.DataFrame, predictions: np.ndarray, scores: np.ndarray, seconds: float
) -> pd.DataFrame:
    """Columns `image, label, loss, prediction, evaluations, seconds, scores`; `loss` is empty.

    `predictions` is int64 `(image,)`, `scores` float32 `(image, class)`, `seconds` the compute
    time of all images together; one pass through a classifier counts as one evaluation. Raises
    FloatingPointError, naming the first image, if a score is no number: the class of the highest
    score would be the first. A class that cannot be answered may have the score -inf.
    """
    bad = np.flatnonzero(np.isnan(scores).any(axis=1))
    if len(bad):
        raise FloatingPointError(
            f"the scores of {len(bad)} of {len(data)} images are not numbers, the first: image "
            f"{data['image'].iloc[bad[0]]}. Check the weights of the baseline"
        )
    frame = data[["image", "label"]].assign(
        loss="", prediction=predictions, evaluations=1.0, seconds=seconds / len(data)
    )
    return frame.assign(scores=list(scores))
