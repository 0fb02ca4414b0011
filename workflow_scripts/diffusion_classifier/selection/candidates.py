"""Which image is asked about which prompt."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.data.sharding import shard


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


def shard_candidates(
    data: pd.DataFrame, prompts: pd.DataFrame, index: int, count: int
) -> pd.DataFrame:
    """`candidates` of the images of shard `index` of `count`, with `data` as there."""
    own = shard(data, index, count)
    # an example's images may lie in two shards, and it is listed whole
    whole = data[data["example"].isin(own["example"])] if "example" in data else own
    pairs = candidates(whole, prompts)
    return pairs[pairs["image"].isin(own["image"])].reset_index(drop=True)


def of_classes(pairs: pd.DataFrame, class_of: np.ndarray, chosen: pd.DataFrame) -> pd.DataFrame:
    """Those of `pairs` (`image, prompt`) whose image and class are a row of `chosen`.

    `chosen` has the columns `image, class`; `class_of[prompt]` is a prompt's class.
    """
    rows = pd.MultiIndex.from_frame(chosen[["image", "class"]])
    asked = pd.MultiIndex.from_arrays([pairs["image"], class_of[pairs["prompt"]]])
    return pairs.loc[asked.isin(rows), ["image", "prompt"]].reset_index(drop=True)


def calibration_pairs(
    data: pd.DataFrame, prompts: pd.DataFrame, classes: int, seed: int = 0
) -> pd.DataFrame:
    """Pairs as those of `candidates`, of at most `classes` classes per image.

    They are the image's own class (its `label`, if the prompts have it) and others drawn from
    `seed`: enough to learn at which timesteps classes differ, whatever their number.
    """
    pairs, class_of = candidates(data, prompts), prompts["classidx"].to_numpy()
    generator = np.random.default_rng(seed)
    every = np.unique(class_of[pairs["prompt"]])
    of_images = (pairs[pairs["image"] == image] for image in data["image"])
    kept = []
    for label, own in zip(data["label"], of_images, strict=True):
        order = generator.permutation(every)
        chosen = sorted(order, key=lambda index: index != label)[:classes]
        kept.append(own[np.isin(class_of[own["prompt"]], chosen)])
    return pd.concat(kept, ignore_index=True)
