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
from diffusion_classifier.selection.rankings import BINS, CURVES, RANKED

from . import page
from .method_answers import NONE, Answers, from_predictions, from_rankings, from_similarities
from .shown import Shown, chosen, shares, shown
from .thumbnails import SMALLEST, packed


@dataclass(frozen=True)
class Limits:
    """What a page holds at most: rows, bytes of numbers and of thumbnails, and bytes in all."""

    rows: int
    numbers: int
    thumbnails: int
    size: int


WHOLE = Limits(10_000, 15_000_000, 28_000_000, 60_000_000)
"""Limits of the page beside a table; base64 makes 57 MB of its numbers and thumbnails."""
SMALL = Limits(10_000, 540_000, 270_000, 1_500_000)
"""Limits of the page in the report, which holds it as a data URL: Chromium opens 2 MiB of one."""


@dataclass(frozen=True)
class Table:
    """The files of a table.

    * `captions`: whether images are asked about captions instead of classes;
    * `methods`: method → `label, group, varies`; the first one decides which images are wrong;
    * `datasets`: name → `label, description, data, prompts, loss`, the file of `answers` of each
      method (predictions, or similarities), and for those with errors `rankings`: method → `file`
      and its `loss` that counts;
    * `maps`: the file of error maps of the only data set, or "".
    """

    title: str
    subtitle: str
    captions: bool
    methods: Mapping[str, Mapping[str, str]]
    datasets: Mapping[str, Mapping[str, Any]]
    maps: str = ""


@dataclass(frozen=True)
class Content:
    """What a page says of a data set but for its thumbnails.

    `wrong` is bool `(row,)`; `total` and `total_wrong` count the rows of the whole data set.
    """

    entry: Mapping[str, Any]
    shown: Shown
    methods: Sequence[page.Method]
    wrong: np.ndarray
    maps: Mapping[int, np.ndarray]
    total: int
    total_wrong: int

    def take(self, rows: np.ndarray) -> Content:
        """Some of the rows, given by their positions."""
        number = {row: place for place, row in enumerate(rows.tolist())}
        return replace(
            self,
            shown=self.shown.take(rows),
            methods=[method.take(rows) for method in self.methods],
            wrong=self.wrong[rows],
            maps={number[row]: values for row, values in self.maps.items() if row in number},
        )


def write_explorer(table: Table, path: str | os.PathLike, small: str | os.PathLike) -> None:
    """Write the page of a table, and to `small` the one for the report, with fewer images.

    See WHOLE and SMALL. Of many images, those that the first method has wrong are kept.
    """
    entries = table.datasets.values()
    sizes = [_size(entry, table.captions) for entry in entries]
    most = shares(sizes, most_rows(table, WHOLE))
    contents = [content(table, entry, n) for entry, n in zip(entries, most, strict=True)]
    _write(table, contents, path, WHOLE)
    _write(table, contents, small, SMALL)


def most_rows(table: Table, limits: Limits) -> int:
    """The number of rows whose numbers and smallest thumbnails fit into a page."""
    with_errors = {name for entry in table.datasets.values() for name in entry["rankings"]}
    each = 8 * page.BASELINE_RANKED
    full = RANKED * 14 + 4 * CURVES * BINS
    size = sum(full if name in with_errors else each for name in table.methods)
    return min(limits.rows, limits.numbers // size, int(limits.thumbnails / SMALLEST))


def _write(
    table: Table, contents: Sequence[Content], path: str | os.PathLike, limits: Limits
) -> None:
    """Write a page within `limits`: with half of the rows if they take more than was expected."""
    most = most_rows(table, limits)
    sizes = [len(one.shown.rows) for one in contents]
    while True:
        some = [
            one.take(chosen(one.wrong | np.isin(np.arange(size), list(one.maps)), share))
            for one, size, share in zip(contents, sizes, shares(sizes, most), strict=True)
        ]
        bytes_each = limits.thumbnails // max(1, sum(len(one.shown.rows) for one in some))
        first = table.methods[next(iter(table.methods))]["label"]
        datasets = [_data_set(one, bytes_each, first) for one in some if len(one.shown.rows)]
        page.write_page(table.title, table.subtitle, datasets, path)
        if os.stat(path).st_size <= limits.size or most < 2 * len(contents):
            return
        most = min(most, sum(sizes)) // 2


def _size(entry: Mapping[str, Any], captions: bool) -> int:
    return len(shown(read_labels(entry["data"]), read_prompts(entry["prompts"]), captions).rows)


def content(table: Table, entry: Mapping[str, Any], most: int) -> Content:
    """At most `most` rows of a data set with the answers of all methods."""
    prompts = read_prompts(entry["prompts"])
    every = shown(read_labels(entry["data"]), prompts, table.captions)
    answers = {
        name: _answers(entry["answers"][name], entry["loss"], every, prompts)
        for name in table.methods
    }
    first = answers[next(iter(table.methods))].predictions
    wrong = (first != every.rows["truth"].to_numpy()) & (first != NONE)
    maps = _maps(table.maps, every.rows["image"].to_numpy()) if table.maps else {}
    kept = chosen(wrong | np.isin(np.arange(len(wrong)), list(maps)), most)
    some, labels = every.take(kept), method_labels(table.methods)
    methods = [
        _method(name, labels[name], table, entry, some, kept, answers[name].take(kept))
        for name in table.methods
    ]
    place = {row: number for number, row in enumerate(kept.tolist())}
    maps = {place[row]: values for row, values in maps.items() if row in place}
    return Content(entry, some, methods, wrong[kept], maps, len(wrong), int(wrong.sum()))


def _data_set(one: Content, bytes_each: int, first: str) -> page.DataSet:
    """What the page is given; `first` is the label of the method that decides which are wrong."""
    notes = [one.shown.left_out] * bool(one.shown.left_out)
    count = len(one.shown.rows)
    if count < one.total:
        wrong = int(one.wrong.sum())
        notes.append(sampled_note(one.total, one.total_wrong, count, wrong, first))
    images = one.shown.rows["image"].to_numpy()
    thumbnails = packed(partial(_images, one.entry["data"], images), count, count * bytes_each)
    label, description = one.entry["label"], one.entry["description"]
    return page.DataSet(label, description, one.shown, one.methods, thumbnails, notes, one.maps)


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
    kept: np.ndarray,
    answers: Answers,
) -> page.Method:
    """What a method says of the rows `some`, which are at `kept` of those of the data set."""
    made = page.Method(label, table.methods[name]["group"], answers)
    if name not in entry["rankings"]:
        return made
    read = entry["rankings"][name]
    stored = read_dataset(read["file"])
    if some.asked is None:  # a shard at a time was ranked, and the images that were asked about
        kept = pd.Index(stored["image"].values).get_indexer(some.rows["image"])
    found, curves = from_rankings(stored, read["loss"], kept)
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
