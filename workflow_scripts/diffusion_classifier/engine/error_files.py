"""Error files: one NetCDF per evaluation, stage, shard and class part (dims `pair, sample`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from diffusion_classifier.messages import InputError

from .loss_names import MEASURED
from .samples import Sample


def class_part(pairs: pd.DataFrame, prompts: pd.DataFrame, part: int, parts: int) -> pd.DataFrame:
    """The pairs whose class belongs to `part` of `parts` (class index modulo `parts`)."""
    classes = prompts["classidx"].to_numpy()[pairs["prompt"]]
    return pairs[classes % parts == part].reset_index(drop=True)


def error_dataset(
    errors: dict[str, np.ndarray],
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    record: dict[str, float | str],
) -> xr.Dataset:
    """Errors `(pair, sample)` with each pair's image and prompt, each sample's timestep and noise.

    `record` and the number of `evaluations` become attributes.
    """
    dims = ("pair", "sample")
    coords = {
        "image": ("pair", pairs["image"].to_numpy("int64")),
        "prompt": ("pair", pairs["prompt"].to_numpy("int64")),
        "timestep": ("sample", np.array([s.timestep for s in samples], "int64")),
        "noise": ("sample", np.array([s.noise for s in samples], "int64")),
    }
    if any(s.weight != 1 for s in samples):
        coords["weight"] = ("sample", np.array([s.weight for s in samples], "float64"))
    variables = {name: (dims, values) for name, values in errors.items()}
    stage = xr.Dataset(variables, coords)
    return stage.assign_attrs(record, evaluations=int(evaluated(stage).sum()))


def sample_weights(stage: xr.Dataset) -> np.ndarray:
    """The weight of each sample in a mean over samples, `(sample,)` float64."""
    return stage["weight"].values if "weight" in stage.coords else np.ones(stage.sizes["sample"])


def evaluated(stage: xr.Dataset) -> np.ndarray:
    """Which errors were measured, bool `(pair, sample)`; False where a class had left a race."""
    for name in MEASURED:
        if name in stage:
            return ~np.isnan(stage[name].values)
    return np.zeros((stage.sizes["pair"], stage.sizes["sample"]), bool)


def loss_values(errors: xr.Dataset, loss: str) -> np.ndarray:
    """The errors under a loss, float64 `(pair, sample)`; "l2+vlb" is the sum of both losses.

    Raises InputError if the loss was not measured.
    """
    names = loss.split("+")
    if missing := [name for name in names if name not in errors]:
        reason = " (the model does not learn its variance)" if missing[0] == "vlb" else ""
        raise InputError(
            f"loss: found {loss}, but the errors have no {missing[0]}{reason}; expected one of "
            f"{', '.join(sorted(errors))}; choose one"
        )
    return sum(errors[name].values.astype("float64") for name in names)


def losses_in(stages: Sequence[xr.Dataset]) -> list[str]:
    """The losses that were stored, and `l2+vlb` if the bound is among them."""
    stored = [name for name in MEASURED if any(name in stage for stage in stages)]
    return stored + (["l2+vlb"] if "vlb" in stored else [])


def pair_cost(stages: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Cost of each pair: columns `image, prompt, evaluations` and `seconds` of compute, float64.

    A file's seconds are divided among its pairs in proportion to their evaluations.
    """
    return _cost(stages, ["image", "prompt"]).reset_index()


def cost(stages: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Cost of each image: index `image`, columns `evaluations` and `seconds` of compute."""
    return _cost(stages, ["image"])


def _cost(stages: Sequence[xr.Dataset], keys: list[str]) -> pd.DataFrame:
    parts = []
    for stage in stages:
        counts = evaluated(stage).sum(axis=1)
        seconds = counts * (stage.attrs["seconds"] / max(1, counts.sum()))
        pairs = {key: stage[key].values for key in keys}
        parts.append(pd.DataFrame({**pairs, "evaluations": counts, "seconds": seconds}))
    return pd.concat(parts).groupby(keys).sum().astype("float64")
