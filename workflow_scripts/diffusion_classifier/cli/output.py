"""The output of `diffusion-classifier classify`: a table per image, or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diffusion_classifier.progress import duration
from diffusion_classifier.tables.texts.escaping import in_columns, isolated

if TYPE_CHECKING:
    import pandas as pd

_HEADER = ("rank", "prompt", "mean error", "difference", "posterior", "samples")


def as_text(table: pd.DataFrame, paths: Sequence[str]) -> str:
    """A table per image of the answer of `DiffusionClassifier.rank`; `paths` names the images."""
    return "\n\n".join(_table(rows, paths[image]) for image, rows in table.groupby("image"))


def as_json(table: pd.DataFrame, paths: Sequence[str]) -> str:
    """All rows as one JSON array of objects; `image` is the path, and NaN becomes null."""
    rows = table.to_dict("records")
    for row in rows:
        row["image"] = paths[row["image"]]
        undefined = [name for name, value in row.items() if value != value]  # true for NaN only
        row.update(dict.fromkeys(undefined))
    return json.dumps(rows, indent=2, allow_nan=False, ensure_ascii=False)


def _table(rows: pd.DataFrame, path: str) -> str:
    first = rows.iloc[0]
    cells = [_HEADER, *(_cells(row) for row in rows.itertuples())]
    seconds = first["seconds"]
    took = f"{seconds:.2g} s" if seconds < 10 else duration(seconds)
    return "\n".join(
        [f"{path}: {first['evaluations']:.0f} evaluations, {took}", *in_columns(cells, left={1})]
    )


def _cells(row: tuple) -> tuple[str, ...]:
    difference = "-"
    if row.rank > 1:
        unknown = math.isnan(row.standard_error)
        error = "?" if unknown else f"{row.standard_error:.2g}"
        difference = f"{row.difference:.3g} ± {error}"
    posterior = f"{row.posterior:.3g}"
    prompt = isolated(" ".join(row.prompt.splitlines()))
    return str(row.rank), prompt, f"{row.error:.5f}", difference, posterior, str(row.samples)
