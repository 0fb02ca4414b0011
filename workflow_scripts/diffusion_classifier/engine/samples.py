"""The (timestep, noise) at which errors are measured."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One (timestep, noise index) at which every pair's ε-prediction error is measured.

    `weight` is the weight in a mean over samples: 1 / density if timesteps are drawn from a
    density, so that the mean estimates the one over uniform timesteps.
    """

    timestep: int
    noise: int
    weight: float = 1.0
