"""What a method says of each image: its best classes and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.rankings import NONE, RANKED

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Answers:
    """The ranking of one method, best class first; each row is an image, or an image in an item.

    `classes` is `(row, RANKED)` int32, NONE where a row has fewer classes, or the method was not
    asked. `scores` float32 are larger for a better match, in the method's own unit. `spread`
    float32 are their standard errors, NaN if unknown, and `samples` int32 the number of samples
    behind them, 0 if there are none.
    """

    classes: np.ndarray
    scores: np.ndarray
    spread: np.ndarray
    samples: np.ndarray

    @classmethod
    def empty(cls, rows: int) -> Answers:
        shape = (rows, RANKED)
        return cls(
            np.full(shape, NONE, "int32"),
            np.full(shape, np.nan, "float32"),
            np.full(shape, np.nan, "float32"),
            np.zeros(shape, "int32"),
        )

    def take(self, rows: np.ndarray) -> Answers:
        """The answers of some rows, given by their positions."""
        return Answers(*(part[rows] for part in self._parts()))

    def _parts(self) -> tuple[np.ndarray, ...]:
        return self.classes, self.scores, self.spread, self.samples

    @property
    def predictions(self) -> np.ndarray:
        """The predicted class of each row, `(row,)` int32."""
        return self.classes[:, 0]


@dataclass(frozen=True)
class Curves:
    """Errors over timesteps, binned: of the prediction, and what the next classes have more.

    `timesteps` is `(bin,)` float64. `errors` is `(row, bin)` and `differences` `(row, other, bin)`,
    float32, as in `selection.rankings`. NaN: there is no such sample.
    """

    timesteps: np.ndarray
    errors: np.ndarray
    differences: np.ndarray

    def take(self, rows: np.ndarray) -> Curves:
        """The curves of some rows, given by their positions."""
        return Curves(self.timesteps, self.errors[rows], self.differences[rows])


def from_rankings(found: xr.Dataset, loss: str, rows: np.ndarray) -> tuple[Answers, Curves]:
    """The rankings under a loss of `rows`, positions in the file; -1: it has no such row.

    Raises InputError if the loss was not measured.
    """
    if loss not in (measured := found["loss"].values.tolist()):
        raise InputError(
            f"loss: found {loss}, but the errors have none; expected one of {', '.join(measured)}; "
            "choose one"
        )
    found = found.sel(loss=loss)
    there = np.flatnonzero(rows >= 0)
    some = found.isel(row=rows[there])
    answers = Answers.empty(len(rows))
    for part, name in zip(answers._parts(), ("class", "score", "spread", "samples"), strict=True):
        part[there] = some[name].values
    errors, differences = (
        np.full((len(rows), *found[name].shape[1:]), np.nan, "float32")
        for name in ("error", "difference")
    )
    errors[there], differences[there] = some["error"].values, some["difference"].values
    return answers, Curves(found["timestep"].values, errors, differences)


def from_predictions(predictions: pd.DataFrame, images: np.ndarray, loss: str) -> Answers:
    """The answers of a predictions file to `images`, `(row,)`, each of which occurs once.

    Of a file with several losses, the rows of `loss` count. The predicted class comes first, and
    classes without a score (they had left, or the method has no scores) are not ranked. Images
    without a prediction have no answer: of a weighting, those that it learned from.
    """
    found = predictions[predictions["loss"].isin(["", loss])].set_index("image")
    there = np.flatnonzero(np.isin(images, found.index))
    found = found.loc[images[there]]
    predicted = found["prediction"].to_numpy()
    answers = Answers.empty(len(images))
    answers.classes[there, 0] = predicted
    if not len(there) or "scores" not in found or found["scores"].isna().any():
        return answers
    scores = np.stack(found["scores"].to_list()).astype("float64")
    classes, ranked = _best(scores, predicted)
    width = classes.shape[1]
    answers.classes[there, :width], answers.scores[there, :width] = classes, ranked
    return answers


def _best(scores: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best classes of scores `(row, class)`, the predicted one first, and their scores."""
    key = np.where(np.isnan(scores), -np.inf, scores)
    rows = np.arange(len(scores))
    known = key[rows, predicted] > -np.inf
    key[rows, predicted] = np.inf
    order = np.argsort(-key, axis=1, kind="stable")[:, :RANKED]
    best = np.take_along_axis(scores, order, axis=1)
    left = np.isnan(best)
    left[~known, 0] = False  # a prediction without a score
    return np.where(left, NONE, order), best


def from_similarities(
    similarity: pd.DataFrame,
    prompts: pd.DataFrame,
    rows: pd.DataFrame,
    asked: pd.DataFrame,
    loss: str,
) -> Answers:
    """The answers of a similarity table to `rows` of images and their right captions.

    `rows` has the columns `image, truth`, and `asked` (columns `row, class`) lists the captions of
    each row. A caption's score is the mean over its prompts. The right caption comes after others
    with the same score, as a tie is wrong (`scores.matching_metrics`).
    """
    number = similarity["prompt"].to_numpy()
    counts = similarity["loss"].isin(["", loss]) & ~is_unconditional(prompts).to_numpy()[number]
    found = similarity.assign(**{"class": prompts["classidx"].to_numpy()[number]})[counts]
    found = found.groupby(["image", "class"], as_index=False)["score"].mean()
    of_row = rows[["image", "truth"]].assign(row=np.arange(len(rows)))
    ranked = asked.merge(of_row, on="row").merge(found, on=["image", "class"])
    ranked["right"] = ranked["class"] == ranked["truth"]
    order = ["row", "score", "right"]
    ranked = ranked.sort_values(order, ascending=[True, False, True], kind="stable")
    ranked = ranked.groupby("row").head(RANKED)
    answers = Answers.empty(len(rows))
    place = ranked["row"].to_numpy(), ranked.groupby("row").cumcount().to_numpy()
    answers.classes[place], answers.scores[place] = ranked["class"], ranked["score"]
    return answers
