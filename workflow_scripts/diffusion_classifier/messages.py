"""The error a user is meant to read."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from typing import Any

FAILED = "failed: "
"""How the last line of the log of a job begins that failed."""


class InputError(ValueError):
    """A mistake in the user's input, said in one line.

    The line says where it is, what was found, what was expected and what to do.
    """


def without_home(said: Any) -> Any:
    """Text, or JSON-like data, in which the path of the user's home folder is `~`.

    What is made may be shown to others: it need not tell whose home the project lies in.
    """
    if isinstance(said, dict):
        return {key: without_home(value) for key, value in said.items()}
    if isinstance(said, list):
        return [without_home(value) for value in said]
    home = os.path.expanduser("~")
    return said.replace(home, "~") if isinstance(said, str) and len(home) > 1 else said


def known(key: str, value: str, names: Iterable[str], what: str) -> None:
    """Raise InputError unless `value` is one of `names`; `what` says what they name."""
    names = list(names)
    if value in names:
        return
    close = difflib.get_close_matches(value, names, n=1)
    remedy = f"did you mean `{close[0]}`?" if close else "correct it or add it"
    listed = ", ".join(f"`{name}`" for name in names)
    expected = f"expected one of {listed}" if names else "but none is defined"
    raise InputError(f"{key}: found the unknown {what} `{value}`, {expected}; {remedy}")
