"""Errors on disk: one NetCDF per evaluation, stage, shard and class part (dims `pair, sample`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from .schedules import Sample

LOSSES = ("l1", "l2", "huber", "vlb")


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
    """Errors `(pair, sample)` with what they were measured at; `record` becomes attributes."""
    dims = ("pair", "sample")
    coords = {
        "image": ("pair", pairs["image"].to_numpy("int64")),
        "prompt": ("pair", pairs["prompt"].to_numpy("int64")),
        "timestep": ("sample", np.array([s.timestep for s in samples], "int64")),
        "noise": ("sample", np.array([s.noise for s in samples], "int64")),
    }
    variables = {name: (dims, values) for name, values in errors.items()}
    return xr.Dataset(variables, coords, attrs=record)


def losses_in(stages: Sequence[xr.Dataset]) -> list[str]:
    """The losses that were stored, and `l2+vlb` where there is a bound."""
    stored = [name for name in LOSSES if any(name in stage for stage in stages)]
    return stored + (["l2+vlb"] if "vlb" in stored else [])


def cost(stages: Sequence[xr.Dataset]) -> pd.DataFrame:
    """What each image took: index `image`, columns `evaluations` and `seconds` of compute.

    A file's seconds are shared by its images in proportion to their evaluations.
    """
    parts = []
    for stage in stages:
        counts = pd.Series(stage["image"].values).value_counts() * stage.sizes["sample"]
        seconds = counts * (stage.attrs["seconds"] / max(1, counts.sum()))
        parts.append(pd.DataFrame({"evaluations": counts, "seconds": seconds}))
    return pd.concat(parts).groupby(level=0).sum().rename_axis("image").astype("float64")
