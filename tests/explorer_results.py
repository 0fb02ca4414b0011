"""Results of a table as its page reads them: images, prompts, predictions and rankings."""

import itertools

import numpy as np
import pandas as pd
from PIL import Image

from diffusion_classifier import files
from diffusion_classifier.data.sources.image_source import encode
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.pruning import prediction_table, survivors
from diffusion_classifier.selection.rankings import Errors, joined, rankings
from diffusion_classifier.tables.explorer.build import Table

SHARDS, PARTS = 2, 2
STAGES = (
    [Sample(100 * n, n) for n in range(1, 5)],
    [Sample(50 + 100 * n, 9 + n) for n in range(6)],
)
KEEP = 3


def colour(image):
    """The colour of an image, by which it is known again: no two have the same."""
    return (image % 16 * 16, image // 16 % 16 * 16, image // 256 * 4)


def write_images(path, labels, names, edge=20, **columns):
    """A data set of pictures in one colour each."""
    pictures = [Image.new("RGB", (edge, edge - 4), colour(n)) for n in range(len(labels))]
    frame = pd.DataFrame(
        {
            "image": range(len(labels)),
            "label": labels,
            "classname": [names[k] for k in labels],
            "source": [f"picture/{n}" for n in range(len(labels))],
            "bytes": [encode(picture) for picture in pictures],
            **columns,
        }
    )
    files.write_parquet(frame, path)
    return frame.drop(columns="bytes")


def write_prompts(path, names, per_class=1):
    """The prompts of classes, one or several of each."""
    rows = [(f"a {name}, {n}", name, k) for k, name in enumerate(names) for n in range(per_class)]
    frame = pd.DataFrame(rows, columns=["prompt", "classname", "classidx"])
    files.write_csv(frame, path)
    return frame


def errors_of_shards(labels, class_of, generator):
    """The errors of two shards in two stages and two class parts, and the last stage's pairs.

    The class of the label has a lower error than others, on the average.
    """
    every = []
    for images in np.array_split(np.arange(len(labels)), SHARDS):
        pairs = pd.DataFrame(
            itertools.product(images, range(len(class_of))), columns=["image", "prompt"]
        )
        stages = []
        for stage, samples in enumerate(STAGES):
            if stage:
                pairs = survivors(stages, pairs, class_of, KEEP, "l2")
            for part in range(PARTS):
                own = pairs[class_of[pairs["prompt"]] % PARTS == part].reset_index(drop=True)
                right = labels[own["image"]] == class_of[own["prompt"]]
                noise = generator.normal(1, 0.1, (len(own), len(samples)))
                values = (noise - 0.05 * right.reshape(-1, 1)).astype("float32")
                stages.append(error_dataset({"l2": values}, own, samples, {"seconds": 1.0}))
        every.append((stages, pairs))
    return every


def predicted(shards, data, class_of):
    """The predictions and rankings of shards, as the rule `predictions` makes them."""
    tables, found = [], []
    for stages, pairs in shards:
        labels = data.loc[data["image"].isin(pairs["image"]), ["image", "label"]]
        tables.append(prediction_table(stages, pairs, class_of, labels))
        winners = {"l2": tables[-1]["prediction"].to_numpy()}
        images = tables[-1]["image"].to_numpy()
        found.append(rankings(stages, images, winners, Errors(class_of)))
    return pd.concat(tables, ignore_index=True), joined(found)


def write_network(path, labels, classes, generator):
    """Predictions of a method with a score per class."""
    scores = generator.normal(size=(len(labels), classes)).astype("float32")
    scores[np.arange(len(labels)), labels] += 1.5
    frame = pd.DataFrame(
        {"image": range(len(labels)), "label": labels, "loss": "",
         "prediction": scores.argmax(axis=1), "evaluations": 1.0, "seconds": 0.0,
         "scores": list(scores)}
    )  # fmt: skip
    files.write_parquet(frame, path)
    return frame


def write_set(folder, names, images, seed, edge=20):
    """The entry of a data set in a page's table, with three methods."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    labels = generator.integers(len(names), size=images)
    data = write_images(folder / "data.parquet", labels, names, edge)
    prompts = write_prompts(folder / "prompts.csv", names, per_class=2)
    class_of = prompts["classidx"].to_numpy()
    shards = errors_of_shards(labels, class_of, generator)
    predictions, ranked = predicted(shards, data, class_of)
    files.write_parquet(predictions, folder / "ours.parquet")
    files.write_dataset(ranked, folder / "ours.nc")
    for seed in (0, 1):
        write_network(folder / f"net-seed{seed}.parquet", labels, len(names), generator)
    methods = ("ours", "net-seed0", "net-seed1")
    return {
        "label": folder.name,
        "description": f"The set {folder.name}.",
        "data": str(folder / "data.parquet"),
        "prompts": str(folder / "prompts.csv"),
        "loss": "l2",
        "answers": {method: str(folder / f"{method}.parquet") for method in methods},
        "rankings": {"ours": {"file": str(folder / "ours.nc"), "loss": "l2"}},
    }


def classified(folder, names, images=150, edge=20):
    """A table of two data sets with classes."""
    methods = {
        "ours": {"label": "Ours", "group": "ours", "varies": "training"},
        "net-seed0": {"label": "Net", "group": "net", "varies": "training"},
        "net-seed1": {"label": "Net", "group": "net", "varies": "training"},
    }
    datasets = {
        name: write_set(folder / name, names, count, seed, edge)
        for seed, (name, count) in enumerate({"first": images, "second": 30}.items())
    }
    return Table("things", "Numbers of a test.", False, methods, datasets)
