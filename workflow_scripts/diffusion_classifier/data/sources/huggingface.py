"""Data sets in the formats of the library `datasets`: a revision from the hub, or local files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from diffusion_classifier.messages import InputError

from ..image_files.images import ImageError, load_image, read_file
from ..image_files.listing import is_litter, unreadable
from .hub_data import from_files, from_hub, hub_name
from .source import PATH, TEXT, Source

if TYPE_CHECKING:
    from datasets import Dataset, Features

LOCAL = ("parquet", "imagefolder")
"""The values of `dataset` that mean files on this machine."""

_CIFAR = {"train": 50000, "test": 10000}
_SIZES: dict[str, dict[str, int]] = {"uoft-cs/cifar10": _CIFAR, "uoft-cs/cifar100": _CIFAR}
_CLASSES = {
    ("uoft-cs/cifar10", None): 10,
    ("uoft-cs/cifar10", "label"): 10,
    ("uoft-cs/cifar100", "fine_label"): 100,
    ("uoft-cs/cifar100", "coarse_label"): 20,
}
_NO_ROW = "`datasets` does not read files with this suffix"


class HubImages:
    """An ImageSource of the rows of a `datasets.Dataset`, whose images are `bytes` or files.

    `rows` has one column, the images. Files are read only below `root`, as a data set may come from
    anybody. `left_out` maps files without a row to the reasons.
    """

    what = "images"

    def __init__(
        self, name: str, root: Path, rows: Dataset, labels: np.ndarray, names: list[str]
    ) -> None:
        self.name, self.root, self.rows, self.labels = name, root, rows, labels
        self.class_names = names
        (self.column,) = rows.column_names
        self.left_out = _without_rows(rows, self.column, root, name)

    def __len__(self) -> int:
        return len(self.rows)

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB; raises InputError naming the image as `load_image` does."""
        return load_image(self.encoded(index), self.source(index))

    def encoded(self, index: int) -> bytes | None:
        """The embedded image, or its file; raises InputError if there is neither."""
        stored = self.rows[index][self.column] or {}
        if stored.get("bytes") is not None:
            return stored["bytes"]
        path = stored.get("path")
        if path is None or not Path(path).is_relative_to(self.root) or ".." in Path(path).parts:
            reason = "a row without an image"
            raise ImageError(
                self.source(index),
                reason,
                f"found {reason} in `{self.column}`, expected an embedded image or a file beside "
                "the data; leave the row out",
            )
        return read_file(path, self.source(index))

    def label(self, index: int) -> int:
        return int(self.labels[index])

    def source(self, index: int) -> str:
        """For example `uoft-cs/cifar10@0b27149/test/17`; for a file its path below `root`."""
        path = (self.rows[index][self.column] or {}).get("path")
        if path is not None and Path(path).is_relative_to(self.root):
            return f"{self.name}/{Path(path).relative_to(self.root).as_posix()}"
        return f"{self.name}/{index}"


def _without_rows(rows: Dataset, column: str, root: Path, name: str) -> dict[str, str]:
    """The files for which `datasets` made no rows, from folders with files for which it did."""
    import pyarrow.compute as pc

    paths = pc.struct_field(rows.with_format("arrow")[:][column], "path").to_pylist()
    files = {Path(path) for path in paths if path and Path(path).is_relative_to(root)}
    return {
        f"{name}/{file.relative_to(root).as_posix()}": unreadable(file) or _NO_ROW
        for folder in sorted({file.parent for file in files})
        for file in sorted(folder.iterdir())
        if file not in files and not file.is_dir() and not _belongs_to_library(file.name)
    }


def _belongs_to_library(name: str) -> bool:
    return is_litter(name) or name.startswith("metadata.") or name == "README.md"


