"""Choose images that a given classifier gets wrong, as ImageNet-A was chosen."""

from __future__ import annotations

import numpy as np

from diffusion_classifier.messages import InputError

from .shares import draw, quotas


def adversarial_filter(
    labels: np.ndarray, predictions: np.ndarray, limit: int, seed: int = 0
) -> np.ndarray:
    """Sorted positions, int64, of `limit` images of a pool that have wrong predictions.

    The method is that of Hendrycks et al. 2021 (Natural Adversarial Examples, section 3). Class
    shares follow those of the pool as far as each class has enough wrong images. `labels` and
    `predictions` are int64 `(image,)`. Raises InputError if fewer than `limit` images are wrong.
    """
    wrong = np.flatnonzero(labels != predictions)
    if not 1 <= limit <= len(wrong):
        raise InputError(
            f"`limit` of an adversarial data set: found {limit}, expected 1 to {len(wrong)}, as "
            f"many of the pool's {len(labels)} images as the classifier gets wrong; raise `copies` "
            "or the strength of the pool's `shift`, or lower `limit`"
        )
    classes, pool = np.unique(labels, return_counts=True)
    capacity = np.array([np.count_nonzero(labels[wrong] == label) for label in classes])
    # a class without wrong images contributes none; the other classes take its share
    quota = quotas(pool, capacity, limit)
    counts = dict(zip(classes.tolist(), quota.tolist(), strict=True))
    return wrong[draw(labels[wrong], counts, seed)]
