"""Tiny data sets of the hub in the true formats of benchmarks that are rows of one.

Images are one colour each, as in `matching_trees`.
"""

from pathlib import Path

import datasets as hf
from hub_cache import snapshot, stay_alone
from matching_trees import COUNT, FOLDERS, colour
from PIL import Image

from diffusion_classifier.data.sources.opening import dataset

BENCHMARKS = Path(__file__).parents[1] / "resources" / "benchmarks"
SHA = "0b2714987fa478483af9968de7c934580d0bb9a2"


def rows(texts, images, more, path):
    """A data set of the hub as Parquet: two images and two texts in each row."""
    features = {name: hf.Image() for name in images}
    features |= {name: hf.Value("string") for name in (*texts, *more)}
    held = {name: [] for name in features}
    for number in range(COUNT):
        for k, (image, text) in enumerate(zip(images, texts, strict=True)):
            held[image].append(Image.new("RGB", (12, 10), (colour(2 * number + k),) * 3))
            held[text].append(f"{text} {number}")
        for name, values in more.items():
            held[name].append(values[number % len(values)])
    path.parent.mkdir(parents=True, exist_ok=True)
    hf.Dataset.from_dict(held, features=hf.Features(features)).to_parquet(path)


def winoground(path):
    tags = {"collapsed_tag": ["Object", "Relation", "Both"]}
    rows(("caption_0", "caption_1"), ("image_0", "image_1"), tags, path)


def vismin(path):
    kinds = {"category": ["object", "counting"]}
    rows(("text_0", "text_1"), ("image_0", "image_1"), kinds, path)


def order_copy(name):
    """A copy of ARO's order of words on the hub: each row has its own copy of the image."""

    def make(path):
        texts = ("correct_caption", *(f"hard_text_{k}" for k in (1, 2, 3, 4)))
        features = {"images": hf.Image()} | dict.fromkeys(texts, hf.Value("string"))
        rows = {
            text: [f"{name} {n} {word}" for n in range(COUNT)]
            for text, word in zip(texts, "abcde", strict=True)
        }
        rows["images"] = [Image.new("RGB", (12, 10), (colour(n // 2),) * 3) for n in range(COUNT)]
        path.parent.mkdir(parents=True, exist_ok=True)
        hf.Dataset.from_dict(rows, features=hf.Features(features)).to_parquet(path)

    return make


HUB = {
    "winoground": winoground, "vismin": vismin,
    "aro-coco-order": order_copy("coco_order"),
    "aro-flickr30k-order": order_copy("flickr30k_order"),
}  # fmt: skip
"""Those that are rows of a data set of the hub."""


def opened(name, tmp_path, monkeypatch, **more):
    """The data set of a benchmark's tiny tree."""
    spec = {"source": "matching", "benchmark": str(BENCHMARKS / f"{name}.yaml"), **more}
    if name in FOLDERS:
        FOLDERS[name](tmp_path / "tree")
        return dataset(spec | {"root": str(tmp_path / "tree")})
    stay_alone(tmp_path, monkeypatch)
    folder = snapshot(tmp_path, f"someone/{name}", SHA)
    HUB[name](folder / "default" / "test" / "0000.parquet")
    return dataset(spec | {"dataset": f"someone/{name}", "revision": SHA})
