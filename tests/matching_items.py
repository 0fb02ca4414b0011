"""Data sets of made-up items of matching tasks."""

import pandas as pd

from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import (
    caption_classes,
    captions_of,
    group_sizes,
    pictures_of,
    rows_by_picture,
)
from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.scores.compositional import chance_similarities

METHODS = {
    "sd": {"label": "SD", "kind": "diffusion", "group": "sd", "varies": "training"},
    "clip-seed0": {"label": "CLIP", "kind": "more-data", "group": "clip", "varies": "training"},
    "clip-seed1": {"label": "CLIP", "kind": "more-data", "group": "clip", "varies": "training"},
    "chance-seed0": {"label": "Chance", "kind": "chance", "group": "chance", "varies": "seed"},
    "chance-seed1": {"label": "Chance", "kind": "chance", "group": "chance", "varies": "seed"},
}
SHAPES = [(1, 2), (1, 4), (5, 1), (2, 2), (3, 3)]


def data_of(items):
    """The data set of `items`, without images."""
    pictures = pictures_of(items)
    rows = rows_by_picture(items, range(len(items)), group_sizes(items))
    number = {caption: i for i, caption in enumerate(captions_of(items))}
    first = [rows[picture][0] for picture in pictures]
    return pd.DataFrame(
        {
            "image": range(len(pictures)),
            "label": [row["captions"][max(row["right"], 0)] for row in first],
            "classname": [row["texts"][max(row["right"], 0)] for row in first],
            "items": [rows[picture] for picture in pictures],
        }
    ), number


def mixed(count, rng):
    """Items of all shapes that share images and captions."""
    items = []
    for number in range(count):
        images, captions = SHAPES[number % len(SHAPES)]
        pictures = [Picture(f"{i}.png") for i in rng.choice(12, images, replace=False)]
        texts = [f"caption {i}" for i in rng.choice(15, captions, replace=False)]
        right = int(rng.integers(max(images, captions)))
        items.append(Item(f"{images}x{captions}", tuple(pictures), tuple(texts), right))
    return items


def prompts_of(data, free=True, templates=("{}",)):
    prompts = from_captions(caption_classes(data["items"]), templates)
    return with_unconditional(prompts) if free else prompts


def biased(images=14):
    """Two comparisons of three groups, by five captions; and their data set."""
    items = []
    for first, second in (("X", "Y"), ("X", "Z")):
        for name in (first, second):
            for number in range(images):
                side = 1 if name == first else -1
                picture = Picture(f"{name}{number}")
                captions = ("a", "b", "c", "d", "e")
                items.append(
                    Item(f"{first} - {second}", (picture,), captions, side=side,
                         signs=(1, 1, -1, -1, -1))
                )  # fmt: skip
    data, _ = data_of(items)
    prompts = prompts_of(data, free=False)
    similarity = chance_similarities(data, prompts, 5)
    names = [picture.path[0] for picture in pictures_of(items)]
    towards = similarity["prompt"] < 2
    shift = similarity["image"].map(lambda image: 0.6 * (names[image] == "Y"))
    similarity["score"] += shift * towards
    return items, data, prompts, similarity
