"""Matching tasks of any benchmark that a description says how to read; see `data.matching`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from diffusion_classifier.messages import InputError

from ..image_files.images import ImageError, load_image, read_file
from ..matching.copies import merged_copies
from ..matching.description import read_description
from ..matching.items import Item, Picture, make_items
from .item_source import ItemImages
from .source import BENCHMARK, PATH, TEXT, Source, Spec

if TYPE_CHECKING:
    from datasets import Dataset


class MatchingTasks(ItemImages):
    """An ImageSource of the images of items.

    `left_out` maps records of which no item could be made to the reasons. `rows` are those of a
    data set of the hub, `root` is the folder of files.
    """

    what = "images and records"
    own_captions = True

    def __init__(
        self,
        name: str,
        root: Path,
        items: Sequence[Item],
        left_out: dict[str, str],
        rows: Dataset | None = None,
    ) -> None:
        super().__init__(items)
        self.name, self.root, self.rows, self.left_out = name, root, rows, left_out

    def _without_copies(self, chosen: Sequence[Item]) -> Sequence[Item]:
        """Images in different rows of the hub with the same bytes become one."""
        return chosen if self.rows is None else merged_copies(chosen, self._stored)

    def source(self, index: int) -> str:
        picture = self.pictures[index]
        where = picture.path or f"{picture.row}/{picture.column}"
        box = f"#{','.join(map(str, picture.box))}" if picture.box else ""
        return f"{self.name}/{where}{box}"

    def encoded(self, index: int) -> bytes | None:
        """The file of the image; None for a part of one, and for an array."""
        picture = self.pictures[index]
        if picture.box or picture.path.endswith(".npy"):
            return None
        return self._bytes(index)

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB; raises ImageError as `load_image`, and for a box outside of the image."""
        picture, name = self.pictures[index], self.source(index)
        data = self._bytes(index)
        image = _array(data, name, picture.bgr) if picture.path.endswith(".npy") else None
        image = load_image(data, name) if image is None else image
        if picture.box is None:
            return image
        left, top, width, height = picture.box
        if left >= image.width or top >= image.height or left + width <= 0 or top + height <= 0:
            raise ImageError(
                name,
                "a box outside of the image",
                f"found a box at {left}, {top} in an image of {image.width} x {image.height} "
                "pixels, expected one inside; correct it",
            )
        return image.crop((left, top, left + width, top + height))  # what is outside is black

    def _bytes(self, index: int) -> bytes:
        picture = self.pictures[index]
        if picture.row < 0:
            return read_file(self.root / picture.path, self.source(index))
        stored = self._stored(picture)
        if stored is None:
            message = "found no embedded image, expected one; leave the row out"
            raise ImageError(self.source(index), "a row without an image", message)
        return stored

    def _stored(self, picture: Picture) -> bytes | None:
        """The embedded image in a row of the hub; None if there is none."""
        return (self.rows[picture.row][picture.column] or {}).get("bytes")


def _array(data: bytes, name: str, bgr: bool) -> Image.Image:
    """The image in a NumPy file, uint8 `(height, width, 3)`; raises ImageError for another."""
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        reason = "a NumPy file that cannot be read"
        message = f"found {reason} ({' '.join(str(error).split())}), expected an array of uint8"
        raise ImageError(name, reason, message) from None
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        reason = f"an array of {array.dtype} {array.shape}"
        raise ImageError(name, reason, f"found {reason}, expected uint8 (height, width, 3)")
    return Image.fromarray(np.ascontiguousarray(array[..., ::-1] if bgr else array))


