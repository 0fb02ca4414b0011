"""Where a job finds the files that a plan names, if they are copies of files in a store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def placed(value: Any, files: Iterable[str], results: str) -> Any:
    """`value` with each path below `results` replaced by that of the same file among `files`.

    `value` consists of texts, lists, dictionaries (whose keys may be paths too) and anything else,
    which is kept. `files` are the paths of a job's inputs and outputs. Without a store they are the
    plan's own, and nothing changes; with one, Snakemake puts a prefix before them. A path of a file
    in a folder among `files` is replaced as well.

    >>> files = ["copies/s3/bucket/results/models/dit", "shipped/notebook.ipynb"]
    >>> placed({"model": "results/models/dit/config.json", "n": 3}, files, "results")
    {'model': 'copies/s3/bucket/results/models/dit/config.json', 'n': 3}
    """
    moved = {}
    for path in sorted(files, key=len):
        # the first that ends like this: a longer one may have the same end by chance
        for start in _starts(path, f"{results}/"):
            moved.setdefault(path[start:], path)
    if all(name == path for name, path in moved.items()):
        return value
    return _replaced(value, moved, f"{results}/")


def _starts(path: str, results: str) -> list[int]:
    """Every position in `path` at which the name of a result may begin."""
    found, start = [], 0 if path.startswith(results) else path.find(f"/{results}") + 1
    while path.startswith(results, start):
        found.append(start)
        start = path.find(f"/{results}", start) + 1
        if start == 0:
            break
    return found


def _replaced(value: Any, moved: dict[str, str], results: str) -> Any:
    if isinstance(value, dict):
        return {
            _replaced(key, moved, results): _replaced(inner, moved, results)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_replaced(inner, moved, results) for inner in value)
    if not isinstance(value, str) or not value.startswith(results):
        return value
    folder, inside = value, ""
    while folder not in moved:
        folder, _, name = folder.rpartition("/")
        inside = f"/{name}{inside}"
        if not folder:
            return value
    return f"{moved[folder]}{inside}"
