"""What the errors of a diffusion classifier say of each image: ranked classes, and their errors.

All classes of an image are measured at the same samples, so a class is compared with the predicted
one by the differences of their errors at the samples that both have (paper, section 4.1). Such a
mean difference can be compared between classes that left at different stages, unlike an error.
The page of a table shows these numbers (`tables.explorer`) and so needs no errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from .evidence import ClassErrors, measured_errors, paired_differences
from .pruning import class_errors, mean_errors

RANKED = 10
"""Most classes that are kept of each image's ranking."""
CURVES = 3
"""Classes of each image whose errors over timesteps are kept."""
BINS = 20
"""Most points of a curve of errors over timesteps."""
NONE = -1
"""Stands for a class where there is none."""


@dataclass(frozen=True)
class Errors:
    """How the stored errors of an evaluation are read.

    `class_of[prompt]` is a prompt's class; the errors of a class's prompts are combined by their
    `mean`, or are those of the `best` prompt.
    """

    class_of: np.ndarray
    combine: str = "mean"


def rankings(
    stages: Sequence[xr.Dataset],
    images: np.ndarray,
    winners: Mapping[str, np.ndarray],
    read: Errors,
    asked: pd.DataFrame | None = None,
) -> xr.Dataset:
    """The best RANKED classes of `images`, `(row,)`, and the errors of the first CURVES of them.

    `stages` are the error files of these images (and maybe of others), of all stages and class
    parts. `winners` are the predicted classes under each loss, `(row,)`. `asked` limits the classes
    of a row (columns `row, class`). The predicted class is first; then come the classes that were
    measured at most samples, of these those of least error, as in `selection.pruning`.

    Variables, of which the first four are `(loss, row, rank)`: `class` int32, NONE where a row has
    fewer classes; `score` float32, minus the difference of the module's docstring, and `spread`,
    its standard error, as in `selection.evidence.paired_differences`; `samples` int32, the number
    of samples behind it. `error` `(loss, row, timestep)` float32 is the mean error of the predicted
    class in each bin of timesteps, and `difference` `(loss, row, other, timestep)` what the next
    classes have more at the samples that both have. NaN: there is no such sample. `image` is the
    image of a row. Raises InputError as `engine.error_files.loss_values`.
    """
    bins = _bins(stages)
    found = [
        _of_loss(
            stages, pd.DataFrame({"image": images, "winner": of_loss}), loss, read, asked, bins
        )
        for loss, of_loss in winners.items()
    ]
    return xr.concat(found, pd.Index([*winners], name="loss"))


def joined(shards: Sequence[xr.Dataset]) -> xr.Dataset:
    """The rankings of all shards of a data set, whose stages have the same timesteps."""
    return xr.concat(shards, "row", join="exact")


def _bins(stages: Sequence[xr.Dataset]) -> list[np.ndarray]:
    """The timesteps of each bin, which holds about equally many of the timesteps."""
    every = np.unique(np.concatenate([stage["timestep"].values for stage in stages]))
    return [part for part in np.array_split(every, BINS) if len(part)]


def _of_loss(
    stages: Sequence[xr.Dataset],
    rows: pd.DataFrame,
    loss: str,
    read: Errors,
    asked: pd.DataFrame | None,
    bins: Sequence[np.ndarray],
) -> xr.Dataset:
    """The rankings of `rows` (columns `image, winner`) under one loss."""
    shape = (len(rows), RANKED)
    classes, counts = np.full(shape, NONE, "int32"), np.zeros(shape, "int32")
    scores, spreads = np.full(shape, np.nan, "float32"), np.full(shape, np.nan, "float32")
    curves = np.full((len(rows), CURVES, len(bins)), np.nan, "float32")
    if len(rows):
        ranked = _ranked(stages, rows, loss, read, asked)
        measured = _measured(stages, ranked, loss, read)
        row, rank = place = ranked["row"].to_numpy(), ranked["rank"].to_numpy()
        errors, of_first = measured.errors, measured.errors[np.searchsorted(row, row)]
        mean, spreads[place], counts[place] = paired_differences(errors, of_first, measured.weights)
        classes[place], scores[place] = ranked["class"], -mean
        kept, values = rank < CURVES, np.where(rank[:, None], errors - of_first, errors)
        curves[row[kept], rank[kept]] = _binned(values[kept], measured.timesteps, bins)
    of_rank = ("row", "rank")
    return xr.Dataset(
        {
            "class": (of_rank, classes),
            "score": (of_rank, scores),
            "spread": (of_rank, spreads),
            "samples": (of_rank, counts),
            "error": (("row", "timestep"), curves[:, 0]),
            "difference": (("row", "other", "timestep"), curves[:, 1:]),
        },
        {"image": ("row", rows["image"]), "timestep": [part.mean() for part in bins]},
    )


def _ranked(
    stages: Sequence[xr.Dataset],
    rows: pd.DataFrame,
    loss: str,
    read: Errors,
    asked: pd.DataFrame | None,
) -> pd.DataFrame:
    """The columns `row, image, class, rank` from 0, sorted by row and rank."""
    means = mean_errors(stages, loss)
    named = means.assign(**{"class": read.class_of[means["prompt"]]})
    counts = named.groupby(["image", "class"], as_index=False)["samples"].max()
    errors = class_errors(means, read.class_of, read.combine).merge(counts, on=["image", "class"])
    found = rows.assign(row=np.arange(len(rows))).merge(errors, on="image")
    if asked is not None:
        found = found.merge(asked, on=["row", "class"])
    found["behind"] = found["class"] != found["winner"]
    order = ["row", "behind", "samples", "error", "class"]
    found = found.sort_values(order, ascending=[True, True, False, True, True], kind="stable")
    found = found.groupby("row").head(RANKED)
    return found.assign(rank=found.groupby("row").cumcount()).reset_index(drop=True)


def _measured(
    stages: Sequence[xr.Dataset], ranked: pd.DataFrame, loss: str, read: Errors
) -> ClassErrors:
    """The errors of the classes in `ranked`, in its order."""
    wanted = pd.MultiIndex.from_frame(ranked[["image", "class"]])
    few = []
    for stage in stages:
        named = [stage["image"].values, read.class_of[stage["prompt"].values]]
        few.append(stage.isel(pair=pd.MultiIndex.from_arrays(named).isin(wanted)))
    found = measured_errors(few, read.class_of, loss, read.combine)
    row = pd.MultiIndex.from_arrays([found.images, found.classes]).get_indexer(wanted)
    return replace(
        found, images=found.images[row], classes=found.classes[row], errors=found.errors[row]
    )


def _binned(values: np.ndarray, timesteps: np.ndarray, bins: Sequence[np.ndarray]) -> np.ndarray:
    """The means of `values` `(row, sample)` over the samples of each bin, `(row, bin)`."""
    at = np.searchsorted([part[0] for part in bins], timesteps, side="right") - 1
    belongs = np.eye(len(bins))[at]  # (sample, bin)
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(values) @ belongs / (~np.isnan(values) @ belongs)
