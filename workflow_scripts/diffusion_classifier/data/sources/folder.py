"""The user's images: a folder with a subfolder per class, or with a table of labels."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from pathlib import Path, PurePosixPath

from PIL import Image

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import check_line, checked_name, normalised, on_disk

from ..image_files.image_formats import EXTENSIONS
from ..image_files.images import load_image, read_file
from ..image_files.left_out import LeftOut
from ..image_files.listing import files_below, is_litter, unreadable
from .source import BELOW, PATH, Source, Spec

_SCHEMA = "the columns `file_name` and `label` (and `classname`, if `label` is an integer)"


class Folder:
    """An ImageSource of files below `root`; see `folder`.

    `files` are their paths relative to `root`, with `/`; `labels` are their class indices;
    `left_out` maps the files that are no images to the reasons.
    """

    def __init__(
        self,
        root: Path,
        files: list[str],
        labels: list[int],
        names: list[str],
        left_out: dict[str, str],
    ) -> None:
        self.root, self.files, self.labels, self.class_names = root, files, labels, names
        self.left_out = left_out

    def __len__(self) -> int:
        return len(self.files)

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB; raises InputError naming the file as `load_image` does."""
        # not `self.encoded`, which a subclass may override
        return load_image(Folder.encoded(self, index), self.name_in_messages(index))

    def encoded(self, index: int) -> bytes | None:
        """The bytes of the file; raises InputError naming it if it cannot be read."""
        return read_file(self.root / self.files[index], self.name_in_messages(index))

    def name_in_messages(self, index: int) -> str:
        """The file's path from the folder's parent, without the user's other folders."""
        return f"{self.root.resolve().name}/{self.files[index]}"

    def label(self, index: int) -> int:
        return self.labels[index]

    def source(self, index: int) -> str:
        return self.files[index]


def folder(path: str, metadata: str | None = None) -> Folder:
    """The images in the folder `path`; its subfolders or the CSV `metadata` give the classes.

    Without `metadata`, each subfolder is a class, sorted by name as in torchvision's ImageFolder.
    Its images are the files at any depth whose names end in one of EXTENSIONS or that begin like an
    image, in natural order (`2.png` before `10.png`). All other files are `left_out`, including
    hidden files and files beside the subfolders; files of the operating system are ignored.
    `metadata` is a file in `path`, as in Hugging Face's imagefolder: its rows give `file_name`,
    relative to `path`, and `label`: a class name, or a class index if all labels are integers, with
    a name in the optional column `classname`. The order is that of the rows; class names are
    sorted. Rows whose file is missing or empty are `left_out`. Two spellings of one Unicode name
    are one class.

    No image is decoded. Raises InputError for a missing folder, class, image or column, for an
    empty class, for fewer than two classes, and for a name that is not one line of text.
    """
    root = Path(path)
    if not os.path.isdir(root):
        raise InputError(
            f"{path}: found no such folder, expected a folder of images; correct the path"
        )
    found = _by_subfolder(root) if metadata is None else _by_metadata(root, metadata)
    for file in found.files:
        check_line(file, path, "the file")
    if len(names := found.class_names) < 2:
        raise InputError(
            f"{path}: found {len(names)} class ({', '.join(names)}), expected at least 2; "
            "add the images of another class"
        )
    return found


def fingerprint(path: str, metadata: str | None = None, strict: bool = False) -> list[str]:
    """The files of a Folder, relative to `path` and sorted, including `metadata`.

    Raises InputError as `folder` does and, with `strict`, for files that are left out.
    """
    found = folder(path, metadata)
    if strict and found.left_out:
        raise InputError(LeftOut.before(len(found), found.left_out).refusal(path))
    return sorted(found.files + ([] if metadata is None else [metadata]))


