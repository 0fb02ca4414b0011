"""One's own images: a folder with a subfolder per class, or with a table of labels."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from pathlib import Path, PurePosixPath

from PIL import Image

from ..images import EXTENSIONS, load_image, read_file
from ..messages import InputError

_SCHEMA = "the columns `file_name` and `label` (and `classname`, if `label` is an integer)"


class Folder:
    """An ImageSource of files below `root`; see `folder`.

    `files` holds their paths relative to `root`, with `/`; `labels` the class index of each.
    """

    def __init__(self, root: Path, files: list[str], labels: list[int], names: list[str]) -> None:
        self.root, self.files, self.labels, self.class_names = root, files, labels, names

    def __len__(self) -> int:
        return len(self.files)

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB; raises InputError naming the file as `load_image` does."""
        return load_image(Folder.encoded(self, index), self._name(index))  # also of a subclass

    def encoded(self, index: int) -> bytes | None:
        """The file itself; raises InputError naming it if it cannot be read."""
        return read_file(self.root / self.files[index], self._name(index))

    def _name(self, index: int) -> str:
        return f"{self.root.resolve().name}/{self.files[index]}"

    def label(self, index: int) -> int:
        return self.labels[index]

    def source(self, index: int) -> str:
        return self.files[index]


def folder(path: str, metadata: str | None = None) -> Folder:
    """The images in the folder `path`, classes as its subfolders or the CSV `metadata` say.

    Without `metadata`, each subfolder is a class, in the order of their names as torchvision's
    ImageFolder sorts them; its images are the files that end in one of EXTENSIONS, at any depth,
    in natural order (`2.png` before `10.png`). What is hidden and what lies beside the subfolders
    is passed over. `metadata` is a file in `path`, as Hugging Face's imagefolder has it: its rows
    give `file_name`, relative to `path`, and `label`: a class name, or a class index if all are
    integers, named by `classname` where there is one. The order is that of the rows; class names
    are sorted.

    No image is opened. Raises InputError if there is no such folder, class, image or column, for
    an empty class, and for fewer than two classes.
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"{path}: found no such folder, expected one of images; correct the path")
    if metadata is None:
        files, labels, names = _by_subfolder(root)
    else:
        files, labels, names = _by_metadata(root, metadata)
    if len(names) < 2:
        raise InputError(
            f"{path}: found {len(names)} class ({', '.join(names)}), expected at least 2; "
            "add the images of another class"
        )
    return Folder(root, files, labels, names)


def fingerprint(path: str, metadata: str | None = None) -> list[str]:
    """The files a Folder is made of, relative to `path` and sorted, `metadata` among them.

    Raises InputError as `folder` does.
    """
    return sorted(folder(path, metadata).files + ([] if metadata is None else [metadata]))


def _natural(name: str) -> tuple[list[str | int], str]:
    """A sort key that compares runs of digits as numbers; equal numbers by their spelling."""
    parts = re.split("([0-9]+)", name)  # text and digits by turns, beginning with text
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _by_subfolder(root: Path) -> tuple[list[str], list[int], list[str]]:
    """Files, class indices and class names of ImageFolder's layout."""
    names = sorted(
        entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] != "."
    )
    if not names:
        raise InputError(
            f"{root}: found no subfolder, expected one for each class with its images; "
            "make them, or name a CSV file with the labels as `metadata`"
        )
    files, labels = [], []
    for label, name in enumerate(names):
        found = _images(root / name)
        if not found:
            raise InputError(
                f"{root / name}: found no image, expected at least one of this class, ending in "
                f"{', '.join(EXTENSIONS)}; add some or remove the folder"
            )
        files += [file.relative_to(root).as_posix() for file in found]
        labels += [label] * len(found)
    return files, labels, names


def _images(directory: Path, above: frozenset[Path] = frozenset()) -> list[Path]:
    """Image files at any depth below `directory`, in natural order, files before folders.

    Links are followed, but not one to a folder that is open already: it would never end.
    """
    here = directory.resolve()
    if here in above:
        return []
    entries = sorted(
        (entry for entry in directory.iterdir() if entry.name[0] != "."),
        key=lambda entry: _natural(entry.name),
    )
    files = [entry for entry in entries if entry.suffix.lower() in EXTENSIONS and entry.is_file()]
    for entry in entries:
        if entry.is_dir():
            files += _images(entry, above | {here})
    return files


