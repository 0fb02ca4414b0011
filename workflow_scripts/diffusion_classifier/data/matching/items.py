"""Items of matching tasks, made of the records of a benchmark as its description says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import normalised

from .description import Description, Task
from .records import each, files_as_records, read_records, read_tree, together
from .templates import RecordError, fill, found, value

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """An image of an item: a file below the root, or the column of a row of a hub's data set.

    `box` is `(left, top, width, height)` of the part of it that is shown, in pixels.
    """

    path: str = ""
    row: int = -1
    column: str = ""
    box: Box | None = None
    bgr: bool = False


@dataclass(frozen=True)
class Item:
    """A few images, a few captions, and which belong together.

    One image and k captions: `right` is the position of the right caption. One caption and k
    images: that of the right image. As many of both: the images and captions of one position belong
    together. With `signs` nothing is right: they are 1 for captions of the first kind and -1 for
    the second, and `side` says whether the image is of the first (1) or second (-1) group.
    """

    subtask: str
    pictures: tuple[Picture, ...]
    captions: tuple[str, ...]
    right: int = 0
    pair: str = ""
    set: str = ""
    side: int = 0
    signs: tuple[int, ...] = ()

    def own_caption(self, position: int) -> int:
        """The position of the caption that belongs to an image; -1 if none does."""
        if self.signs:
            return -1
        if len(self.pictures) == 1:
            return self.right
        if len(self.captions) == 1:
            return 0 if position == self.right else -1
        return position


def make_items(
    description: Description,
    root: Path,
    rows: list[dict[str, Any]] | None = None,
    subtasks: list[str] | None = None,
) -> tuple[list[Item], dict[str, str]]:
    """The items of a benchmark in the order of its records, and the records left out: why.

    `root` is the folder of its files, `rows` those of a data set of the hub, in which an image is a
    value of the kind `Picture`. A record is left out if it lacks a field, names an image that does
    not exist, has one candidate, or only equal captions. Raises InputError for a file that cannot
    be read, and if no item is left.
    """
    items: list[Item] = []
    left_out: dict[str, str] = {}
    tree = cache(lambda name: read_tree(root / name, name))
    for task in description.tasks:
        if subtasks and task.subtask is not None and task.subtask not in subtasks:
            continue
        made = []
        for where, record in _records(task, root, rows):
            try:
                for inner, one in _elements(task, where, record):
                    where = inner
                    made += _items(task, one, root, tree)
            except RecordError as error:
                left_out[where] = str(error)
        chosen = [item for item in made if not subtasks or item.subtask in subtasks]
        items += _frequent(chosen, task.spec.get("least", 1))
    if not items:
        first = next(iter(left_out.items()), ("", ""))
        raise InputError(
            f"{description.path}: found no item"
            + (f" of the subtasks {', '.join(subtasks)}" if subtasks else "")
            + (f" ({first[0]}: {first[1]})" if left_out else "")
            + f", expected at least one below {root}; correct `root` or the description"
        )
    return items, left_out


def _records(
    task: Task, root: Path, rows: list[dict[str, Any]] | None
) -> Iterator[tuple[str, Any]]:
    if task.annotations is not None:
        records = read_records(root / task.annotations, task.annotations)
    elif "files" in task.spec:
        records = files_as_records(root, fill(task.spec["files"], task.given))
    elif rows is not None:
        records = [(f"row {number}", row) for number, row in enumerate(rows, 1)]
    else:
        raise InputError(
            "the description names neither `annotations` nor `files`, so its records are rows of a "
            "data set of the hub, but `dataset` is missing; name `dataset` and `revision`"
        )
    records = records[:: task.spec.get("every", 1)]
    if "together" in task.spec:
        return together(records, task.spec["together"])
    return iter(records)


def _elements(task: Task, where: str, record: Any) -> Iterator[tuple[str, Any]]:
    if "each" in task.spec:
        yield from each(where, record, task.spec["each"])
    else:
        yield where, record


def _items(task: Task, record: Any, root: Path, tree: Any) -> Iterator[Item]:
    spec = task.spec
    record = _with_fields(record, task)
    for template, allowed in spec.get("only", {}).items():
        if fill(template, record) not in map(str, allowed):
            return
    box = _box(spec, record)
    bgr = spec.get("bgr", False)
    named = _candidates(spec["images"], record, tree)
    pictures = tuple(_picture(name, root, box, bgr) for name in named)
    if "effect" in spec:
        yield from _effects(spec, record, pictures, tree)
        return
    captions = tuple(_caption(text) for text in _candidates(spec["captions"], record, tree))
    item = Item(
        fill(spec["subtask"], record),
        pictures,
        captions,
        _right(spec.get("right", 0), record, captions),
        *(fill(spec[key], record) if key in spec else "" for key in ("pair", "set")),
    )
    yield _checked(item)


def _effects(
    spec: dict[str, Any], record: Any, pictures: tuple[Picture, ...], tree: Any
) -> Iterator[Item]:
    """An item for each comparison that the image's group is part of."""
    effect = spec["effect"]
    group = fill(effect["group"], record)
    kinds = [_candidates(effect[key], record, tree) for key in ("positive", "negative")]
    captions = tuple(_caption(text) for kind in kinds for text in kind)
    signs = tuple(sign for sign, kind in zip((1, -1), kinds, strict=True) for _ in kind)
    for first, second in effect["between"]:
        if group in (first, second):
            subtask = fill(spec["subtask"], {**record, "first": first, "second": second})
            side = 1 if group == first else -1
            yield Item(subtask, pictures, captions, side=side, signs=signs)


