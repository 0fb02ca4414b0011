"""What the notebooks show: sentences as a list, a figure as the file it is saved to."""

from __future__ import annotations

import os
from collections.abc import Iterable

from IPython.display import Image, Markdown
from matplotlib.figure import Figure

from .figures import plots
from .texts.escaping import markdown


def plain(*paragraphs: str) -> Markdown:
    """Paragraphs of plain text: no character is read as Markdown."""
    return Markdown("\n\n".join(map(markdown, paragraphs)))


def bullets(lines: Iterable[str | tuple[str, str]]) -> Markdown:
    """A bulleted list of plain text; the first part of a pair is bold."""
    pairs = [("", line) if isinstance(line, str) else line for line in lines]
    bold = [(f"**{markdown(head)}** " if head else "", markdown(text)) for head, text in pairs]
    return Markdown("\n".join(f"* {head}{text}" for head, text in bold))


def show(figure: Figure, stem: str | os.PathLike, alt: str) -> Image:
    """Save `figure` as `stem`.svg and `stem`.png and show the PNG; `alt` describes it."""
    return Image(plots.save(figure, stem)[1], alt=alt, width=100 * figure.get_figwidth())
