"""The error a user is meant to read."""

from __future__ import annotations


class InputError(ValueError):
    """A mistake in the user's input, said in one line.

    The line says where it is, what was found, what was expected and what to do.
    """
