"""The error a user is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """A mistake in the user's input, said in one line.

    The line says where it is, what was found, what was expected and what to do.
    """


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
