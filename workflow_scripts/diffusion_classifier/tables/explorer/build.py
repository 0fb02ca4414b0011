"""Read the results of a table and write its page.

`Table` says which files belong to a table; the rule `explorer` passes it as plain values.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from diffusion_classifier.data.prompt_sets import read_prompts
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.stored_images import encoded_images, read_labels
from diffusion_classifier.files import read_dataset, read_parquet

from . import page
from .answers import RANKED, Answers, from_predictions, from_similarities
from .evidence import BINS, CURVES, Errors, evidence
from .shown import Shown, chosen, shares, shown
from .thumbnails import packed

MOST = 10_000
"""Rows that a page shows at most."""
NUMBERS, THUMBNAILS = 15_000_000, 28_000_000
"""Bytes of numbers and of thumbnails; base64 makes 57 MB of both, and a page stays below 60 MB."""


@dataclass(frozen=True)
class Table:
    """The files of a table.

    * `captions`: whether images are asked about captions instead of classes;
    * `methods`: method → `label, group, varies`; the first one decides which images are wrong;
    * `datasets`: name → `label, description, data, prompts, loss`, the file of `answers` of each
      method (predictions, or similarities), and for those with errors `errors`: method →
      `combine`, the loss of `pruning`, and `shards`, the error files of each shard;
    * `maps`: the file of error maps of the only data set, or "".
    """

    title: str
    subtitle: str
    captions: bool
    methods: Mapping[str, Mapping[str, str]]
    datasets: Mapping[str, Mapping[str, Any]]
    maps: str = ""


def write_explorer(table: Table, path: str | os.PathLike) -> None:
    """Write the page of a table to `path`: at most MOST images of all its data sets."""
    sizes = [_size(entry, table.captions) for entry in table.datasets.values()]
    datasets = _datasets(table, shares(sizes, most_rows(table)), sum(sizes))
    page.write_page(table.title, table.subtitle, datasets, path)


def most_rows(table: Table) -> int:
    """The number of rows whose numbers fit into a page, at most MOST."""
    with_errors = {name for entry in table.datasets.values() for name in entry["errors"]}
    each = 8 * page.BASELINE_RANKED
    full = RANKED * 14 + 4 * CURVES * BINS
    size = sum(full if name in with_errors else each for name in table.methods)
    return min(MOST, NUMBERS // size)


def _size(entry: Mapping[str, Any], captions: bool) -> int:
    return len(shown(read_labels(entry["data"]), read_prompts(entry["prompts"]), captions).rows)


def _datasets(table: Table, most: Sequence[int], total: int) -> Iterator[page.DataSet]:
    for entry, share in zip(table.datasets.values(), most, strict=True):
        if share:
            yield dataset(table, entry, share, THUMBNAILS * share // min(total, sum(most)))


def dataset(
    table: Table, entry: Mapping[str, Any], most: int, thumbnail_bytes: int
) -> page.DataSet:
    """At most `most` rows of a data set with the answers of all methods."""
    prompts = read_prompts(entry["prompts"])
    every = shown(read_labels(entry["data"]), prompts, table.captions)
    answers = {
        name: _answers(entry["answers"][name], entry["loss"], every, prompts)
        for name in table.methods
    }
    first = next(iter(table.methods))
    wrong = answers[first].predictions != every.rows["truth"].to_numpy()
    kept = chosen(wrong, most)
    some, notes = every.take(kept), [every.left_out] * bool(every.left_out)
    if len(kept) < len(wrong):
        notes.append(sampled_note(len(wrong), wrong.sum(), len(kept), wrong[kept].sum(),
                                  table.methods[first]["label"]))  # fmt: skip
    labels = method_labels(table.methods)
    methods = [
        _method(name, labels[name], table, entry, some, prompts, answers[name].take(kept))
        for name in table.methods
    ]
    images = some.rows["image"].to_numpy()
    thumbnails = packed(partial(_images, entry["data"], images), len(images), thumbnail_bytes)
    maps = _maps(table.maps, images) if table.maps else {}
    return page.DataSet(
        entry["label"], entry["description"], some, methods, thumbnails, notes, maps
    )


def sampled_note(rows: int, wrong: int, kept: int, kept_wrong: int, method: str) -> str:
    """A sentence on a choice of rows."""
    which = "all" if kept_wrong == wrong else f"{kept_wrong:,} of"
    return (
        f"This page shows {kept:,} of {rows:,} images: {which} {wrong:,} that {method} has wrong, "
        f"and {kept - kept_wrong:,} others. So its shares of right and wrong images are not those "
        "of the data set."
    )


def method_labels(methods: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The label of every method; trainings of one method are numbered."""
    groups = pd.Series({name: spec["group"] for name, spec in methods.items()})
    number, size = groups.groupby(groups).cumcount() + 1, groups.map(groups.value_counts())
    return {
        name: spec["label"] if size[name] == 1
        else f"{spec['label']}, {spec['varies'] or 'training'} {number[name]}"
        for name, spec in methods.items()
    }  # fmt: skip


def _answers(path: str, loss: str, every: Shown, prompts: pd.DataFrame) -> Answers:
    if every.asked is None:
        return from_predictions(read_parquet(path), every.rows["image"].to_numpy(), loss)
    return from_similarities(read_parquet(path), prompts, every.rows, every.asked, loss)


def _method(
    name: str,
    label: str,
    table: Table,
    entry: Mapping[str, Any],
    some: Shown,
    prompts: pd.DataFrame,
    answers: Answers,
) -> page.Method:
    made = page.Method(label, table.methods[name]["group"], answers)
    if name not in entry["errors"]:
        return made
    files = entry["errors"][name]
    loss = files["pruning"] if entry["loss"] == "pruning" else entry["loss"]
    read = Errors(prompts["classidx"].to_numpy(), loss, files["combine"])
    shards = ([read_dataset(path) for path in paths] for paths in files["shards"])
    found, curves = evidence(shards, some.rows, answers.predictions, read, some.asked)
    return replace(made, answers=found, curves=curves)


def _images(path: str, images: np.ndarray) -> Iterator[Image.Image]:
    """The images with these numbers, which are in the order of the file; some may be repeated."""
    times = Counter(images.tolist())
    numbers = read_parquet(path, ["image"])["image"].tolist()
    for number, encoded in zip(numbers, encoded_images(path), strict=True):
        if times[number]:
            yield from repeat(decode(encoded), times[number])


def _maps(path: str, images: np.ndarray) -> dict[int, np.ndarray]:
    """Error with the wrong minus error with the right caption, by the row of the image."""
    stored = read_dataset(path)["error"]
    difference = (stored.sel(prompt="wrong") - stored.sel(prompt="right")).values
    by_image = dict(zip(stored["image"].values.tolist(), difference, strict=True))
    return {row: by_image[image] for row, image in enumerate(images.tolist()) if image in by_image}
