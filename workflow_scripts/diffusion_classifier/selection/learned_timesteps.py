"""Learn from calibration images at which timesteps the errors of classes differ most.

Let d(t) be the paired error difference between a class and the image's best class at timestep t.
The importance-weighted mean of d has the least variance if timesteps are drawn with the density
q(t) ∝ √E[d(t)²] (Kahn & Marshall 1953). Weighted by 1 / q it remains an estimate of the mean over
uniform timesteps, which is the paper's classifier.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import loss_values, losses_in
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError

from .schedules import UNIFORM, van_der_corput

if TYPE_CHECKING:
    import xarray as xr

SMOOTHED = 3
"""Number of neighbouring timesteps that are averaged, as few calibration images are noisy."""


def fit_densities(errors: xr.Dataset, timesteps: int, uniform: float = UNIFORM) -> pd.DataFrame:
    """The density for every stored loss: columns `loss, start, stop, rms, sd, density`.

    `errors` belong to calibration images at evenly spaced timesteps, with at least two classes per
    image. A row is a range of timesteps, start ≤ t < stop; `rms` is √E[d(t)²] and `sd` the standard
    deviation of d(t), over images and all classes but the image's best. `density` is the
    probability of a timestep times `timesteps`: on average 1, and at least `uniform`.
    """
    order = np.argsort(errors["timestep"].values, kind="stable")
    edges = np.linspace(0, timesteps, len(order) + 1).round().astype("int64")
    parts = []
    for loss in losses_in([errors]):
        values = loss_values(errors, loss)[:, order]
        differences = _differences(values, errors["image"].values)
        rms = _smoothed(np.sqrt((differences**2).mean(axis=0)))
        sd = _smoothed(differences.std(axis=0))
        share = rms / np.average(rms, weights=np.diff(edges)) if rms.any() else np.ones_like(rms)
        density = uniform + (1 - uniform) * share
        columns = {"start": edges[:-1], "stop": edges[1:], "rms": rms, "sd": sd, "density": density}
        parts.append(pd.DataFrame({"loss": loss, **columns}))
    return pd.concat(parts, ignore_index=True)


def learned_samples(
    densities: pd.DataFrame, samples: Sequence[int], loss: str
) -> list[list[Sample]]:
    """The new samples of each stage; `samples[k]` is their total number by the end of stage k.

    Timesteps are the density's quantiles at the points of a low-discrepancy sequence, so any first
    part of the sequence follows the density. A timestep may occur again, with another noise.
    Raises InputError if there is no density for `loss`.
    """
    density = densities[densities["loss"] == loss]
    if density.empty:
        found = ", ".join(densities["loss"].unique())
        raise InputError(
            f"loss: found {loss}, but timesteps were learned for {found} only, the losses that "
            "this model's errors have; choose one of these"
        )
    edges = [*density["start"], density["stop"].iloc[-1]]
    widths = density["stop"] - density["start"]
    mass = np.concatenate([[0.0], np.cumsum(density["density"] * widths)])
    exact = np.interp(van_der_corput(max(samples)), mass / mass[-1], edges)
    chosen = exact.astype("int64").clip(max=edges[-1] - 1)
    rows = np.searchsorted(density["stop"].to_numpy(), chosen, side="right")
    weights = 1 / density["density"].to_numpy()[rows]
    every = [
        Sample(int(timestep), noise, float(weight))
        for noise, (timestep, weight) in enumerate(zip(chosen, weights, strict=True))
    ]
    return [every[first:last] for first, last in pairwise([0, *samples])]


def spread_at(densities: pd.DataFrame, timesteps: Sequence[int], loss: str) -> np.ndarray:
    """σ(t), the calibrated standard deviation of d(t), at each of `timesteps`."""
    density = densities[densities["loss"] == loss]
    return density["sd"].to_numpy()[np.searchsorted(density["stop"], timesteps, side="right")]


def _differences(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """d(t) of every class but the image's best, from errors `(pair, sample)` and pairs' images."""
    found = []
    for number in np.unique(image):
        errors = values[image == number]
        best = errors.mean(axis=1).argmin()
        found.append(np.delete(errors, best, axis=0) - errors[best])
    return np.concatenate(found)


def _smoothed(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, SMOOTHED // 2, mode="edge")
    return np.convolve(padded, np.full(SMOOTHED, 1 / SMOOTHED), "valid")
