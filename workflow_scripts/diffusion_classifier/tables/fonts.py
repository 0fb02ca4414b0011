"""Fonts that have what names are written in, among those that the machine has."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

_STAND_INS = "Last Resort"  # matplotlib's font of boxes, which has every character


@contextmanager
def use_fonts(figure: Figure) -> Iterator[None]:
    """Draw the figure's text with fonts that have its characters.

    Beside the default font these are whatever the machine has. Characters that none of them has
    are drawn as boxes and named on stderr once.
    """
    texts = figure.findobj(Text)
    characters = {character for text in texts for character in text.get_text()} - {"\n"}
    default = findfont(FontProperties())
    families, missing = [FT2Font(default).family_name], characters - _characters(default)
    if missing:
        more, missing = _covering(missing)
        for text in texts:
            text.set_fontfamily([*families, *more])
    if missing:
        _say("".join(sorted(missing)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


@functools.cache
def _say(missing: str) -> None:
    """Name the characters that are boxes; the same ones of another figure are not named again."""
    print(
        f"figures: no font of this machine has the characters {missing}, which are boxes in the "
        "PNG; the SVG has them as text. Fonts such as Noto have them",
        file=sys.stderr,
    )


def _covering(characters: set[str]) -> tuple[list[str], set[str]]:
    """Families of fonts that have as many of `characters` as any have, and those that none has."""
    families = []
    for font in sorted(fontManager.ttflist, key=lambda font: (font.style != "normal", font.name)):
        if characters and not font.name.startswith(_STAND_INS):
            found = characters & _characters(font.fname)
            families += [font.name] if found else []
            characters = characters - found
    return families, characters


@functools.cache
def _characters(path: str) -> frozenset[str]:
    """What a font file has that can be drawn at any size; nothing of one that cannot be read."""
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
