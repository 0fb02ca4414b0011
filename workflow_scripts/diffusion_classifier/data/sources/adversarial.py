"""Images that a given classifier gets wrong, as ImageNet-A was chosen."""

from __future__ import annotations

import numpy as np

from diffusion_classifier.messages import InputError

from .image_source import draw, quotas


def adversarial_filter(
    labels: np.ndarray, predictions: np.ndarray, limit: int, seed: int = 0
) -> np.ndarray:
    """Sorted positions, int64, of `limit` images of a pool whose prediction is wrong.

    Hendrycks et al. 2021 (Natural Adversarial Examples, section 3). Class shares follow those
    of the pool as far as there are wrong images of each class. `labels` and `predictions` are
    int64 `(image,)`. Raises InputError when fewer than `limit` are wrong.
    """
    wrong = np.flatnonzero(labels != predictions)
    if not 1 <= limit <= len(wrong):
        raise InputError(
            f"`limit` of an adversarial data set: found {limit}, expected 1 to {len(wrong)}, the "
            f"images of the pool's {len(labels)} that the classifier gets wrong; raise `copies` "
            "or the strength of the pool's `shift`, or lower `limit`"
        )
    classes, pool = np.unique(labels, return_counts=True)
    capacity = np.array([np.count_nonzero(labels[wrong] == label) for label in classes])
    # a class the classifier never gets wrong has no place to give; the others share it
    quota = quotas(pool, capacity, limit)
    counts = dict(zip(classes.tolist(), quota.tolist(), strict=True))
    return wrong[draw(labels[wrong], counts, seed)]
