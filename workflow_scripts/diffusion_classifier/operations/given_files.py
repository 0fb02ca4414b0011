"""The user's own files as Snakemake takes them: by their names, or by what identifies them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from typing import Any

# {x} in a path is a wildcard to Snakemake, and of spaces around it warns with every command
_SPECIAL = re.compile(r"[{}]|^\s|\s$")


def nameable(path: str) -> bool:
    """Whether Snakemake takes `path` for what it is."""
    return _SPECIAL.search(path) is None


def identity(paths: Sequence[str]) -> dict[str, Any]:
    """How many files there are, and a digest of their names, sizes and times of change.

    A file that is not there counts too: the job that reads it says so.
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(repr((path, *_state(path))).encode())
    return {"files": len(paths), "sha256": digest.hexdigest()}


def _state(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns
