"""Low-discrepancy orders: any first part of the order is spread evenly over the whole."""

from __future__ import annotations

import numpy as np


def van_der_corput(count: int) -> np.ndarray:
    """The first `count` points of the van der Corput sequence in base 2, in (0, 1): 1/2, 1/4, 3/4…

    Its star discrepancy is O(log n / n) for every n (van der Corput 1935); random points have
    O(1 / √n).
    """
    from scipy.stats import qmc  # takes a second to import, and few schedules need it

    # in one dimension Halton's sequence is van der Corput's, with a first point at 0
    return qmc.Halton(1, scramble=False).random(count + 1)[1:, 0]


def spread_order(count: int) -> np.ndarray:
    """The positions 0..count-1 in the order in which van der Corput's sequence visits them."""
    return np.argsort(np.argsort(van_der_corput(count)))
