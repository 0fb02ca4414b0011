"""The (timestep, noise) at which errors are measured."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One (timestep, noise index) at which every pair's ε-prediction error is measured.

    `weight` is the sample's in a mean over samples: 1 / density where timesteps are not drawn
    uniformly, so that the mean is one over uniform timesteps all the same.
    """

    timestep: int
    noise: int
    weight: float = 1.0
