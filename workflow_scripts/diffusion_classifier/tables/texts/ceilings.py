"""What a prior or a hierarchy costs in accuracy: how many images keep their true class."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from diffusion_classifier.data.prompt_sets import named_prompts
from diffusion_classifier.scores.intervals import wilson_percent

from .wide_tables import interval_text

COLUMNS = ["method", "dataset", "images", "classes", "left", "value", "low", "high"]


def ceiling(
    pairs: pd.DataFrame, prompts: pd.DataFrame, labels: pd.DataFrame
) -> dict[str, int | float]:
    """The share of images whose true class is a candidate in the first stage.

    No accuracy can be higher. `pairs` (`image, prompt`) are those of the first stage, `labels` has
    `image, label`. Returns the number of `images`, the number of `classes`, `left`, the mean number
    of an image's candidates; and the share: `value`, `low` and `high`, percent with Wilson's 95 %
    interval.
    """
    class_of = prompts["classidx"].to_numpy()
    candidates = pd.DataFrame({"image": pairs["image"], "label": class_of[pairs["prompt"]]})
    candidates = candidates.drop_duplicates()
    images, kept = len(labels), len(labels[["image", "label"]].merge(candidates))
    value, low, high = wilson_percent(kept, images)
    return {
        "images": images,
        "classes": named_prompts(prompts)["classidx"].nunique(),
        "left": len(candidates) / images,
        "value": value,
        "low": low,
        "high": high,
    }


def ceiling_table(found: Mapping[tuple[str, str], dict[str, int | float]]) -> pd.DataFrame:
    """One row per method and data set, the keys of `found`; the values come from `ceiling`."""
    rows = [{"method": method, "dataset": data} | row for (method, data), row in found.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def ceiling_text(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """`ceiling_table` as text with readable headers; `columns` names the data sets."""
    return pd.DataFrame(
        {
            "method": table["method"],
            "data set": table["dataset"].map(columns),
            "candidate classes": [f"{r.left:.4g} of {r.classes}" for r in table.itertuples()],
            "ceiling of accuracy (%)": [
                interval_text(r.value, r.low, r.high) for r in table.itertuples()
            ],
        }
    )
