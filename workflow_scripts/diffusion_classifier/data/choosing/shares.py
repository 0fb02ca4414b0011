"""Draw images so that classes keep their shares."""

from __future__ import annotations

import numpy as np

from diffusion_classifier.messages import InputError


def stratified(labels: np.ndarray, limit: int | None, seed: int = 0) -> np.ndarray:
    """Sorted positions, int64, of `limit` images with the class shares of `labels`.

    Class counts are rounded by largest remainder; the images of a class are drawn without
    replacement from `seed`. If `limit` is None, all are taken. Raises InputError if `limit` is
    larger than the number of labels or below 1.
    """
    if limit is None:
        return np.arange(len(labels))
    if not 1 <= limit <= len(labels):
        raise InputError(
            f"`limit`: found {limit}, expected 1 to {len(labels)}, the number of images; "
            "lower `limit` or leave it out to take all"
        )
    classes, counts = np.unique(labels, return_counts=True)
    quota = quotas(counts, counts, limit)
    return draw(labels, dict(zip(classes.tolist(), quota.tolist(), strict=True)), seed)


def quotas(weights: np.ndarray, capacity: np.ndarray, limit: int) -> np.ndarray:
    """Split `limit` over classes in proportion to `weights`, at most `capacity` each.

    The surplus of a full class goes to the others in proportion. Fractions are rounded by largest
    remainder, with ties for the earlier class. Expects limit <= capacity.sum(). int64 `(class,)`.
    """
    taken = np.zeros(len(weights), dtype=np.int64)
    is_open = capacity > 0
    while is_open.any():
        weight = np.where(is_open, weights, 0)
        share = (limit - taken[~is_open].sum()) * weight / weight.sum()
        full = is_open & (share >= capacity)
        if not full.any():
            taken[is_open] = np.floor(share[is_open]).astype(np.int64)
            remainder = np.where(is_open, share - taken, -1)
            taken[np.argsort(-remainder, kind="stable")[: limit - taken.sum()]] += 1
            break
        taken[full] = capacity[full]
        is_open &= ~full
    return taken


def draw(labels: np.ndarray, counts: dict[int, int], seed: int) -> np.ndarray:
    """Sorted positions of `counts[label]` random images of each label, int64.

    The order within a class depends only on `seed` and the label, so a smaller count takes a
    subset of a larger one.
    """
    chosen = []
    for label, count in counts.items():
        members = np.flatnonzero(labels == label)
        chosen.append(np.random.default_rng([seed, label]).permutation(members)[:count])
    return np.sort(np.concatenate(chosen))
