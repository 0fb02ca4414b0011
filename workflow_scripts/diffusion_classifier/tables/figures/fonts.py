"""Find fonts of the machine that have all characters of a figure, such as 漢字 in a name."""

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

_STAND_INS = "Last Resort"  # matplotlib's font with a box for every character


@contextmanager
def use_fonts(figure: Figure) -> Iterator[None]:
    """Within the block, draw the figure's text with fonts that have its characters.

    Fonts of the machine supply what the default font lacks. A character that no font has is drawn
    as a box, and a note on stderr names it once.
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
        _note_missing("".join(sorted(missing)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


@functools.cache
def _note_missing(missing: str) -> None:
    """Print a note on characters that no font has; the cache makes it appear only once."""
    print(
        f"figures: no font of this machine has the characters {missing}, which are boxes in the "
        "PNG; the SVG has them as text. Fonts such as Noto have them",
        file=sys.stderr,
    )


def _covering(characters: set[str]) -> tuple[list[str], set[str]]:
    """Font families that together have `characters`, and the characters that no font has."""
    families = []
    for font in sorted(fontManager.ttflist, key=lambda font: (font.style != "normal", font.name)):
        if characters and not font.name.startswith(_STAND_INS):
            found = characters & _characters(font.fname)
            families += [font.name] if found else []
            characters = characters - found
    return families, characters


@functools.cache
def _characters(path: str) -> frozenset[str]:
    """The characters of a font file; none if it is unreadable or has fixed sizes only."""
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
