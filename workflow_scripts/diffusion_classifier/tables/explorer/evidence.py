"""What the errors of a diffusion classifier say of each image: ranked classes, and their errors.

All classes of an image are measured at the same samples, so a class is compared with the predicted
one by the differences of their errors at the samples that both have (paper, section 4.1). Such a
mean difference can be compared between classes that left at different stages, unlike an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import loss_values, sample_weights
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
    `mean`, or are those of the best prompt (`min`).
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
    the module's docstring, and `Answers.spread` their standard errors: the root of
    n/(n - 1) Σᵢ wᵢ² (dᵢ - d)² with weights that add up to 1, NaN for one sample. It treats samples
    as independent.
    """
    found = Answers.empty(len(rows))
    curves: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for stages in shards:
        stages = [_of_images(stage, rows["image"]) for stage in stages]
        if not any(stage.sizes["pair"] and stage.sizes["sample"] for stage in stages):
            continue
        ranked = _ranked(stages, rows, winners, read, asked)
        errors, samples = _sample_errors(stages, ranked, read)
        place = (ranked["row"].to_numpy(), ranked["rank"].to_numpy())
        first = np.searchsorted(ranked["row"].to_numpy(), ranked["row"].to_numpy())
        difference = errors - errors[first]
        found.classes[place] = ranked["class"]
        mean, spread, counts = _summary(difference, samples["weight"].to_numpy())
        found.scores[place], found.spread[place], found.samples[place] = -mean, spread, counts
        curves.append((*place, np.where(place[1][:, None], difference, errors), samples))
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


def _sample_errors(
    stages: Sequence[xr.Dataset], ranked: pd.DataFrame, read: Errors
) -> tuple[np.ndarray, pd.DataFrame]:
    """The errors of `ranked` at all samples, float64, NaN if not measured; `timestep, weight`.

    Class parts have the same samples, and a row's classes may be in different parts: a sample is
    known by its timestep and noise.
    """
    keys = [
        pd.DataFrame({"timestep": s["timestep"].values, "noise": s["noise"].values,
                      "weight": sample_weights(s)})
        for s in stages
    ]  # fmt: skip
    samples = pd.concat(keys).drop_duplicates(["timestep", "noise"]).reset_index(drop=True)
    known = pd.MultiIndex.from_frame(samples[["timestep", "noise"]])
    wanted = pd.MultiIndex.from_frame(ranked[["image", "class"]].drop_duplicates())
    total = np.zeros((len(wanted), len(samples)))
    count = np.zeros(total.shape)
    best = _best_prompts(stages, read) if read.combine == "min" else None
    for stage, key in zip(stages, keys, strict=True):
        image, prompt = stage["image"].values, stage["prompt"].values
        place = wanted.get_indexer(pd.MultiIndex.from_arrays([image, read.class_of[prompt]]))
        used = place >= 0
        if best is not None:
            used &= pd.MultiIndex.from_arrays([image, prompt]).isin(best)
        if not used.any() or not len(key):
            continue
        columns = known.get_indexer(pd.MultiIndex.from_frame(key[["timestep", "noise"]]))
        values = loss_values(stage.isel(pair=np.flatnonzero(used)), read.loss)
        place = place[used]
        number = pd.Series(place).groupby(place).cumcount().to_numpy()  # of a class's prompts
        for one in range(number.max() + 1):
            at = np.ix_(place[number == one], columns)
            total[at] += np.nan_to_num(values[number == one])
            count[at] += ~np.isnan(values[number == one])
    with np.errstate(invalid="ignore"):
        errors = total / np.where(count, count, np.nan)
    return errors[wanted.get_indexer(pd.MultiIndex.from_frame(ranked[["image", "class"]]))], samples


def _best_prompts(stages: Sequence[xr.Dataset], read: Errors) -> pd.MultiIndex:
    """The prompt of least mean error of each image and class, as pairs of image and prompt."""
    means = mean_errors(stages, read.loss)
    means = means.assign(**{"class": read.class_of[means["prompt"]]})
    best = means.sort_values("error", kind="stable").drop_duplicates(["image", "class"])
    return pd.MultiIndex.from_frame(best[["image", "prompt"]])


def _summary(
    difference: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted mean, its standard error, and the number of samples, of each row of differences."""
    there = ~np.isnan(difference)
    weight = there * weights
    counts = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = weight / weight.sum(axis=1, keepdims=True)
        mean = np.nansum(weight * np.nan_to_num(difference), axis=1)
        squares = (weight**2 * (np.nan_to_num(difference) - mean[:, None]) ** 2).sum(axis=1)
        spread = np.sqrt(squares * counts / (counts - 1))
    return mean, np.where(counts > 1, spread, np.nan), counts


def _binned(curves: Sequence[tuple], rows: int) -> Curves:
    """The `Curves` of all shards; each bin holds about equally many of the timesteps."""
    every = [samples["timestep"].to_numpy() for *_, samples in curves] or [np.zeros(0)]
    parts = [part for part in np.array_split(np.unique(np.concatenate(every)), BINS) if len(part)]
    edges = [part[0] for part in parts]
    timesteps = np.array([part.mean() for part in parts])
    found = np.full((rows, CURVES, len(parts)), np.nan, "float32")
    for row, rank, values, samples in curves:
        at = np.searchsorted(edges, samples["timestep"], side="right") - 1
        kept = rank < CURVES
        there = ~np.isnan(values[kept])
        belongs = np.eye(len(parts))[at]  # (sample, bin)
        with np.errstate(invalid="ignore"):
            means = np.nan_to_num(values[kept]) @ belongs / (there @ belongs)
        found[row[kept], rank[kept]] = means
    return Curves(timesteps, found[:, 0], found[:, 1:])
