"""Fabricated (random) results of an accuracy table: predictions, errors and pictures."""

import numpy as np
import pandas as pd
import xarray as xr
from PIL import Image

from diffusion_classifier.data.world.world import COLOURS, HELD_OUT, SHAPES

PAIRS = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
UNSEEN = [PAIRS.index(" ".join(pair)) for pair in sorted(HELD_OUT)]
SEEN = [index for index in range(36) if index not in UNSEEN]
CLASSES = {"shapes": list(SHAPES), "seen": PAIRS, "unseen": PAIRS}
DATASETS = {"shapes": "Shapes", "seen": "Colour × shape", "unseen": "Colour × shape, unseen pairs"}
METHODS = {
    name: {"label": label, "kind": "diffusion" if name == "sd" else "baseline", "group": label}
    | {"varies": "seed" if "chance" in name else "training"}
    for name, label in {
        "sd": "Diffusion Classifier",
        "clip": "CLIP, zero-shot",
        "probe": "Linear probe of features",
        "chance-seed0": "Chance",
        "chance-seed1": "Chance",
    }.items()
}
IMAGES = 60


def labels_of(dataset):
    among = {"shapes": range(6), "seen": SEEN, "unseen": UNSEEN}[dataset]
    return np.resize(list(among), IMAGES)


def predicted(dataset, right, seed=0, losses=("",)):
    """Predictions that are right with chance `right` and otherwise any class."""
    rng = np.random.default_rng(seed)
    label, count = labels_of(dataset), len(CLASSES[dataset])
    parts = []
    for loss in losses:
        guess = rng.integers(0, count, IMAGES)
        prediction = np.where(rng.random(IMAGES) < right, label, guess)
        part = {"image": np.arange(IMAGES), "label": label, "loss": loss, "prediction": prediction}
        parts.append(pd.DataFrame(part).assign(evaluations=12.0 if loss else 1.0, seconds=0.01))
    return pd.concat(parts, ignore_index=True)


def fabricated():
    found = {}
    for seed, name in enumerate(METHODS):
        losses = ("l1", "l2") if name == "sd" else ("",)
        for dataset in DATASETS:
            right = 0 if "chance" in name else 0.6
            found[name, dataset] = predicted(dataset, right, seed, losses)
    del found["probe", "unseen"]
    return found


def errors(dataset):
    rng = np.random.default_rng(1)
    count = len(CLASSES[dataset])
    image, prompt = np.divmod(np.arange(IMAGES * count), count)
    t = np.arange(10) * 100 + 50
    values = rng.normal(size=(len(image), 10))
    values -= (prompt == labels_of(dataset)[image])[:, None] * 3 * np.exp(-(((t - 400) / 200) ** 2))
    at = {"timestep": ("sample", t), "noise": ("sample", np.arange(10))}
    pair = {"image": ("pair", image), "prompt": ("pair", prompt)}
    return xr.Dataset({"l2": (("pair", "sample"), values.astype("float32"))}, {**at, **pair})


def pictures(count=IMAGES):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return [Image.fromarray(image) for image in pixels]


def reconstructions(images=3, levels=4):
    rng = np.random.default_rng(2)
    pixels = ("channel", "row", "column")
    pairs = (images, levels, 2)
    right, wrong = ["a red circle"] * images, ["a picture of a large purple triangle"] * images
    return xr.Dataset(
        {
            "decoded": (("image", "level", "prompt", *pixels), rng.random((*pairs, 3, 8, 8))),
            "noised": (("image", "level", *pixels), rng.random((images, levels, 3, 8, 8))),
            "error": (("image", "level", "prompt"), rng.random(pairs)),
        },
        {
            "timestep": ("level", np.arange(levels) * 200 + 100),
            "prompt": ["right", "wrong"],
            "image": np.arange(images) * 2,
            "right": ("image", right),
            "wrong": ("image", wrong),
        },
    )
