"""Read text files that people write by hand."""

from __future__ import annotations

import os
from pathlib import Path

from diffusion_classifier.messages import InputError


def read_lines(path: str | os.PathLike, expected: str) -> list[str]:
    """The lines of a UTF-8 file without spaces at their ends, nor empty ones after the last.

    A byte order mark, as spreadsheets write it, is no part of the text. Raises InputError with
    `expected`, what the file should be and what to do, if it cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"{path}: cannot be read ({reason}), expected {expected}") from None
    return [line.strip() for line in text.rstrip().split("\n")]