def matching(
    benchmark: str,
    root: str | None = None,
    dataset: str | None = None,
    revision: str | None = None,
    split: str = "test",
    config: str | None = None,
    subtasks: list[str] | None = None,
) -> MatchingTasks:
    """The items of a benchmark, in files below `root` or in a `dataset` of the hub at `revision`.

    `benchmark` is the path of its description, `subtasks` those to take, by default all. Raises
    InputError as `read_description` and `make_items`, for an unknown subtask, and if neither or
    both places are given.
    """
    described = read_description(benchmark)
    if subtasks:
        described.check_subtasks(subtasks, "`subtasks`")
    name = Path(benchmark).stem
    if (root is None) == (dataset is None) or (dataset is None) != (revision is None):
        raise InputError(
            f"source `matching`: found {root=}, {dataset=} and {revision=}, expected either "
            "`root`, or `dataset` and `revision`; correct it"
        )
    rows, held = None, None
    if root is not None:
        folder = Path(root).expanduser()
        if not folder.is_dir():
            raise InputError(
                f"`root` ({root}): found no such folder, expected that of {described.title}; "
                f"{described.get}"
            )
    elif all(task.annotations is None and "files" not in task.spec for task in described.tasks):
        rows, folder, held = _hub_rows(dataset, config, revision, split)
    else:
        from .hub_data import hub_files

        folder = hub_files(dataset, revision)
    items, left_out = make_items(described, folder, held, subtasks)
    return MatchingTasks(name, folder, items, left_out, rows)


def _hub_rows(
    dataset: str, config: str | None, revision: str, split: str
) -> tuple[Dataset, Path, list[dict[str, Any]]]:
    """Rows of the hub; their texts and numbers, with a `Picture` for each image."""
    from datasets import Image as ImageFeature

    from .hub_data import from_hub

    rows, folder = from_hub(dataset, config, revision, split)
    images = [name for name, what in rows.features.items() if isinstance(what, ImageFeature)]
    for name in images:
        rows = rows.cast_column(name, ImageFeature(decode=False))
    others = rows.remove_columns(images).to_list()
    held = [
        {**row, **{name: Picture(row=number, column=name) for name in images}}
        for number, row in enumerate(others)
    ]
    return rows, folder, held


def _size(spec: Spec) -> int | None:
    try:
        return read_description(spec["benchmark"]).size(spec.get("subtasks"))
    except InputError:  # `_check` says it
        return None


def _shape(spec: Spec) -> tuple[float, float] | None:
    try:
        return read_description(spec["benchmark"]).shape
    except InputError:  # `_check` says it
        return None


def has_effects(spec: Spec) -> bool:
    """Whether an entry of `datasets` with matching tasks is scored by effect sizes."""
    return "benchmark" in spec and read_description(spec["benchmark"]).has_effects(
        spec.get("subtasks")
    )


def _inputs(spec: Spec) -> list[str]:
    """The description, and the annotation files that are there: the job says which are missing."""
    described = read_description(spec["benchmark"])
    files = (Path(spec["root"]) / name for name in described.files) if "root" in spec else ()
    return [spec["benchmark"], *(str(file) for file in files if file.is_file())]


def _check(key: str, spec: Spec) -> None:
    if not Path(spec["benchmark"]).is_file():
        raise InputError(
            f"{key}.benchmark: found {spec['benchmark']!r}, which does not exist; expected the "
            "path of a description, or the name of one in resources/benchmarks; correct it"
        )
    try:
        described = read_description(spec["benchmark"])
    except InputError as error:
        raise InputError(f"{key}.benchmark: {error}") from None
    keys = {"root", "dataset", "revision"} & set(spec)
    if keys not in ({"root"}, {"dataset", "revision"}):
        found = ", ".join(f"`{name}`" for name in sorted(keys)) or "none of these keys"
        raise InputError(
            f"{key}: found {found}, expected either `root`, the folder of its files, or `dataset` "
            f"and `revision` on the hub; add or remove what differs ({described.get})"
        )
    if "subtasks" in spec:
        described.check_subtasks(spec["subtasks"], f"{key}.subtasks")


MATCHING = Source(
    matching,
    keys={
        "benchmark": BENCHMARK,
        "root": PATH,
        "dataset": TEXT,
        "revision": TEXT,
        "split": TEXT,
        "config": TEXT,
        "subtasks": {"type": "array", "minItems": 1, "uniqueItems": True, "items": TEXT},
    },
    required=("benchmark",),
    size=_size,
    shape=_shape,
    check=_check,
    inputs=_inputs,
    files=True,
    matching=True,
)
