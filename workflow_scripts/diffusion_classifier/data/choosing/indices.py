"""Choose images by their positions in a source, for example a subset that a paper published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from diffusion_classifier.messages import InputError

_FORMATS = (
    "a .json with a list of integers, a .csv or .txt with one integer per line, or a .npy with "
    "an array of integers of one dimension"
)


def read_indices(indices: list[int] | str, count: int) -> np.ndarray:
    """Positions in a source of `count` images, int64 `(image,)`, in the given order.

    `indices` is a list of positions or the path of a file with them: JSON, CSV, text or NumPy's.
    Raises InputError for an unreadable file, values that are no integers, a position outside of
    0..count-1, a repeated position, and an empty list.
    """
    where = f"`indices` ({indices})" if isinstance(indices, str) else "`indices`"
    values = _read(Path(indices), where) if isinstance(indices, str) else indices
    if not isinstance(values, list) or not values:
        raise InputError(f"{where}: found no list of positions, expected at least one; add some")
    seen: set[int] = set()
    for value in values:
        if type(value) is not int or not 0 <= value < count:
            raise InputError(
                f"{where}: found {value!r}, expected integers from 0 to {count - 1}, the positions "
                f"of the source's {count} images; correct it"
            )
        if value in seen:
            raise InputError(
                f"{where}: found {value} twice, expected each position once; remove one"
            )
        seen.add(value)
    return np.array(values, dtype=np.int64)


def _read(path: Path, where: str) -> object:
    """The content of the file; arrays and lines become lists. Raises InputError if unreadable."""
    try:
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        if path.suffix in (".csv", ".txt"):
            lines = path.read_text(encoding="utf-8-sig").split("\n")
            return [int(line) for line in lines if line.strip()]
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False).tolist()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise InputError(
            f"{where}: cannot be read ({reason}), expected {_FORMATS}; correct it"
        ) from None
    raise InputError(
        f"{where}: found a file that ends in {path.suffix!r}, expected {_FORMATS}; convert it"
    )
