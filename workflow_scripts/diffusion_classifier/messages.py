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

    Logs and results may be shown to others, so they must not contain the user's name.
    """
    if isinstance(value, dict):
        return {key: without_home(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_home(part) for part in value]
    home = os.path.expanduser("~")
    return value.replace(home, "~") if isinstance(value, str) and len(home) > 1 else value


def one_line(error: object, most: int = 300) -> str:
    """The message of an error in one line of at most `most` characters; its type if it has none.

    >>> one_line(ValueError("no such\\n  key")), one_line(ValueError())
    ('no such key', 'ValueError')
    """
    return " ".join(without_home(str(error)).split())[:most] or type(error).__name__


def known(key: str, value: str, names: Iterable[str], what: str) -> None:
    """Raise InputError unless `value` is one of `names`; the message calls it the `what`."""
    names = list(names)
    if value in names:
        return
    remedy = did_you_mean(value, names) or "correct it or add it"
    listed = ", ".join(f"`{name}`" for name in names)
    expected = f"expected one of {listed}" if names else "but none is defined"
    raise InputError(f"{key}: found the unknown {what} `{value}`, {expected}; {remedy}")


def did_you_mean(found: str, names: Iterable[str]) -> str:
    """A question with the name most similar to `found`; empty if none is similar."""
    close = difflib.get_close_matches(found, list(names), n=1)
    return f"did you mean `{close[0]}`?" if close else ""


@cache
def note(line: str) -> None:
    """Write a line to the log, but only once in a process."""
    print(without_home(line), file=sys.stderr)
