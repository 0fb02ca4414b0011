"""Give the user's files to Snakemake, by their names or by their identity."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from typing import Any

# Snakemake reads {x} in a path as a wildcard, and warns about spaces at the ends of a path
_SPECIAL = re.compile(r"[{}]|^\s|\s$")


def nameable(path: str) -> bool:
    """Whether Snakemake reads `path` as a plain path."""
    return _SPECIAL.search(path) is None


def identity(paths: Sequence[str]) -> dict[str, Any]:
    """The number of files, and a digest of their names, sizes and times of change.

    A missing file counts too; the job that reads it reports that.
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
