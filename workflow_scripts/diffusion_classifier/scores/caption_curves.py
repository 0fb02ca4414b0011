"""How well each timestep tells Winoground's right captions from wrong ones, from stored errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.engine.error_files import loss_values, losses_in
from diffusion_classifier.messages import InputError

from .intervals import wilson_percent

if TYPE_CHECKING:
    import xarray as xr

TAGS = {"object": "Object", "relation": "Relation", "both": "Both", "average": "Average"}


def difference_rows(errors: xr.Dataset, data: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """The `error_differences` under every stored loss, with a column `loss`."""
    losses = losses_in([errors])
    parts = [error_differences(errors, data, prompts, loss).assign(loss=loss) for loss in losses]
    return pd.concat(parts, ignore_index=True)


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


def timestep_text_score(differences: pd.DataFrame) -> pd.DataFrame:
    """The text score from each timestep alone, per tag and over all examples (`average`).

    `differences` is `error_differences`. Columns `tag` (a key of `TAGS`), `timestep, value, low,
    high`: percent, with the 95 % Wilson interval over examples.
    """
    right = differences.assign(right=differences["difference"] > 0)
    right = right.groupby(["tag", "example", "timestep"], as_index=False)["right"].all()
    every = pd.concat([right.assign(tag=right["tag"].str.lower()), right.assign(tag="average")])
    counts = every.groupby(["tag", "timestep"], as_index=False)["right"].agg(["sum", "size"])
    counts["tag"] = pd.Categorical(counts["tag"], TAGS)
    counts = counts.sort_values(["tag", "timestep"], ignore_index=True).astype({"tag": str})
    value, low, high = wilson_percent(counts["sum"], counts["size"])
    return counts[["tag", "timestep"]].assign(value=value, low=low, high=high)