def _by_metadata(root: Path, metadata: str) -> tuple[list[str], list[int], list[str]]:
    """Files, class indices and class names that the CSV `metadata` in `root` gives."""
    where = str(root / metadata)
    rows = _rows(root / metadata)
    files = [_file(root, row["file_name"], f"{where}, line {line}") for line, row in rows]
    repeated = [file for file, count in Counter(files).items() if count > 1]
    if repeated:
        raise InputError(f"{where}: found {repeated[0]} twice, expected each file once; remove one")
    texts = [row["label"] for _, row in rows]
    words = [text for text in texts if not re.fullmatch("-?[0-9]+", text)]
    if not words:
        labels = [int(text) for text in texts]
        return files, labels, _class_names(labels, [row for _, row in rows], where)
    if "classname" in rows[0][1]:
        raise InputError(
            f"{where}: found the label {words[0]!r} beside a column `classname`, expected the "
            "index of a class; correct it, or remove the column to have `label` as the name"
        )
    index = {name: i for i, name in enumerate(sorted(set(texts)))}
    return files, [index[text] for text in texts], list(index)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV with their line numbers, values stripped; at least one."""
    try:
        # utf-8-sig: spreadsheets write a byte order mark
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            columns = [column.strip() for column in reader.fieldnames or []]
            reader.fieldnames = columns
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as CSV ({error}), expected UTF-8 text with {_SCHEMA}; "
            "`metadata` is a file in the folder of the images"
        ) from None
    missing = [column for column in ("file_name", "label") if column not in columns]
    if missing:
        raise InputError(
            f"{path}: the column `{missing[0]}` is missing, found {', '.join(columns) or 'none'}, "
            f"expected {_SCHEMA}, separated by commas; add it"
        )
    if not rows:
        raise InputError(f"{path}: found no rows, expected one for each image; add them")
    return [(line, _row(row, f"{path}, line {line}")) for line, row in rows]


def _row(row: dict[str | None, str], where: str) -> dict[str, str]:
    """`row` with its values stripped; raises InputError for one too many and one too few."""
    if None in row:
        raise InputError(
            f"{where}: found more values than columns; put a value with a comma in quotation marks"
        )
    values = {column: value.strip() for column, value in row.items()}
    for column in ("file_name", "label", "classname"):
        if not values.get(column, "?"):
            raise InputError(f"{where}: `{column}` is empty, expected a value; fill it in")
    return values


def _file(root: Path, name: str, where: str) -> str:
    """`name` as a path relative to `root`; raises InputError if there is no such file inside."""
    relative = PurePosixPath(os.path.normpath(name))
    if relative.is_absolute() or ".." in relative.parts:
        raise InputError(
            f"{where}: found the file_name {name}, expected a path inside {root}; correct it"
        )
    if not (root / relative).is_file():
        raise InputError(
            f"{where}: found no file {name} in {root}; correct `file_name` or remove the row"
        )
    return str(relative)


def _class_names(labels: list[int], rows: list[dict[str, str]], where: str) -> list[str]:
    """The names of the classes 0..n-1 that `labels` are, the index itself without `classname`."""
    indices = sorted(set(labels))
    if indices != list(range(len(indices))):
        raise InputError(
            f"{where}: found the labels {', '.join(map(str, indices[:10]))}, expected class "
            "indices from 0 without a gap; correct them, or write names such as `class 1`"
        )
    names: dict[int, str] = {}
    for label, row in zip(labels, rows, strict=True):
        name = row.get("classname", str(label))
        if names.setdefault(label, name) != name:
            raise InputError(
                f"{where}: found label {label} with the classnames {names[label]!r} and {name!r}, "
                "expected one; correct it"
            )
    if len(set(names.values())) < len(names):
        raise InputError(f"{where}: found two labels with one classname, expected one; correct it")
    return [names[index] for index in indices]
