"""Which image is asked about which prompt."""

from __future__ import annotations

import pandas as pd

from .prompts import is_unconditional


def candidates(data: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """The pairs to evaluate: columns `image, prompt` int64, sorted; a prompt is its row's position.

    If `data` (`image, label`) has a column `example`, as Winoground does, an image is asked about
    the classes of its own example's images and about every unconditional prompt. So `data` has
    to hold examples whole: list the pairs of the whole set and choose those of a shard's images
    afterwards. Otherwise every image is asked about every prompt but the unconditional ones.
    """
    empty = is_unconditional(prompts).to_numpy()
    numbered = pd.DataFrame(
        {"prompt": range(len(prompts)), "label": prompts["classidx"].to_numpy()}
    )
    named, free = numbered[~empty], numbered.loc[empty, ["prompt"]]
    if "example" not in data:
        pairs = data[["image"]].merge(named[["prompt"]], how="cross")
    else:
        captions = data[["example", "label"]].drop_duplicates().merge(named, on="label")
        own = data[["image", "example"]].merge(captions, on="example")
        pairs = pd.concat([own[["image", "prompt"]], data[["image"]].merge(free, how="cross")])
    pairs = pairs.astype("int64").sort_values(["image", "prompt"], kind="stable")
    return pairs.reset_index(drop=True)