def _with_fields(record: Any, task: Task) -> dict[str, Any]:
    """`record` as a mapping, with the values of `for` and the derived `fields`."""
    held = record if isinstance(record, dict) else {str(i): v for i, v in enumerate(record)}
    held = {**task.given, **held}
    for entry in task.spec.get("fields", []):
        text = fill(entry["of"], held)
        if "pattern" in entry:
            match = re.search(entry["pattern"], text)
            if match is None:
                raise RecordError(f"found {text!r}, expected it to match {entry['pattern']}")
            held |= {name: part or "" for name, part in match.groupdict().items()}
            continue
        values = {str(key): part for key, part in entry["values"].items()}
        if text not in values and "otherwise" not in entry:
            raise RecordError(f"found {text!r}, expected one of {', '.join(values)}")
        held[entry["name"]] = values.get(text, entry.get("otherwise"))
    return held


def _candidates(entries: list[Any], record: dict[str, Any], tree: Any) -> list[Any]:
    """Images or captions: one for each template, and those of lists."""
    named: list[Any] = []
    for entry in entries:
        if isinstance(entry, str):
            named.append(found(entry, record))
            continue
        if "list" in entry:
            listed = value(entry["list"], record)
        else:
            name = fill(entry["file"], record)
            listed = tree(name)
            for step in entry.get("at", []):
                listed = value(fill(str(step), record), listed)
        if not isinstance(listed, list):
            raise RecordError(f"found {type(listed).__name__}, expected a list of candidates")
        listed = listed[entry.get("from", 0) :]
        named += [_rewritten(part, entry, record) for part in listed]
    return named


def _rewritten(part: Any, entry: dict[str, Any], record: dict[str, Any]) -> Any:
    if "pattern" not in entry:
        return part if "to" not in entry else fill(entry["to"], {**record, "element": part})
    match = re.search(entry["pattern"], str(part))
    if match is None:
        raise RecordError(f"found {part!r}, expected it to match {entry['pattern']}")
    return fill(entry.get("to", "{name}"), {**record, **match.groupdict()})


def _picture(name: Any, root: Path, box: Box | None, bgr: bool) -> Picture:
    if isinstance(name, Picture):
        return replace(name, box=box, bgr=bgr)
    if not isinstance(name, str) or not name:
        raise RecordError(f"found {type(name).__name__} as an image, expected the path of a file")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise RecordError(f"found the image {name}, expected a path below the root")
    if not (root / path).is_file():
        raise RecordError(f"the image {path} is missing")
    return Picture(str(path), box=box, bgr=bgr)


def _box(spec: dict[str, Any], record: dict[str, Any]) -> Box | None:
    if "crop" not in spec:
        return None
    try:
        left, top, width, height = (int(float(fill(text, record))) for text in spec["crop"])
    except ValueError:
        raise RecordError("found a box whose values are no numbers") from None
    if width < 1 or height < 1:
        raise RecordError(f"found a box of {width} x {height} pixels")
    return left, top, width, height


def _caption(text: Any) -> str:
    """A caption in one line: spaces at its ends, line breaks and double spaces tell it apart."""
    if not isinstance(text, str):
        raise RecordError(f"found {type(text).__name__} as a caption, expected a text")
    if not text.strip():
        raise RecordError("found an empty caption, expected a text")
    return normalised(" ".join(text.split()))


def _right(right: int | str, record: dict[str, Any], captions: tuple[str, ...]) -> int:
    if isinstance(right, int):
        return right
    wanted = _caption(fill(right, record))
    if wanted not in captions:
        raise RecordError(f"found {wanted!r} as the right caption, which is no candidate")
    return captions.index(wanted)


def _checked(item: Item) -> Item:
    """`item` without captions that it has twice; raises RecordError for what is no task."""
    images, captions = len(item.pictures), len(item.captions)
    if images * captions == 1:
        raise RecordError("found one candidate, expected at least two")
    unique = tuple(dict.fromkeys(item.captions))
    if captions > 1 and len(unique) == 1:
        raise RecordError("all its captions are equal")
    if 1 in (images, captions):
        if item.right >= max(images, captions):
            raise RecordError(
                f"found {max(images, captions)} candidates, expected more than {item.right}, the "
                "position of the right one"
            )
        if images > 1 and len(set(item.pictures)) < images:
            raise RecordError("found an image twice, expected different ones")
        right = unique.index(item.captions[item.right]) if images == 1 else item.right
        return replace(item, captions=unique, right=right)
    if images != captions:
        raise RecordError(
            f"found {images} images and {captions} captions, expected one of either, or as many"
        )
    if len(unique) < captions:
        raise RecordError("found a caption twice, expected different ones")
    return item


def _frequent(items: list[Item], least: int) -> list[Item]:
    """The items of the subtasks that have at least `least`."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.subtask] = counts.get(item.subtask, 0) + 1
    return [item for item in items if counts[item.subtask] >= least]
