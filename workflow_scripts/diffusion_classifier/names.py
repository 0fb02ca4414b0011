"""Check names of classes, files and methods at input; any line of text is a valid name.

`tables.texts.escaping` shows names with special characters correctly.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

from diffusion_classifier.messages import InputError

_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_BREAKS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


def normalised(name: str) -> str:
    """`name` in Unicode's form NFC: macOS writes é as two characters, other systems as one."""
    return unicodedata.normalize("NFC", name)


def checked_name(name: str, where: str, what: str = "the name") -> str:
    """`name` in Unicode's form NFC, if it is one line of text.

    Raises InputError, beginning with `where`, for a line break, another control character, and
    bytes of a file's name that are not UTF-8. `what` is the word for the name in the message.
    """
    check_line(name, where, what)
    return normalised(name)


def check_line(text: str, where: str, what: str = "the name") -> None:
    """Raise InputError as `checked_name` does."""
    if wrong := _NOT_IN_A_LINE.search(text):
        raise InputError(
            f"{where}: found {what} {text!r} with {_kind(wrong[0])}, expected one line of text; "
            "rename it"
        )


def _kind(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "bytes that are not UTF-8"
    if character in _LINE_BREAKS:
        return "a line break"
    return "a control character"


def on_disk(root: Path, path: str) -> str:
    """`path`, relative to `root`, in its spelling on the disk.

    The spelling on the disk may have Unicode's other form, or lack spaces at the ends. If there is
    no such file, `path` is returned unchanged.
    """
    here = PurePosixPath()
    for part in PurePosixPath(path).parts:
        forms = [unicodedata.normalize(form, part) for form in ("NFC", "NFD")]
        spellings = [part, *forms, *(form.strip() for form in forms)]
        existing = (text for text in spellings if text and os.path.lexists(root / here / text))
        here /= next(existing, part)
    return str(here)


def printable(name: str) -> str:
    """`name` in one line, with line breaks and other unprintable characters escaped."""
    return _NOT_IN_A_LINE.sub(lambda found: ascii(found[0])[1:-1], name)