def _by_subfolder(root: Path) -> Folder:
    """The images of a folder in ImageFolder's layout."""
    try:
        entries = sorted(n for n in os.listdir(root) if n[0] != "." and not is_litter(n))
    except OSError as error:
        raise InputError(
            f"{root}: cannot be opened ({error.strerror}), expected a folder of images; correct "
            "its permissions or the path"
        ) from None
    folders: dict[str, list[str]] = {}
    for entry in entries:
        if os.path.isdir(root / entry):
            folders.setdefault(checked_name(entry, str(root), "the folder"), []).append(entry)
    names = sorted(folders)
    if not names:
        raise InputError(
            f"{root}: found no subfolder, expected one for each class with its images; "
            "make them, or name a CSV file with the labels as `metadata`"
        )
    loose = set(entries) - {spelling for spellings in folders.values() for spelling in spellings}
    left_out = {entry: "in no class folder" for entry in entries if entry in loose}
    files, labels = [], []
    for label, name in enumerate(names):
        below = {
            file.relative_to(root).as_posix(): why
            for spelling in folders[name]
            for file, why in files_below(root / spelling, frozenset([root.resolve()]))
        }
        found = [file for file, why in below.items() if why is None]
        if not found:
            raise InputError(_without_image(root / name, below))
        files += found
        labels += [label] * len(found)
        left_out |= {file: why for file, why in below.items() if why is not None}
    return Folder(root, files, labels, names, left_out)


def _without_image(directory: Path, below: dict[str, str | None]) -> str:
    """The message for a class without images; it names a file that the folder has instead."""
    first = "".join(f" ({file}: {why})" for file, why in list(below.items())[:1])
    found = f"no image among its files, {len(below)} in all{first}" if below else "no image"
    return (
        f"{directory}: found {found}, expected at least one image of this class, ending in "
        f"{', '.join(EXTENSIONS)}; add some or remove the folder"
    )


def _by_metadata(root: Path, metadata: str) -> Folder:
    """The images in `root` that the CSV `metadata` names."""
    where = str(root / metadata)
    files, labels, names = _labelled_files(root, metadata, where)
    left_out = {file: why for file in files if (why := unreadable(root / file)) is not None}
    present = [i for i, file in enumerate(files) if file not in left_out]
    if not present:
        raise InputError(
            f"{where}: found none of its {len(files)} files ({files[0]}: {left_out[files[0]]}), "
            f"expected at least one in {root}; correct `file_name`, which is relative to it"
        )
    return Folder(root, [files[i] for i in present], [labels[i] for i in present], names, left_out)


def _labelled_files(
    root: Path, metadata: str, where: str
) -> tuple[list[str], list[int], list[str]]:
    """Files, class indices and class names from the CSV `metadata` in `root`."""
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
            f"{where}: found the label {words[0]!r} beside a column `classname`, expected a class "
            "index; correct it, or remove the column to use `label` as the name"
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
    """`row` with all values but the file name stripped and in NFC.

    Raises InputError for too many or too few values, and for a name that is not one line of text.
    """
    if None in row:
        raise InputError(
            f"{where}: found more values than columns; put a value with a comma in quotation marks"
        )
    values = {
        column: value if column == "file_name" else normalised(value.strip())
        for column, value in row.items()
    }
    for column in ("file_name", "label", "classname"):
        if not values.get(column, "?").strip():
            raise InputError(f"{where}: `{column}` is empty, expected a value; fill it in")
        check_line(values.get(column, ""), where, f"the `{column}`")
    return values


def _file(root: Path, name: str, where: str) -> str:
    """`name` as a path relative to `root`; raises InputError if it is outside of `root`."""
    relative = PurePosixPath(on_disk(root, os.path.normpath(name)))
    if relative.is_absolute() or ".." in relative.parts:
        raise InputError(
            f"{where}: found the file_name {name}, expected a path inside {root}; correct it"
        )
    return str(relative)


def _class_names(labels: list[int], rows: list[dict[str, str]], where: str) -> list[str]:
    """The names of the classes 0..n-1 in `labels`; the index if there is no `classname`."""
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


def _inputs(spec: Spec) -> list[str]:
    files = fingerprint(spec["path"], spec.get("metadata"), spec.get("strict", False))
    return [str(Path(spec["path"]) / file) for file in files]


FOLDER = Source(
    folder,
    keys={"path": PATH, "metadata": BELOW},
    required=("path",),
    inputs=_inputs,
    files=True,
    quick=True,
)
