"""What the errors of a diffusion classifier say of each image: ranked classes, and their errors.

All classes of an image are measured at the same samples, so a class is compared with the predicted
one by the differences of their errors at the samples that both have (paper, section 4.1). Such a
mean difference can be compared between classes that left at different stages, unlike an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.selection.evidence import (
    ClassErrors,
    measured_errors,
    paired_differences,
)
from diffusion_classifier.selection.pruning import class_errors, mean_errors

from .answers import RANKED, Answers

if TYPE_CHECKING:
    import xarray as xr

BINS = 20
"""Most points of a curve of errors over timesteps."""
CURVES = 3
"""Classes of each image whose errors over timesteps are kept."""


@dataclass(frozen=True)
class Curves:
    """Errors over timesteps, binned: of the prediction, and what the next classes have more.

    `timesteps` is `(bin,)` float64. `errors` is `(row, bin)` float32, the mean error of the
    predicted class; `differences` is `(row, CURVES - 1, bin)` float32, the mean difference of the
    next classes to it at the samples that both have. NaN: there is no such sample.
    """

    timesteps: np.ndarray
    errors: np.ndarray
    differences: np.ndarray

    def take(self, rows: np.ndarray) -> Curves:
        """The curves of some rows, given by their positions."""
        return Curves(self.timesteps, self.errors[rows], self.differences[rows])


@dataclass(frozen=True)
class Errors:
    """How the stored errors of an evaluation are read.

    `class_of[prompt]` is a prompt's class; the errors of a class's prompts are combined by their
    `mean`, or are those of the `best` prompt.
    """

    class_of: np.ndarray
    loss: str
    combine: str = "mean"


def evidence(
    shards: Iterable[Sequence[xr.Dataset]],
    rows: pd.DataFrame,
    winners: np.ndarray,
    read: Errors,
    asked: pd.DataFrame | None = None,
) -> tuple[Answers, Curves]:
    """The best RANKED classes of each row of `rows` (column `image`), and their `Curves`.

    `shards` are the error files of each shard, of all stages and class parts; `winners` are the
    predicted classes, `(row,)`. `asked` limits the classes of a row (columns `row, class`). The
    predicted class is first; then come the classes that were measured at most samples, of these
    those of least error, as in `selection.pruning`. `Answers.scores` are minus the differences of
    the module's docstring, and `Answers.spread` their standard errors, as in
    `selection.evidence.paired_differences`.
    """
    found = Answers.empty(len(rows))
    curves: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for stages in shards:
        stages = [_of_images(stage, rows["image"]) for stage in stages]
        if not any(stage.sizes["pair"] and stage.sizes["sample"] for stage in stages):
            continue
        ranked = _ranked(stages, rows, winners, read, asked)
        measured = _measured(stages, ranked, read)
        row, rank = place = ranked["row"].to_numpy(), ranked["rank"].to_numpy()
        errors, of_first = measured.errors, measured.errors[np.searchsorted(row, row)]
        found.classes[place] = ranked["class"]
        mean, spread, counts = paired_differences(errors, of_first, measured.weights)
        found.scores[place], found.spread[place], found.samples[place] = -mean, spread, counts
        values = np.where(rank[:, None], errors - of_first, errors)
        curves.append((row, rank, values, measured.timesteps))
    return found, _binned(curves, len(rows))


def _of_images(stage: xr.Dataset, images: pd.Series) -> xr.Dataset:
    return stage.isel(pair=np.flatnonzero(np.isin(stage["image"].values, images)))


def _ranked(
    stages: Sequence[xr.Dataset],
    rows: pd.DataFrame,
    winners: np.ndarray,
    read: Errors,
    asked: pd.DataFrame | None,
) -> pd.DataFrame:
    """The columns `row, image, class, rank` from 0, sorted by row and rank."""
    means = mean_errors(stages, read.loss)
    named = means.assign(**{"class": read.class_of[means["prompt"]]})
    counts = named.groupby(["image", "class"], as_index=False)["samples"].max()
    errors = class_errors(means, read.class_of, read.combine).merge(counts, on=["image", "class"])
    numbered = rows[["image"]].assign(row=np.arange(len(rows)), winner=winners)
    found = numbered.merge(errors, on="image")
    if asked is not None:
        found = found.merge(asked, on=["row", "class"])
    found["behind"] = found["class"] != found["winner"]
    order = ["row", "behind", "samples", "error", "class"]
    found = found.sort_values(order, ascending=[True, True, False, True, True], kind="stable")
    found = found.groupby("row").head(RANKED)
    return found.assign(rank=found.groupby("row").cumcount()).reset_index(drop=True)


def _measured(stages: Sequence[xr.Dataset], ranked: pd.DataFrame, read: Errors) -> ClassErrors:
    """The errors of the classes in `ranked`, in its order."""
    wanted = pd.MultiIndex.from_frame(ranked[["image", "class"]])
    few = []
    for stage in stages:
        named = [stage["image"].values, read.class_of[stage["prompt"].values]]
        few.append(stage.isel(pair=pd.MultiIndex.from_arrays(named).isin(wanted)))
    found = measured_errors(few, read.class_of, read.loss, read.combine)
    row = pd.MultiIndex.from_arrays([found.images, found.classes]).get_indexer(wanted)
    return replace(
        found, images=found.images[row], classes=found.classes[row], errors=found.errors[row]
    )


def _binned(curves: Sequence[tuple], rows: int) -> Curves:
    """The `Curves` of all shards; each bin holds about equally many of the timesteps."""
    every = [at for *_, at in curves] or [np.zeros(0)]
    parts = [part for part in np.array_split(np.unique(np.concatenate(every)), BINS) if len(part)]
    edges = [part[0] for part in parts]
    timesteps = np.array([part.mean() for part in parts])
    found = np.full((rows, CURVES, len(parts)), np.nan, "float32")
    for row, rank, values, sampled in curves:
        at = np.searchsorted(edges, sampled, side="right") - 1
        kept = rank < CURVES
        there = ~np.isnan(values[kept])
        belongs = np.eye(len(parts))[at]  # (sample, bin)
        with np.errstate(invalid="ignore"):
            means = np.nan_to_num(values[kept]) @ belongs / (there @ belongs)
        found[row[kept], rank[kept]] = means
    return Curves(timesteps, found[:, 0], found[:, 1:])
