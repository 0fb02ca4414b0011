"""Errors and messages for users."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

FAILED = "failed: "
"""The beginning of the last line in the log of a failed job."""


class InputError(ValueError):
    """A mistake in the user's input, with a message of one line.

    The message says where the mistake is, what was found, what was expected and what to do.
    """


def without_home(value: Any) -> Any:
    """Replace the path of the user's home folder by `~`, in text or JSON-like data.

    Results may be shown to others and should not contain the user's name.
    """
    if isinstance(value, dict):
        return {key: without_home(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_home(part) for part in value]
    home = os.path.expanduser("~")
    return value.replace(home, "~") if isinstance(value, str) and len(home) > 1 else value


def known(key: str, value: str, names: Iterable[str], what: str) -> None:
    """Raise InputError unless `value` is one of `names`; `what` is the word for it in messages."""
    names = list(names)
    if value in names:
        return
    close = difflib.get_close_matches(value, names, n=1)
    remedy = f"did you mean `{close[0]}`?" if close else "correct it or add it"
    listed = ", ".join(f"`{name}`" for name in names)
    expected = f"expected one of {listed}" if names else "but none is defined"
    raise InputError(f"{key}: found the unknown {what} `{value}`, {expected}; {remedy}")


@cache
def note(line: str) -> None:
    """Write a line to the log, but only once in a process."""
    print(without_home(line), file=sys.stderr)
