"""Write the page of a table: its images, what every method says of them, and the code to browse.

The page is one HTML file that needs no network. Numbers lie in it as base64 of little-endian
arrays, thumbnails as WebP; both are read when a data set or an image is looked at.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from diffusion_classifier.files import write_text

from .method_answers import NONE, Answers, Curves
from .shown import Shown
from .thumbnails import ACROSS, Thumbnails

WEB = Path(__file__).parent / "web"
SCRIPTS = ("data.js", "filters.js", "grid.js", "plots.js", "detail.js", "main.js")
PLOTTING = ("mpld3", "mpld3/js/d3.v5.min.js")
"""The Python package that ships D3, and where."""
BASELINE_RANKED = 5
"""Classes of each image that are kept of a method without errors."""


@dataclass(frozen=True)
class Method:
    """What one training of a method says of the rows of a data set; `curves` if it has errors."""

    label: str
    group: str
    answers: Answers
    curves: Curves | None = None

    @property
    def width(self) -> int:
        """The number of classes that are kept of each row."""
        return self.answers.classes.shape[1] if self.curves else BASELINE_RANKED

    def take(self, rows: np.ndarray) -> Method:
        """The answers to some rows, given by their positions."""
        curves = self.curves and self.curves.take(rows)
        return Method(self.label, self.group, self.answers.take(rows), curves)


@dataclass(frozen=True)
class DataSet:
    """A data set of a page.

    `notes` are sentences on what is shown. `maps` are of some rows, by their position: the squared
    error with the wrong caption minus that with the right one, float `(row, column)` of the
    latents.
    """

    label: str
    description: str
    shown: Shown
    methods: Sequence[Method]
    thumbnails: Thumbnails
    notes: Sequence[str] = ()
    maps: Mapping[int, np.ndarray] = field(default_factory=dict)


def write_page(
    title: str, subtitle: str, datasets: Iterable[DataSet], path: str | os.PathLike
) -> None:
    """Write the page of a table to `path`; `datasets` are taken one at a time."""
    labels, blocks = [], []
    for number, one in enumerate(datasets):
        labels.append(one.label)
        blocks += _blocks(one, number)
    blocks.append(("labels", _json(labels)))
    template = jinja2.Environment(autoescape=True).from_string(_read("page.html"))
    text = template.render(
        title=title,
        subtitle=subtitle,
        style=_read("page.css"),
        blocks=blocks,
        scripts=[plotting_library(), *map(_read, SCRIPTS)],
    )
    write_text(text, path)


def plotting_library() -> str:
    """D3, which draws the page's plots."""
    package, file = PLOTTING
    return Path(distribution(package).locate_file(file)).read_text(encoding="utf-8").strip()


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def packed_array(array: np.ndarray, kind: str) -> dict[str, str]:
    """An array as the page reads it; `kind` is u16, i32 or f32."""
    array = np.ascontiguousarray(array, np.dtype(f"<{kind[0]}{int(kind[1:]) // 8}"))
    return {"kind": kind, "data": base64.b64encode(array).decode("ascii")}


def _json(value: Any) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _blocks(one: DataSet, number: int) -> Iterator[tuple[str, str]]:
    """The name and text of each script element with data of a data set."""
    yield f"set-{number}", _json(_described(one))
    for place, method in enumerate(one.methods):
        if method.curves:
            curves = {
                "errors": packed_array(method.curves.errors, "f32"),
                "differences": packed_array(method.curves.differences, "f32"),
            }
            yield f"curves-{number}-{place}", _json(curves)
    for place, sheet in enumerate(one.thumbnails.sheets):
        yield f"sheet-{number}-{place}", base64.b64encode(sheet).decode("ascii")


def _described(one: DataSet) -> dict[str, Any]:
    rows, thumbnails = one.shown.rows, one.thumbnails
    return {
        "label": one.label,
        "description": one.description,
        "notes": list(one.notes),
        "captions": one.shown.asked is not None,
        "names": _named(one.shown.names, rows["truth"], *(m.answers.classes for m in one.methods)),
        "facet": one.shown.facet,
        "facets": _named(one.shown.facets, rows["facet"]),
        "image": packed_array(rows["image"], "i32"),
        "truth": packed_array(rows["truth"], "i32"),
        "facetOf": packed_array(rows["facet"], "i32"),
        "sizes": packed_array(thumbnails.sizes, "u16"),
        "edges": thumbnails.edges,
        "across": ACROSS,
        "methods": [_method(method) for method in one.methods],
        "maps": {str(row): _rounded(values) for row, values in one.maps.items()},
    }


def _named(names: Sequence[str], *used: Any) -> dict[str, str]:
    """The names of the numbers that are used: a set of prompts may have many captions."""
    numbers = np.unique(np.concatenate([np.asarray(part).ravel() for part in used]))
    return {str(k): names[k] for k in numbers.tolist() if NONE < k < len(names)}


def _method(method: Method) -> dict[str, Any]:
    answers, width = method.answers, method.width
    found = {
        "label": method.label,
        "group": method.group,
        "width": width,
        "classes": packed_array(answers.classes[:, :width], "i32"),
        "scores": packed_array(answers.scores[:, :width], "f32"),
    }
    if method.curves:
        found |= {
            "spread": packed_array(answers.spread, "f32"),
            "samples": packed_array(answers.samples, "u16"),
            "timesteps": method.curves.timesteps.round(1).tolist(),
        }
    return found


def _rounded(values: np.ndarray) -> list[list[float]]:
    return [[float(f"{value:.3g}") for value in row] for row in values]
