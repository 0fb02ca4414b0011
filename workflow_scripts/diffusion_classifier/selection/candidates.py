"""List the pairs of an image and a prompt that an evaluation compares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffusion_classifier.data.matching.stored import asked_captions, has_items
from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.data.stored_images import shard


def candidates(data: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """The pairs to evaluate: columns `image, prompt` int64, sorted; `prompt` is a row of `prompts`.

    Every image is paired with every prompt but the unconditional ones. If `data` (`image, label`)
    has a column `example`, as Winoground's has, an image is paired with the classes of its
    example's images and with every unconditional prompt. Then `data` has to hold whole examples:
    list the pairs of the whole data set and choose the pairs of a shard's images afterwards. If it
    has matching tasks (`data.matching`), an image is paired with the captions of all its items.
    """
    if has_items(data):
        return _of_items(data, prompts)
    empty = is_unconditional(prompts).to_numpy()
    numbered = pd.DataFrame(
        {"prompt": range(len(prompts)), "label": prompts["classidx"].to_numpy()}
    )
    named, unconditional = numbered[~empty], numbered.loc[empty, ["prompt"]]
    if "example" not in data:
        images, prompt = data["image"].to_numpy(), named["prompt"].to_numpy()
        pairs = pd.DataFrame(
            {"image": np.repeat(images, len(prompt)), "prompt": np.tile(prompt, len(images))}
        )
    else:
        captions = data[["example", "label"]].drop_duplicates().merge(named, on="label")
        within = data[["image", "example"]].merge(captions, on="example")
        free = data[["image"]].merge(unconditional, how="cross")
        pairs = pd.concat([within[["image", "prompt"]], free])
    pairs = pairs.astype("int64").sort_values(["image", "prompt"], kind="stable")
    return pairs.reset_index(drop=True)


def _of_items(data: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """`candidates` of matching tasks."""
    empty = is_unconditional(prompts).to_numpy()
    numbered = pd.DataFrame(
        {"prompt": np.arange(len(prompts)), "label": prompts["classidx"].to_numpy()}
    )
    within = asked_captions(data).merge(numbered[~empty], on="label")
    free = data[["image"]].merge(numbered.loc[empty, ["prompt"]], how="cross")
    pairs = pd.concat([within[["image", "prompt"]], free])
    return pairs.astype("int64").sort_values(["image", "prompt"]).reset_index(drop=True)


def shard_candidates(
    data: pd.DataFrame, prompts: pd.DataFrame, index: int, count: int
) -> pd.DataFrame:
    """The `candidates` of the images in shard `index` of `count`; `data` is the whole data set."""
    images = shard(data, index, count)
    # the images of an example may be in two shards, but candidates need whole examples
    whole = data[data["example"].isin(images["example"])] if "example" in data else images
    pairs = candidates(whole, prompts)
    return pairs[pairs["image"].isin(images["image"])].reset_index(drop=True)


def pairs_of_classes(
    pairs: pd.DataFrame, class_of: np.ndarray, chosen: pd.DataFrame
) -> pd.DataFrame:
    """Select the `pairs` (`image, prompt`) whose image and class are a row of `chosen`.

    `chosen` has the columns `image, class`; `class_of[prompt]` is a prompt's class.
    """
    rows = pd.MultiIndex.from_frame(chosen[["image", "class"]])
    found = pd.MultiIndex.from_arrays([pairs["image"], class_of[pairs["prompt"]]])
    return pairs.loc[found.isin(rows), ["image", "prompt"]].reset_index(drop=True)


def calibration_pairs(
    data: pd.DataFrame, prompts: pd.DataFrame, classes: int, seed: int = 0
) -> pd.DataFrame:
    """The pairs of `candidates`, reduced to at most `classes` classes per image.

    An image keeps the class of its `label`, if the prompts have it, and other classes drawn from
    `seed`. Few classes are enough to learn at which timesteps classes differ.
    """
    pairs, class_of = candidates(data, prompts), prompts["classidx"].to_numpy()
    generator = np.random.default_rng(seed)
    every = np.unique(class_of[pairs["prompt"]])
    kept = []
    for image, label in zip(data["image"], data["label"], strict=True):
        image_pairs = pairs[pairs["image"] == image]
        order = generator.permutation(every)
        chosen = sorted(order, key=lambda index: index != label)[:classes]
        kept.append(image_pairs[np.isin(class_of[image_pairs["prompt"]], chosen)])
    return pd.concat(kept, ignore_index=True)
