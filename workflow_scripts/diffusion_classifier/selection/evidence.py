"""What measured errors say about each class of an image, also of classes that left early.

After pruning or a race, classes have different numbers of samples, and mean errors over different
timesteps cannot be compared. But all classes of an image share their samples, so a class can be
compared with the image's best class over the class's own samples. That paired difference and the
number of samples behind it are the evidence on which probabilities rest (`scores.calibration`).
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
    """The evidence in `stages`, the error files of one evaluation in any order.

    `class_of[prompt]` is the class that a prompt describes; the error of a class with several
    prompts is their mean, or, with `combine` "best", that of its prompt of least mean error. The
    best class of an image has the least mean error among those with the most samples, as in
    `pruning.prediction_table`. Raises InputError if the loss was not measured.

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
    return evidence_in(*sample_errors(stages, class_of, loss, combine))


def evidence_in(
    images: np.ndarray, classes: np.ndarray, errors: np.ndarray, weights: np.ndarray
) -> Evidence:
    """The evidence in what `sample_errors` returns."""
    seen = ~np.isnan(errors)
    values, counts = np.nan_to_num(errors), seen.sum(axis=2)
    total = seen @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (values @ weights) / total
        effective = np.where(total > 0, total**2 / (seen @ weights**2), 0.0)
    means[counts < counts.max(axis=1, keepdims=True)] = np.nan
    best = np.nanargmin(means, axis=1)
    of_best = values[np.arange(len(images)), best]
    gap = ((values - of_best[:, None]) * seen) @ weights
    with np.errstate(invalid="ignore"):
        return Evidence(images, classes, np.where(total > 0, gap / total, np.nan), effective)


def sample_errors(
    stages: Sequence[xr.Dataset], class_of: np.ndarray, loss: str, combine: str = "mean"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images `(image,)`, classes `(class,)`, errors `(image, class, sample)`, weights `(sample,)`.

    Samples are those of all stages, in order of their noise. Errors are float64, NaN where a class
    was not measured. See `evidence` for `combine`.
    """
    # a stage is empty if earlier ones had all its timesteps, or no class of a part was left
    stages = [stage for stage in stages if stage.sizes["sample"] and stage.sizes["pair"]]
    noises = np.unique(np.concatenate([stage["noise"].values for stage in stages]))
    weights = np.ones(len(noises))
    keys = [np.stack([s["image"].values, s["prompt"].values], axis=1) for s in stages]
    pairs, row = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    errors = np.full((len(pairs), len(noises)), np.nan)
    rows = np.split(row, np.cumsum([len(key) for key in keys])[:-1])
    for stage, of_stage in zip(stages, rows, strict=True):
        column = np.searchsorted(noises, stage["noise"].values)
        weights[column] = sample_weights(stage)
        errors[of_stage[:, None], column] = loss_values(stage, loss)
    images, image = np.unique(pairs[:, 0], return_inverse=True)
    classes, of_class = np.unique(class_of[pairs[:, 1]], return_inverse=True)
    found = np.full((len(images), len(classes), len(noises)), np.nan)
    reduced = _mean if combine == "mean" else _best
    if len(np.unique(image * len(classes) + of_class)) == len(pairs):  # one prompt for each class
        found[image, of_class] = errors
    else:
        grouped = pd.Series(np.arange(len(pairs))).groupby([image, of_class]).agg(list)
        for (i, c), members in grouped.items():
            found[i, c] = reduced(errors[members], weights)
    return images, classes, found, weights


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
