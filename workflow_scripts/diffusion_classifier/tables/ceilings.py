"""What a prior or a hierarchy costs: how many images still have their class afterwards."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from diffusion_classifier.data.prompt_sets import named_prompts
from diffusion_classifier.scores.intervals import wilson

from .wide_tables import interval_text

COLUMNS = ["method", "dataset", "images", "classes", "left", "value", "low", "high"]


def ceiling(
    pairs: pd.DataFrame, prompts: pd.DataFrame, labels: pd.DataFrame
) -> dict[str, int | float]:
    """The share of the images whose class is among those they are asked about in the first stage.

    No accuracy can be higher. `pairs` (`image, prompt`) are those of the first stage, `labels` has
    `image, label`. Returns `images`; `classes`, which there are, and `left`, how many an image is
    asked about on average; `value`, `low` and `high`, percent with Wilson's 95 % interval.
    """
    class_of = prompts["classidx"].to_numpy()
    asked = pd.DataFrame({"image": pairs["image"], "label": class_of[pairs["prompt"]]})
    asked = asked.drop_duplicates()
    images, right = len(labels), len(labels[["image", "label"]].merge(asked))
    low, high = wilson(right, images)
    return {
        "images": images,
        "classes": named_prompts(prompts)["classidx"].nunique(),
        "left": len(asked) / images,
        "value": 100 * right / images,
        "low": 100 * float(low),
        "high": 100 * float(high),
    }


def ceiling_table(found: Mapping[tuple[str, str], dict[str, int | float]]) -> pd.DataFrame:
    """One row per method and data set, the keys of `found`, with what `ceiling` returned."""
    rows = [{"method": method, "dataset": data} | row for (method, data), row in found.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def ceiling_text(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """`ceiling_table`'s as text with readable headers; `columns` names the data sets."""
    return pd.DataFrame(
        {
            "method": table["method"],
            "data set": table["dataset"].map(columns),
            "classes asked about": [f"{r.left:.4g} of {r.classes}" for r in table.itertuples()],
            "ceiling of accuracy (%)": [
                interval_text(r.value, r.low, r.high) for r in table.itertuples()
            ],
        }
    )
