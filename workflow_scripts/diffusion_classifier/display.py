"""What the notebooks show: sentences as a list, a figure as the file it is saved to."""

from __future__ import annotations

import os
from collections.abc import Iterable

from IPython.display import Image, Markdown
from matplotlib.figure import Figure

from . import plots


def bullets(lines: Iterable[str]) -> Markdown:
    """`lines` as a bulleted list."""
    return Markdown("\n".join(f"* {line}" for line in lines))


def show(figure: Figure, stem: str | os.PathLike, alt: str) -> Image:
    """Save `figure` as `stem`.svg and `stem`.png and show the latter; `alt` says what it is."""
    return Image(plots.save(figure, stem)[1], alt=alt, width=100 * figure.get_figwidth())
