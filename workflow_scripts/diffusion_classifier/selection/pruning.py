"""Turn errors into decisions: which classes stay after a stage, and which class is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import cost, loss_values, losses_in, sample_weights

from .candidates import pairs_of_classes

if TYPE_CHECKING:
    import xarray as xr


def mean_errors(stages: Sequence[xr.Dataset], loss: str) -> pd.DataFrame:
    """Mean error of each pair over its samples: columns `image, prompt, error, samples`.

    `stages` are error files of one evaluation, in any order; `samples` counts the samples of the
    pair. `l2+vlb` is the sum of both means, the objective DiT was trained with (paper, table 3).
    Raises InputError as `loss_values`.
    """
    parts = []
    for stage in stages:
        # a stage is empty if earlier ones had all its timesteps, or no class of this part is left
        if not stage.sizes["sample"] or not stage.sizes["pair"]:
            continue
        values = loss_values(stage, loss)
        seen, weights = ~np.isnan(values), sample_weights(stage)
        parts.append(
            pd.DataFrame(
                {
                    "image": stage["image"].values,
                    "prompt": stage["prompt"].values,
                    "error": np.where(seen, values, 0.0) @ weights,
                    "weight": seen @ weights,
                    "samples": seen.sum(axis=1),
                }
            )
        )
    sums = pd.concat(parts).groupby(["image", "prompt"], as_index=False).sum()
    sums["error"] /= sums.pop("weight")
    return sums


def class_errors(errors: pd.DataFrame, class_of: np.ndarray, combine: str) -> pd.DataFrame:
    """Errors per class, `image, class, error`: the mean or the least over the class's prompts.

    `class_of[prompt]` is the class (position in the list of classes) that a prompt describes.
    """
    named = errors.assign(**{"class": class_of[errors["prompt"]]})
    reduced = named.groupby(["image", "class"], as_index=False)["error"]
    return reduced.mean() if combine == "mean" else reduced.min()


def best_classes(errors: pd.DataFrame, keep: int) -> pd.DataFrame:
    """The `keep` classes of least error for every image; of equal errors the earlier class."""
    ordered = errors.sort_values(["image", "error", "class"], kind="stable")
    return ordered.groupby("image").head(keep).reset_index(drop=True)


def survivors(
    stages: Sequence[xr.Dataset],
    candidates: pd.DataFrame,
    class_of: np.ndarray,
    keep: int,
    loss: str,
    combine: str = "mean",
) -> pd.DataFrame:
    """The pairs `image, prompt` of the classes that stay after the last of `stages`.

    `candidates` are the pairs of that stage; errors are averaged over all stages so far.
    A class stays or leaves with all its prompts.
    """
    errors = candidates[["image", "prompt"]].merge(mean_errors(stages, loss))
    best = best_classes(class_errors(errors, class_of, combine), keep)
    return pairs_of_classes(errors, class_of, best)


def prediction_table(
    stages: Sequence[xr.Dataset],
    candidates: pd.DataFrame,
    class_of: np.ndarray,
    labels: pd.DataFrame,
    combine: str = "mean",
    pruning: str | None = None,
    coarse: Sequence[xr.Dataset] = (),
    searched: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The predictions of an evaluation, or of a shard of it: one row per image and stored loss.

    Columns: `image, label, loss, prediction, evaluations, seconds, scores`. The prediction is the
    class of least error among `candidates`, the pairs of the last stage, or, after a race, among
    the pairs that reached its end. `scores` is minus the error per class index, float32, NaN for
    classes that were dropped before. `labels` has the columns `image, label`. `pruning` is the loss
    by which stages were pruned; its rows are repeated with the loss "pruning", so that data sets
    pruned by different losses can be compared. `coarse` are the errors of a stage of groups and
    `searched` is the table of a search; they add to `evaluations` and `seconds` only.
    """
    spent = cost([*coarse, *stages])
    if searched is not None:
        spent += searched.set_index("image")[[*spent.columns]].loc[spent.index]
    images = labels.merge(spent, on="image")
    rows = []
    for loss in losses_in(stages):
        errors = candidates[["image", "prompt"]].merge(mean_errors(stages, loss))
        most = errors.groupby("image")["samples"].transform("max")
        per_class = class_errors(errors[errors["samples"] == most], class_of, combine)
        scores = -per_class.pivot(index="image", columns="class", values="error")
        scores = scores.reindex(columns=range(int(class_of.max()) + 1)).loc[images["image"]]
        best = best_classes(per_class, 1).set_index("image")["class"]
        predicted = {
            "prediction": best.loc[images["image"]].to_numpy("int64"),
            "scores": list(scores.to_numpy("float32")),
        }
        rows.append(images.assign(loss=loss, **predicted))
    columns = ["image", "label", "loss", "prediction", "evaluations", "seconds", "scores"]
    table = pd.concat(rows, ignore_index=True)[columns]
    if pruning is None:
        return table
    repeated = table[table["loss"] == pruning].assign(loss="pruning")
    return pd.concat([table, repeated], ignore_index=True)
