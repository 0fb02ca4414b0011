"""Accuracy by timestep and by number of evaluations, from exhaustive errors (paper, section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import loss_values, losses_in
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.schedules import evenly_spaced

from .accuracy import score
from .intervals import wilson_percent

if TYPE_CHECKING:
    import xarray as xr

COUNTS = (1, 2, 5, 10, 20, 25, 50, 125, 250)
"""Numbers of timesteps for which a curve has the accuracy, as far as there are so many."""


def curve_rows(errors: xr.Dataset, labels: pd.DataFrame) -> pd.DataFrame:
    """The curves of a data set under every stored loss, as rows of one table.

    Columns: `loss`, `classes` (their number) and those of `timestep_accuracy` and
    `accuracy_by_evaluations`; rows of the first have a `timestep`, those of the second, for
    `COUNTS`, have `samples` and `evaluations`.
    """
    parts, classes = [], len(np.unique(errors["prompt"]))
    for loss in losses_in([errors]):
        alone = timestep_accuracy(errors, labels, loss)
        possible = [count for count in COUNTS if count <= len(alone)]
        costs = accuracy_by_evaluations(errors, labels, loss, possible)
        parts += [part.assign(loss=loss, classes=classes) for part in (alone, costs)]
    return pd.concat(parts, ignore_index=True)


def by_timestep(rows: pd.DataFrame, loss: str) -> dict[str, pd.DataFrame]:
    """Data set → `timestep_accuracy`, of `curve_rows` with a column `dataset`.

    Raises InputError if the loss was not measured.
    """
    return _by_dataset(rows, loss, ["timestep"], ["samples", "evaluations"])


def by_evaluations(rows: pd.DataFrame, loss: str) -> dict[str, pd.DataFrame]:
    """Data set → `accuracy_by_evaluations`, otherwise as `by_timestep`."""
    return _by_dataset(rows, loss, ["samples", "evaluations"], ["timestep"])


def _by_dataset(
    rows: pd.DataFrame, loss: str, own: list[str], others: list[str]
) -> dict[str, pd.DataFrame]:
    found = of_loss(rows, loss)
    found = found[found[own[0]].notna()].drop(columns=["loss", *others])
    found = found.astype(dict.fromkeys(own, "int64"))
    return {
        name: of_set.drop(columns="dataset").reset_index(drop=True)
        for name, of_set in found.groupby("dataset", sort=False)
    }


def of_loss(rows: pd.DataFrame, loss: str) -> pd.DataFrame:
    """The rows of a loss; InputError if there is none, as it was not measured."""
    found = rows[rows["loss"] == loss]
    if found.empty:
        measured = ", ".join(pd.unique(rows["loss"]))
        raise InputError(
            f"loss: found {loss}, but the errors of the curves have none; expected one of "
            f"{measured}; choose one"
        )
    return found


def error_grid(
    errors: xr.Dataset, labels: pd.DataFrame, loss: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exhaustive errors as arrays: (values, timesteps, labels).

    `errors` has dims `pair, sample` and every image x prompt; each prompt counts as a class.
    `labels` has columns `image, label`; for `loss` see `loss_values`. Values are float64 `(image,
    class, sample)` with samples in order of timestep, timesteps `(sample,)`, labels `(image,)` as
    positions among the classes. Raises InputError if a pair is missing or not evaluated, an image
    has no label or the loss was not measured.
    """
    image, prompt = errors["image"].values, errors["prompt"].values
    images, classes = np.unique(image), np.unique(prompt)
    pair_order = np.lexsort((prompt, image))
    sample_order = np.lexsort((errors["noise"].values, errors["timestep"].values))
    values = loss_values(errors, loss)[np.ix_(pair_order, sample_order)]
    label = labels.drop_duplicates("image").set_index("image")["label"].reindex(images)
    if len(values) != len(images) * len(classes) or np.isnan(values).any():
        raise InputError(
            f"errors: found {len(values)} pairs for {len(images)} images x {len(classes)} classes, "
            "expected every class at every sample; compute the errors without pruning"
        )
    if label.isna().any():
        raise InputError(
            f"labels: found none for image {images[label.isna()][0]}, which has errors; give the "
            "labels of the same data set"
        )
    grid = values.reshape(len(images), len(classes), -1)
    truth = pd.Index(classes).get_indexer(label.astype("int64"))  # position among the classes
    return grid, errors["timestep"].values[sample_order], truth


def timestep_accuracy(errors: xr.Dataset, labels: pd.DataFrame, loss: str) -> pd.DataFrame:
    """Accuracy from each timestep alone, averaged over its noises (paper, figure on timesteps).

    Returns `timestep, accuracy, low, high`: percent, with the 95 % Wilson interval over images.
    """
    grid, timesteps, truth = error_grid(errors, labels, loss)
    rows = [
        (timestep, *_accuracy(grid[:, :, timesteps == timestep], truth))
        for timestep in np.unique(timesteps)
    ]
    return pd.DataFrame(rows, columns=["timestep", "accuracy", "low", "high"])


def accuracy_by_evaluations(
    errors: xr.Dataset, labels: pd.DataFrame, loss: str, counts: Sequence[int]
) -> pd.DataFrame:
    """Accuracy without pruning, from n evenly spaced timesteps for each n in `counts`.

    Returns `samples, evaluations, accuracy, low, high`; `evaluations` are network evaluations per
    image (timesteps x noises per timestep x classes); for the rest see `timestep_accuracy`.
    Raises InputError if a count is not between 1 and the number of timesteps.
    """
    grid, timesteps, truth = error_grid(errors, labels, loss)
    steps = np.unique(timesteps).tolist()
    rows = []
    for count in counts:
        if not 1 <= count <= len(steps):
            raise InputError(
                f"counts: found {count} samples, expected 1 to {len(steps)}, the timesteps of the "
                "errors; correct it"
            )
        chosen = grid[:, :, np.isin(timesteps, evenly_spaced(steps, count))]
        rows.append((count, chosen[0].size, *_accuracy(chosen, truth)))
    return pd.DataFrame(rows, columns=["samples", "evaluations", "accuracy", "low", "high"])


def schedules(predictions: Mapping[str, pd.DataFrame], loss: str) -> pd.DataFrame:
    """Accuracy and cost of finished schedules, for comparison with the curve.

    `predictions` maps a schedule's name to its predictions. Returns `method, evaluations,
    accuracy, low, high` as `accuracy_by_evaluations`, one row per schedule.
    """
    rows = []
    for name, found in predictions.items():
        measured = score(found[found["loss"] == loss], "", name, name).query("metric == 'top1'")
        rows.append(measured.assign(method=name).rename(columns={"value": "accuracy"}))
    columns = ["method", "evaluations", "accuracy", "low", "high"]
    return pd.concat(rows, ignore_index=True)[columns]


def _accuracy(errors: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Accuracy of the class of least mean error, `errors` being `(image, class, sample)`."""
    correct = errors.mean(axis=2).argmin(axis=1) == truth
    return wilson_percent(correct.sum(), len(correct))