def huggingface(
    dataset: str,
    split: str = "test",
    config: str | None = None,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    names: list[str] | None = None,
    data_files: str | None = None,
    data_dir: str | None = None,
) -> HubImages:
    """The images of one split of a data set.

    `dataset` is a data set of the hub, with its `revision` and optionally its `config`; or one of
    LOCAL, with `data_files` (a path or pattern, which becomes `split`) or the folder `data_dir`.
    Columns are found if exactly one has images and exactly one has classes. Class names are those
    of the column, or `names`; an integer without a name is its own name; texts are sorted.

    Raises InputError for an impossible combination of arguments, for a data set that does not exist
    or is not accessible, and for wrong columns and labels. No code of a data set is run.
    """
    if dataset in LOCAL:
        if (data_files is None) == (data_dir is None):
            raise InputError(
                f"`dataset: {dataset}` of source `huggingface`: found {data_files=} and "
                f"{data_dir=}, expected exactly one of them; correct it"
            )
        rows, root = from_files(dataset, split, data_files, data_dir)
        name = f"{dataset}/{split}"
    else:
        if revision is None or data_files is not None or data_dir is not None:
            raise InputError(
                f"{dataset}: found {revision=}, {data_files=} and {data_dir=}, expected a "
                "`revision` for a data set of the hub, without the others; correct it, or set "
                "`dataset` to parquet or imagefolder for local files"
            )
        rows, root = from_hub(dataset, config, revision, split)
        name = f"{hub_name(dataset, revision)}/{split}"
    return _source(rows, name, root, image_column, label_column, names)


def _source(
    rows: Dataset,
    name: str,
    root: Path,
    image_column: str | None,
    label_column: str | None,
    names: list[str] | None,
) -> HubImages:
    from datasets import Image as ImageFeature

    if not len(rows):
        raise InputError(f"{name}: found no rows, expected at least one; choose another split")
    image = _column(rows.features, "Image", "image_column", image_column, name)
    label = _column(rows.features, "ClassLabel", "label_column", label_column, name)
    values = rows.select_columns([label]).with_format("arrow")[:][label].to_pylist()
    feature = rows.features[label]
    labels, class_names = _classes(
        values, names or getattr(feature, "names", None), f"{name}, column `{label}`"
    )
    images = rows.select_columns([image]).cast_column(image, ImageFeature(decode=False))
    return HubImages(name, root, images, labels, class_names)


def _column(features: Features, kind: str, key: str, chosen: str | None, name: str) -> str:
    """The column to take: `chosen`, or the only one whose feature is of `kind`."""
    found = {column: type(feature).__name__ for column, feature in features.items()}
    listed = ", ".join(f"`{column}` ({what})" for column, what in found.items())
    fitting = [column for column, what in found.items() if what == kind]
    # labels may be plain values, but images need the feature `Image`
    if chosen in found and (kind == "ClassLabel" or chosen in fitting):
        return chosen
    if chosen is not None:
        raise InputError(
            f"{name}: found no column for `{key}: {chosen}`, expected one of {listed}; correct it"
        )
    if len(fitting) != 1:
        raise InputError(
            f"{name}: found {len(fitting)} columns of the kind {kind} among {listed}, expected "
            f"one; name the one to take as `{key}`"
        )
    return fitting[0]


def _classes(
    values: list[Any], names: list[str] | None, where: str
) -> tuple[np.ndarray, list[str]]:
    """Labels from 0, int64 `(image,)`, and class names; raises InputError for unfit values."""
    if all(type(value) is str for value in values):
        names = sorted(set(values)) if names is None else names
        index: Mapping[Any, int] = {name: i for i, name in enumerate(names)}
        expected = "a class name of `names`"
    elif all(type(value) is int for value in values):
        names = [str(i) for i in range(max(values) + 1)] if names is None else names
        index = {i: i for i in range(len(names))}
        expected = f"labels from 0 to {len(names) - 1}, one for each name"
    else:
        kinds = sorted({type(value).__name__ for value in values})
        raise InputError(
            f"{where}: found values of {', '.join(kinds)}, expected integers or texts in every "
            "row; choose another `label_column`"
        )
    wrong = [value for value in values if value not in index]
    if wrong:
        raise InputError(
            f"{where}: found {wrong[0]!r}, expected {expected}; correct `names`, or choose a split "
            "with labels"
        )
    return np.array([index[value] for value in values], dtype=np.int64), list(names)


HUGGINGFACE = Source(
    huggingface,
    keys={
        "dataset": TEXT,
        "config": TEXT,
        "revision": TEXT,
        "split": TEXT,
        "image_column": TEXT,
        "label_column": TEXT,
        "names": {"type": "array", "minItems": 2, "items": TEXT},
        "data_files": PATH,
        "data_dir": PATH,
    },
    required=("dataset",),
    size=lambda spec: _SIZES.get(spec["dataset"], {}).get(spec.get("split", "test")),
    classes=lambda spec: _CLASSES.get((spec["dataset"], spec.get("label_column"))),
    files=True,
)
