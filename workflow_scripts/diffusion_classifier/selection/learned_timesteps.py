"""A density of timesteps, learned on calibration images: where classes can be told apart.

With d(t) the paired error difference between a class and the image's best class at timestep t,
the importance-weighted mean of d has the least variance if timesteps are drawn with the density
q(t) ∝ √E[d(t)²] (Kahn & Marshall 1953); weighted by 1 / q it still is a mean over uniform
timesteps, the classifier of the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import losses_in
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError

from .low_discrepancy import van_der_corput
from .schedules import UNIFORM

if TYPE_CHECKING:
    import xarray as xr

SMOOTHED = 3
"""Neighbouring timesteps that are averaged: few calibration images measure each with noise."""


def fit_densities(errors: xr.Dataset, timesteps: int, uniform: float = UNIFORM) -> pd.DataFrame:
    """The density of every stored loss: columns `loss, start, stop, rms, sd, density`.

    `errors` are those of calibration images at evenly spaced timesteps, any classes of an image
    (at least two). A row is a range of timesteps, start ≤ t < stop; `rms` is √E[d(t)²] and `sd` the
    standard deviation of d(t), over images and classes but the image's best; `density` is the
    probability of a timestep times `timesteps`: 1 on average, of which `uniform` is the least.
    """
    order = np.argsort(errors["timestep"].values, kind="stable")
    edges = np.linspace(0, timesteps, len(order) + 1).round().astype("int64")
    parts = []
    for loss in losses_in([errors]):
        values = sum(errors[name].values.astype("float64") for name in loss.split("+"))
        found = _differences(values[:, order], errors["image"].values)
        rms, sd = _smoothed(np.sqrt((found**2).mean(axis=0))), _smoothed(found.std(axis=0))
        share = rms / np.average(rms, weights=np.diff(edges)) if rms.any() else np.ones_like(rms)
        density = uniform + (1 - uniform) * share
        columns = {"start": edges[:-1], "stop": edges[1:], "rms": rms, "sd": sd, "density": density}
        parts.append(pd.DataFrame({"loss": loss, **columns}))
    return pd.concat(parts, ignore_index=True)


def learned_samples(
    densities: pd.DataFrame, samples: Sequence[int], loss: str
) -> list[list[Sample]]:
    """The samples newly evaluated by each stage: `samples[k]` by the end of stage k.

    Timesteps are the density's quantiles at the points of a low-discrepancy sequence, so every
    beginning of the sequence follows the density. A timestep may come again, with another noise.
    Raises InputError if there is no density of `loss`.
    """
    own = densities[densities["loss"] == loss]
    if own.empty:
        found = ", ".join(densities["loss"].unique())
        raise InputError(
            f"loss: found {loss}, but timesteps were learned for {found} alone (what the model's "
            "errors have); choose one of these"
        )
    edges = [*own["start"], own["stop"].iloc[-1]]
    mass = np.concatenate([[0.0], np.cumsum(own["density"] * (own["stop"] - own["start"]))])
    exact = np.interp(van_der_corput(max(samples)), mass / mass[-1], edges)
    chosen = exact.astype("int64").clip(max=edges[-1] - 1)
    rows = np.searchsorted(own["stop"].to_numpy(), chosen, side="right")
    weights = 1 / own["density"].to_numpy()[rows]
    every = [
        Sample(int(timestep), noise, float(weight))
        for noise, (timestep, weight) in enumerate(zip(chosen, weights, strict=True))
    ]
    return [every[first:last] for first, last in pairwise([0, *samples])]


def spread_at(densities: pd.DataFrame, timesteps: Sequence[int], loss: str) -> np.ndarray:
    """σ(t), the calibrated standard deviation of d(t), at each of `timesteps`."""
    own = densities[densities["loss"] == loss]
    return own["sd"].to_numpy()[np.searchsorted(own["stop"], timesteps, side="right")]


def _differences(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """d(t) of every class but the image's best, from errors `(pair, sample)` and pairs' images."""
    found = []
    for number in np.unique(image):
        own = values[image == number]
        best = own.mean(axis=1).argmin()
        found.append(np.delete(own, best, axis=0) - own[best])
    return np.concatenate(found)


def _smoothed(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, SMOOTHED // 2, mode="edge")
    return np.convolve(padded, np.full(SMOOTHED, 1 / SMOOTHED), "valid")
