"""How far numbers are from what they should be."""

from __future__ import annotations

import numpy as np


def deviation(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """|found - expected| / |expected|, element by element, float64.

    >>> deviation(np.array([1.1, 2.0]), np.array([1.0, 2.0])).round(3).tolist()
    [0.1, 0.0]
    """
    found, expected = np.asarray(found, "float64"), np.asarray(expected, "float64")
    return np.abs(found - expected) / np.abs(expected)
