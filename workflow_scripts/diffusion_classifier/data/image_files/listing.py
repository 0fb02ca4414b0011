"""List the files below a folder: which of them may be images, and why the others are not."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .image_formats import EXTENSIONS, HEAD, begins_as_image, not_an_image

# files and folders that file managers and archivers create, in lower case
_LITTER_FILES = {
    *(".ds_store", ".localized", "icon\r", ".directory", ".nomedia"),
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
}
_LITTER_FOLDERS = {
    *("__macosx", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd", "@eadir"),
    *("$recycle.bin", "system volume information", "lost+found"),
}

HIDDEN = "hidden"


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name belongs to an operating system, such as .DS_Store."""
    return name.lower() in _LITTER_FILES | _LITTER_FOLDERS or name.startswith("._")


def natural(name: str) -> tuple[list[str | int], str]:
    """A sort key that compares runs of digits as numbers, and equal numbers by their spelling."""
    parts = re.split("([0-9]+)", name)  # text and digits alternate, beginning with text
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def files_below(
    directory: Path, above: frozenset[Path] = frozenset(), hidden: bool = False
) -> Iterator[tuple[Path, str | None]]:
    """Every file at any depth below `directory`, with the reason why it is no image, or None.

    The order is natural, files before folders; litter is ignored. A folder that cannot be opened
    counts as a file. With `hidden`, all files count as hidden. Links are followed, except to a
    folder that contains them, which would never end.
    """
    try:
        here = directory.resolve()
        if here in above:
            return
        names = sorted((name for name in os.listdir(directory) if not is_litter(name)), key=natural)
    except (OSError, RuntimeError) as error:
        yield directory, _reason(error, "a folder that cannot be opened")
        return
    folders = []
    for entry in (directory / name for name in names):
        concealed = hidden or entry.name.startswith(".")
        if os.path.isdir(entry):
            folders.append((entry, concealed))
        else:
            yield entry, HIDDEN if concealed else no_image(entry)
    for entry, concealed in folders:
        yield from files_below(entry, above | {here}, concealed)


def no_image(path: Path) -> str | None:
    """Why the file at `path` is no image, in a few words; None if it may be one.

    A file may be an image if its name ends in one of EXTENSIONS (then it is not opened) or if it
    begins like an image.
    """
    reason = unreadable(path)
    if reason is not None or path.suffix.lower() in EXTENSIONS:
        return reason
    status = path.stat()
    return _content(str(path), status.st_mtime_ns, status.st_size)


def unreadable(path: Path) -> str | None:
    """Why the file at `path` cannot be read; None if it can."""
    try:
        status = path.stat()
    except (OSError, RuntimeError) as error:
        if path.is_symlink():
            return "a broken link"
        missing = isinstance(error, FileNotFoundError)
        return "no such file" if missing else _reason(error, "cannot be read")
    if stat.S_ISDIR(status.st_mode):
        return "a folder"
    if not stat.S_ISREG(status.st_mode):
        return "neither a file nor a folder"
    if not status.st_size:
        return "an empty file"
    return None if os.access(path, os.R_OK) else "cannot be read: Permission denied"


# cached, as a process lists a folder more than once and there may be many such files
@cache
def _content(path: str, changed: int, size: int) -> str | None:
    """Why a file is no image, from its first bytes; `changed` and `size` identify its version."""
    suffix = os.path.splitext(path)[1]
    try:
        with open(path, "rb") as file:
            if begins_as_image(file, suffix):
                return None
            file.seek(0)
            return not_an_image(file.read(HEAD), suffix)
    except OSError as error:
        return _reason(error, "cannot be read")


def _reason(error: Exception, what: str) -> str:
    return f"{what}: {getattr(error, 'strerror', None) or 'a link in a circle'}"
