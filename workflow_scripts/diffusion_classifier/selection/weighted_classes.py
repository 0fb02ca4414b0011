"""Predictions with weights of timesteps that are learned on a few images of the same data set.

Everything is computed from stored errors. `labelled_draws` chooses the images whose labels are
used, `candidate_errors` reads errors as an array, and `weighted_predictions` learns the weights and
predicts all images that are in no draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import cost, losses_in
from diffusion_classifier.messages import InputError

from .timestep_weights import Weights, binned, bins, learn

if TYPE_CHECKING:
    import xarray as xr


class Candidates(NamedTuple):
    """The errors of images and of their candidate classes.

    `errors` is float64 `(image, candidate, timestep)`, in order of timestep, NaN where an image has
    fewer candidates than others; `classes` int64 `(image, candidate)` in ascending order, −1 there.
    `images` `(image,)` is sorted, and so are `timesteps` `(timestep,)`; both are int64.
    """

    errors: np.ndarray
    classes: np.ndarray
    images: np.ndarray
    timesteps: np.ndarray


def labelled_draws(
    labels: np.ndarray,
    draws: int = 1,
    seed: int = 0,
    per_class: int | None = None,
    fraction: float | None = None,
) -> list[np.ndarray]:
    """Positions in `labels` `(image,)` of the labelled images of each draw, int64, by class.

    Draws are disjoint. Each has `per_class` images of every class, or a `fraction` of all images,
    at least two, in about the shares of the classes. Raises InputError if no image would remain to
    be predicted, or a class would have none.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    _, of, counts = np.unique(labels[order], return_inverse=True, return_counts=True)
    rank = pd.Series(of).groupby(of).cumcount().to_numpy()
    if per_class is not None:
        if (few := counts.min()) <= draws * per_class:
            raise InputError(
                f"per_class: found {per_class} labelled images of each class in {draws} draws, but "
                f"a class has only {few} images, expected more, so that some remain to be "
                "predicted; lower `per_class` or `draws`, or take a `fraction`"
            )
        chosen = [order[rank // per_class == draw] for draw in range(draws)]
    else:
        size = max(2, round(fraction * len(labels)))
        if draws * size >= len(labels):
            raise InputError(
                f"fraction: found {fraction}, which are {size} of {len(labels)} images in each of "
                f"{draws} draws, so that none remains to be predicted; lower `fraction` or `draws`"
            )
        even = order[np.argsort((rank + 0.5) / counts[of], kind="stable")]
        chosen = [even[draw * size : (draw + 1) * size] for draw in range(draws)]
    return [draw[np.argsort(labels[draw], kind="stable")] for draw in chosen]


def pair_errors(
    stages: Sequence[xr.Dataset], loss: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images and prompts `(pair, 2)` int64, their errors `(pair, timestep)`, and the timesteps.

    `stages` are the files of one evaluation with a single stage, in any order. Errors of several
    noises of a timestep are averaged. Raises InputError if an error was not measured: after pruning
    or a race, means of different candidates are not of the same timesteps.
    """
    timesteps = np.unique(stages[0]["timestep"].values)
    errors, pairs = [], []
    for stage in stages:
        values = sum(stage[name].values.astype("float64") for name in loss.split("+"))
        at = stage["timestep"].values
        if np.isnan(values).any() or not np.array_equal(np.unique(at), timesteps):
            raise InputError(
                "errors: found some that were not measured (a race or a pruned stage leaves them "
                "out), expected every candidate at every timestep; weight an evaluation of a "
                "single stage with `timesteps: even`"
            )
        errors.append(np.stack([values[:, at == t].mean(axis=1) for t in timesteps], axis=1))
        pairs.append(np.stack([stage["image"].values, stage["prompt"].values], axis=1))
    return np.concatenate(pairs).astype("int64"), np.concatenate(errors), timesteps


def class_means(
    pairs: np.ndarray, errors: np.ndarray, class_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Images and classes `(pair, 2)`, sorted, and their errors: means over a class's prompts.

    `pairs` and `errors` are those of `pair_errors`; `class_of[prompt]` is a prompt's class.
    """
    named = np.stack([pairs[:, 0], class_of[pairs[:, 1]]], axis=1).astype("int64")
    found, of = np.unique(named, axis=0, return_inverse=True)
    sums = np.zeros((len(found), errors.shape[1]))
    np.add.at(sums, of, errors)
    return found, sums / np.bincount(of)[:, None]


def candidate_errors(stages: Sequence[xr.Dataset], class_of: np.ndarray, loss: str) -> Candidates:
    """The errors of one evaluation with a single stage, whose files are `stages` in any order.

    Errors of several noises of a timestep and of several prompts of a class are averaged.
    `class_of[prompt]` is the class that a prompt describes. Raises InputError as `pair_errors`.
    """
    pairs, measured, timesteps = pair_errors(stages, loss)
    pairs, means = class_means(pairs, measured, class_of)
    found, row = np.unique(pairs[:, 0], return_inverse=True)
    column = pd.Series(row).groupby(row).cumcount().to_numpy()
    errors = np.full((len(found), column.max() + 1, len(timesteps)), np.nan)
    candidates = np.full(errors.shape[:2], -1)
    errors[row, column], candidates[row, column] = means, pairs[:, 1]
    return Candidates(errors, candidates, found, timesteps)


def weighted_predictions(
    stages: Sequence[xr.Dataset],
    class_of: np.ndarray,
    labels: pd.DataFrame,
    draws: Sequence[np.ndarray],
    learned_from: Sequence[int] = (0,),
    pruning: str | None = None,
) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Predict the images in no draw with weights learned on the images of one; and these weights.

    `labels` has `image, label`, and `draws` are positions in it, of `labelled_draws`. Each number
    in `learned_from` is a draw to learn from, and gives a pair of tables. The labels of all other
    images are not used but copied into the predictions. These have the columns of
    `pruning.prediction_table`, one row per image and stored loss; if `pruning` names a loss, its
    rows are repeated under the name "pruning". Scores are minus the weighted mean error. Weights
    have the columns `loss, timestep, weight` (mean 1), and for each loss `penalty`, the chosen λ,
    and the cross-validated `log_loss` of it and `log_loss_equal` of equal weights.
    """
    held_out = np.setdiff1d(np.arange(len(labels)), np.concatenate(draws))
    rest = labels.iloc[held_out].merge(cost(stages), on="image")
    parts: dict[int, list[tuple[pd.DataFrame, pd.DataFrame]]] = {draw: [] for draw in learned_from}
    for loss in losses_in(stages):
        found = candidate_errors(stages, class_of, loss)
        for draw, tables in parts.items():
            weights = _learned(found, labels.iloc[draws[draw]], loss)
            count = int(class_of.max()) + 1
            table = _predicted(found, rest, weights["weight"].to_numpy(), count, loss)
            if loss == pruning:
                table = pd.concat([table, table.assign(loss="pruning")])
            tables.append((table, weights))
    return [
        tuple(pd.concat(each, ignore_index=True) for each in zip(*tables, strict=True))
        for tables in parts.values()
    ]


def _learned(found: Candidates, few: pd.DataFrame, loss: str) -> pd.DataFrame:
    """The weights learned on the images `few`, as `weighted_predictions` describes them."""
    row = np.searchsorted(found.images, few["image"])
    is_true = found.classes[row] == few["label"].to_numpy()[:, None]
    if not is_true.any(axis=1).all():
        image = few["image"].to_numpy()[~is_true.any(axis=1)][0]
        raise InputError(
            f"errors: found none of the class of image {image}, whose label is used, expected its "
            "class among its candidates; correct the prompts"
        )
    learned = learn(binned(found.errors[row]), is_true.argmax(axis=1))
    return weight_table(learned, found.timesteps, loss)


def weight_table(learned: Weights, timesteps: np.ndarray, loss: str) -> pd.DataFrame:
    """The weight of each of `timesteps`, and how it was chosen, as `weighted_predictions` says."""
    weights = learned.values[bins(len(timesteps))]
    table = pd.DataFrame({"loss": loss, "timestep": timesteps, "weight": weights / weights.mean()})
    return table.assign(
        penalty=learned.penalty,
        log_loss=learned.log_losses[learned.penalty],
        log_loss_equal=learned.log_losses[np.inf],
    )


def _predicted(
    found: Candidates, images: pd.DataFrame, weights: np.ndarray, count: int, loss: str
) -> pd.DataFrame:
    """The predictions of `images`; `weights` are `(timestep,)`, `count` is that of classes."""
    row = np.searchsorted(found.images, images["image"])
    scores = -(found.errors[row] @ weights) / len(weights)
    classes = found.classes[row]
    best = np.nanargmax(scores, axis=1)
    by_class = np.full((len(row), count), np.nan, "float32")
    item, candidate = np.nonzero(classes >= 0)
    by_class[item, classes[item, candidate]] = scores[item, candidate]
    table = images.assign(
        loss=loss,
        prediction=np.take_along_axis(classes, best[:, None], axis=1)[:, 0],
        scores=list(by_class),
    )
    return table[["image", "label", "loss", "prediction", "evaluations", "seconds", "scores"]]
