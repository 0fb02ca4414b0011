"""What measured errors say about each class of an image, also of classes that left early.

After pruning or a race, classes have different numbers of samples, and mean errors over different
timesteps cannot be compared. But all classes of an image share their samples (paper, section 4.1),
so a class can be compared with the image's best class over the class's own samples. That paired
difference and the number of samples behind it are the evidence on which probabilities rest
(`scores.calibration`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import loss_values, sample_weights

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class ClassErrors:
    """The errors of images' classes at every sample.

    Row r is the class `classes[r]` of the image `images[r]`, both int64; rows are sorted by image
    and class. `errors` `(row, sample)` is float64, NaN where a class was not measured. `timesteps`
    int64 and `weights` float64 `(sample,)` belong to the samples of all stages, which are in order
    of their noise.
    """

    images: np.ndarray
    classes: np.ndarray
    errors: np.ndarray
    timesteps: np.ndarray
    weights: np.ndarray

    def grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The images `(image,)`, classes `(class,)` and errors `(image, class, sample)`."""
        images, image = np.unique(self.images, return_inverse=True)
        classes, of_class = np.unique(self.classes, return_inverse=True)
        errors = np.full((len(images), len(classes), self.errors.shape[1]), np.nan)
        errors[image, of_class] = self.errors
        return images, classes, errors


@dataclass(frozen=True)
class Evidence:
    """The evidence about images and classes.

    `images` `(image,)` and `classes` `(class,)` are sorted, int64. `difference` `(image, class)`
    float64 is the error of a class minus that of the image's best class, a weighted mean over the
    samples of the class; 0 for the best class, NaN for a class without samples. `samples`
    `(image, class)` float64 is the effective number of these samples, (Σw)² / Σw² (Kish 1965).
    """

    images: np.ndarray
    classes: np.ndarray
    difference: np.ndarray
    samples: np.ndarray


def evidence(
    stages: Sequence[xr.Dataset], class_of: np.ndarray, loss: str, combine: str = "mean"
) -> Evidence:
    """The evidence in `stages`, which are described by `measured_errors`.

    The best class of an image has the least mean error among those with the most samples, as in
    `pruning.prediction_table`.

    >>> import xarray as xr
    >>> errors = xr.Dataset(
    ...     {"l2": (("pair", "sample"), [[1.0, 2.0], [2.0, np.nan]])},
    ...     {"image": ("pair", [0, 0]), "prompt": ("pair", [0, 1]),
    ...      "timestep": ("sample", [5, 9]), "noise": ("sample", [0, 1])},
    ... )
    >>> found = evidence([errors], np.array([0, 1]), "l2")
    >>> found.difference.tolist(), found.samples.tolist()
    ([[0.0, 1.0]], [[2.0, 1.0]])
    """
    return evidence_in(measured_errors(stages, class_of, loss, combine))


def evidence_in(measured: ClassErrors) -> Evidence:
    """The `evidence` in errors that were read already."""
    (images, classes, errors), weights = measured.grid(), measured.weights
    seen = ~np.isnan(errors)
    counts, total = seen.sum(axis=2), seen @ weights
    means = weighted_means(errors, weights)
    means[counts < counts.max(axis=1, keepdims=True)] = np.nan
    best = errors[np.arange(len(images)), np.nanargmin(means, axis=1)]
    difference, _, _ = paired_differences(errors, best[:, None], weights)
    with np.errstate(invalid="ignore"):
        effective = np.where(total > 0, total**2 / (seen @ weights**2), 0.0)
    return Evidence(images, classes, difference, effective)


def weighted_means(errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The means `(...)` of `errors` `(..., sample)` over measured samples; NaN without one."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(errors) @ weights / (~np.isnan(errors) @ weights)


def paired_differences(
    errors: np.ndarray, best: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean differences of `errors` to those of the best class, their standard errors, and counts.

    `errors` is `(..., sample)`, `best` is broadcast to it, and the results are `(...)`. Means have
    the `weights` `(sample,)` and are over the samples that both classes have, which are counted.
    With weights that add up to 1, the standard error is the root of n/(n - 1) Σᵢ wᵢ² (dᵢ - d)²; for
    equal weights that is the standard deviation (n - 1) of the differences / √n. It is NaN for one
    sample, and treats samples as independent, although their timesteps are evenly spaced.
    """
    differences = errors - best
    seen = ~np.isnan(differences)
    counts, means = seen.sum(axis=-1), weighted_means(differences, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = seen * weights / (seen @ weights)[..., None]
        apart = np.nan_to_num(differences) - means[..., None]
        widened = np.where(counts > 1, counts / (counts - 1), np.nan)
        spread = np.sqrt(widened * (shares**2 * apart**2).sum(axis=-1))
    return means, spread, counts


def measured_errors(
    stages: Sequence[xr.Dataset], class_of: np.ndarray, loss: str, combine: str = "mean"
) -> ClassErrors:
    """The errors in `stages`, the error files of one evaluation in any order.

    `class_of[prompt]` is the class that a prompt describes; the errors of a class with several
    prompts are their mean, or, with `combine` "best", those of its prompt of least mean error.
    Raises InputError if the loss was not measured.
    """
    # a stage is empty if earlier ones had all its timesteps, or no class of a part was left
    stages = [stage for stage in stages if stage.sizes["sample"] and stage.sizes["pair"]]
    noises = np.unique(np.concatenate([stage["noise"].values for stage in stages]))
    timesteps, weights = np.zeros(len(noises), "int64"), np.ones(len(noises))
    keys = [np.stack([s["image"].values, s["prompt"].values], axis=1) for s in stages]
    pairs, row = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    errors = np.full((len(pairs), len(noises)), np.nan)
    rows = np.split(row, np.cumsum([len(key) for key in keys])[:-1])
    for stage, of_stage in zip(stages, rows, strict=True):
        column = np.searchsorted(noises, stage["noise"].values)
        timesteps[column], weights[column] = stage["timestep"].values, sample_weights(stage)
        errors[of_stage[:, None], column] = loss_values(stage, loss)
    named = np.stack([pairs[:, 0], class_of[pairs[:, 1]]], axis=1)
    found, of = np.unique(named, axis=0, return_inverse=True)
    reduced = _mean if combine == "mean" else _best
    if len(found) == len(pairs):  # one prompt for each class
        errors = errors[np.argsort(of)]
    else:
        members = pd.Series(range(len(pairs))).groupby(of).agg(list)
        errors = np.stack([reduced(errors[prompts], weights) for prompts in members])
    return ClassErrors(found[:, 0], found[:, 1], errors, timesteps, weights)


def _mean(errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of a class's prompts at each sample; all of them leave at the same time."""
    return errors.mean(axis=0)


def _best(errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The errors of a class's prompt of least weighted mean."""
    return errors[(np.nan_to_num(errors) @ weights).argmin()]


def joined(parts: Sequence[Evidence]) -> Evidence:
    """The evidence of several shards of a data set, with different images and the same classes."""
    images = np.concatenate([part.images for part in parts])
    classes = np.unique(np.concatenate([part.classes for part in parts]))
    found = np.full((len(images), len(classes)), np.nan), np.zeros((len(images), len(classes)))
    start = 0
    for part in parts:
        rows = slice(start, start + len(part.images))
        columns = np.searchsorted(classes, part.classes)
        found[0][rows, columns], found[1][rows, columns] = part.difference, part.samples
        start = rows.stop
    order = np.argsort(images, kind="stable")
    return Evidence(images[order], classes, found[0][order], found[1][order])
