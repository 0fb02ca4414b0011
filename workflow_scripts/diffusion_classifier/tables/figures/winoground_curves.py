"""Numbers and sentences on Winoground besides its scores: error differences, guessing, examples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.data.sources.image_source import decode, encode
from diffusion_classifier.engine.error_files import loss_values
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.compositional import METRICS
from diffusion_classifier.scores.intervals import wilson_percent
from diffusion_classifier.tables.texts.wide_tables import interval_text

if TYPE_CHECKING:
    import xarray as xr

TAGS = {"object": "Object", "relation": "Relation", "both": "Both", "average": "Average"}
CHANCE = {
    "text_score": 25.0,
    "image_score": 25.0,
    "group_score": 100 / 6,
    "calibrated_image_score": 25.0,
}
"""The scores of guessing, in percent. For the calibrated image score this is the maximum: it is
reached if the four differences s_ci - u_i are independent draws from one distribution. If all s and
u are independent draws from one distribution, the score is 1/6."""


def error_differences(
    errors: xr.Dataset, data: pd.DataFrame, prompts: pd.DataFrame, loss: str
) -> pd.DataFrame:
    """How much worse the wrong caption predicts the noise than the right one, per timestep.

    `errors` has dims `pair, sample` and both captions of an example for both its images; `data`
    is the Winoground table. Columns `image, example, tag, timestep, difference` (error of the
    other image's caption minus error of its own, mean over the timestep's noises and a
    caption's prompts; positive: the right caption is better), sorted by image and timestep;
    images without any error are left out. For `loss` see `loss_values`. Raises InputError
    if the errors lack the loss, or a caption of an image was not evaluated.
    """
    by_caption = _errors_by_caption(errors, prompts, loss)
    found = data[data["image"].isin(by_caption.index.unique(0))]
    right = pd.MultiIndex.from_frame(found[["image", "label"]])
    wrong = pd.MultiIndex.from_arrays([found["image"], _other_label(data)[found.index]])
    values = by_caption.reindex(wrong).to_numpy() - by_caption.reindex(right).to_numpy()
    if np.isnan(values).any():
        image = found["image"].to_numpy()[np.isnan(values).any(axis=1)][0]
        raise InputError(
            f"errors: found image {image} without an error for one of its example's two captions, "
            "expected both at every sample; compute the errors without pruning"
        )
    wide = pd.DataFrame(values, columns=by_caption.columns)
    wide = pd.concat([found[["image", "example", "tag"]].reset_index(drop=True), wide], axis=1)
    long = wide.melt(["image", "example", "tag"], var_name="timestep", value_name="difference")
    long = long.astype({"timestep": "int64"})
    return long.sort_values(["image", "timestep"], ignore_index=True)


def _errors_by_caption(errors: xr.Dataset, prompts: pd.DataFrame, loss: str) -> pd.DataFrame:
    """Mean errors, float64: index (image, label of the caption), a column per timestep."""
    values, prompt = loss_values(errors, loss), errors["prompt"].values
    named = ~is_unconditional(prompts).to_numpy()[prompt]
    index = [errors["image"].values[named], prompts["classidx"].to_numpy()[prompt[named]]]
    frame = pd.DataFrame(values[named], index=pd.MultiIndex.from_arrays(index))
    frame.columns = errors["timestep"].values
    return frame.T.groupby(level=0).mean().T.groupby(level=[0, 1]).mean()


def _other_label(data: pd.DataFrame) -> pd.Series:
    """The label of the other image of the same example, with the index of `data`."""
    if not data.groupby("example")["image"].transform("size").eq(2).all():
        raise InputError(
            "data: found an example that does not have two images, expected Winoground's pairs; "
            "recompute the data set"
        )
    return data.groupby("example")["label"].transform("sum") - data["label"]


def timestep_text_score(
    errors: xr.Dataset, data: pd.DataFrame, prompts: pd.DataFrame, loss: str
) -> pd.DataFrame:
    """The text score from each timestep alone, per tag and over all examples (`average`).

    Columns `tag` (a key of `TAGS`), `timestep, value, low, high`: percent, with the 95 % Wilson
    interval over examples. Raises InputError as `error_differences`.
    """
    found = error_differences(errors, data, prompts, loss)
    right = found.assign(right=found["difference"] > 0)
    right = right.groupby(["tag", "example", "timestep"], as_index=False)["right"].all()
    every = pd.concat([right.assign(tag=right["tag"].str.lower()), right.assign(tag="average")])
    counts = every.groupby(["tag", "timestep"], as_index=False)["right"].agg(["sum", "size"])
    counts["tag"] = pd.Categorical(counts["tag"], TAGS)
    counts = counts.sort_values(["tag", "timestep"], ignore_index=True).astype({"tag": str})
    value, low, high = wilson_percent(counts["sum"], counts["size"])
    return counts[["tag", "timestep"]].assign(value=value, low=low, high=high)


def choose_examples(data: pd.DataFrame, images: Collection[int], count: int) -> list[int]:
    """`count` examples with both images in `images`: the first of each tag, then the second, …"""
    both = data["image"].isin(list(images)).groupby(data["example"]).transform("all")
    examples = data[both].drop_duplicates("example")
    turn = examples.groupby("tag").cumcount()
    return examples.assign(turn=turn).sort_values("turn", kind="stable")["example"].tolist()[:count]


def as_seen(data: pd.DataFrame, preprocess: Mapping[str, Any]) -> pd.DataFrame:
    """`data` with its images padded, resized and cropped by a model's `preprocess`.

    An empty `preprocess` leaves images unchanged. Raises InputError as `Preprocess` does.
    """
    if not preprocess:
        return data
    from diffusion_classifier.data.preprocess import Preprocess  # late: it imports torch

    resized = Preprocess(**preprocess).resized
    return data.assign(bytes=[encode(resized(decode(image))) for image in data["bytes"]])


def one_image_wins(scored: pd.DataFrame) -> str:
    """How many examples have one image that scores higher under both captions, as a sentence.

    `scored` is `compositional.example_scores` for one loss.
    """
    first = (scored["s00"] > scored["s01"]) & (scored["s10"] > scored["s11"])
    second = (scored["s00"] < scored["s01"]) & (scored["s10"] < scored["s11"])
    wins, n = int((first | second).sum()), len(scored)
    share = interval_text(*wilson_percent(wins, n))
    return (
        f"In {wins} of {n} examples ({share} %), the same image has the lower error under both "
        "captions; the image score is lost there, whatever the captions say."
    )


def against_chance(rows: pd.DataFrame, method: str, columns: Mapping[str, str]) -> list[str]:
    """One sentence per metric: on which tags `method` is above or below guessing."""
    sentences = []
    of_method = rows[(rows["method"] == method) & rows["dataset"].isin(list(columns))]
    for metric, found in of_method.groupby("metric", sort=False):
        expected = CHANCE[metric]
        most = "at most " if metric == "calibrated_image_score" else ""
        verdicts = {
            "above it": found["low"] > expected,
            "below it": found["high"] < expected,
            "indistinguishable from it": (found["low"] <= expected) & (found["high"] >= expected),
        }
        text = "; ".join(
            f"{verdict} on {', '.join(found.loc[where, 'dataset'].map(columns))}"
            for verdict, where in verdicts.items()
            if where.any()
        )
        sentences.append(
            f"{method}, {METRICS[metric].lower()} (guessing: {most}{expected:.3g} %): {text}."
        )
    return sentences
