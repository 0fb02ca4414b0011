"""Escape names for Markdown and LaTeX, and fit them into lines of a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

# characters that Markdown reads as markup. Brackets are those of a link or a footnote; spaces at
# the end would keep a following ** from ending bold text
_MARKDOWN = re.compile(r"[\\`*_<&$~]|(?<=\])[(\[:]|(?<=\[)\^| +$")
# at the beginning, also marks of a list, a heading or a quotation, and the spaces before code
_MARKDOWN_START = re.compile(r" *(?:[-+#>=|:]|\d+(?=[.)]))| +")

_LATEX = {
    **{character: "\\" + character for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
}
_RIGHT_TO_LEFT = ("R", "AL", "RLE", "RLO", "RLI")


def markdown(text: str) -> str:
    """Escape `text` so that Markdown shows all its characters, in one line."""
    text = " ".join(text.splitlines())
    start = _MARKDOWN_START.match(text)
    end = start.end() if start else 0
    return _entities(text[:end]) + _MARKDOWN.sub(lambda found: _entities(found[0]), text[end:])


def _entities(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


def latex(text: str) -> str:
    """Escape `text` so that LaTeX prints all its characters, even at the start of a table's row.

    Characters beyond Latin letters need LuaLaTeX or XeLaTeX and a font that has them.
    """
    escaped = "".join(_LATEX.get(character, character) for character in text)
    escaped = re.sub(r"(?<=-)-", "{}-", escaped)  # LaTeX makes a dash of two
    escaped = re.sub(r"(?<= ) |^ ", r"\\ ", escaped)  # LaTeX merges several spaces into one
    # LaTeX would read these as the argument of the \\ that ends the row above
    return "{" + escaped[0] + "}" + escaped[1:] if escaped[:1] in ("[", "*") else escaped


def width(text: str) -> int:
    """The columns that a line takes in a terminal; one of 漢字 takes 2, a combining accent 0."""
    import wcwidth

    return max(wcwidth.wcswidth(text), 0)


def in_columns(rows: Sequence[Sequence[str]], left: Collection[int]) -> list[str]:
    """A line of equal width for each of `rows`, whose cells are aligned in columns.

    The columns with a number in `left` begin at the left, the others end at the right.

    >>> in_columns([("a", "10"), ("bcd", "9")], left={0})
    ['a    10', 'bcd   9']
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        spaces = [" " * (most - width(cell)) for cell, most in zip(row, widths, strict=True)]
        pairs = enumerate(zip(row, spaces, strict=True))
        lines.append("  ".join(c + s if n in left else s + c for n, (c, s) in pairs))
    return lines


def isolated(text: str) -> str:
    """Isolate `text` if it reads from right to left, so that the text beside it keeps its order."""
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"\u2068{text}\u2069"  # first strong isolate … pop directional isolate
    return text


def shortened(text: str, most: int) -> str:
    """`text`; if it has more than `most` characters, its beginning and end around an ellipsis."""
    end = (most - 1) // 3
    return text if len(text) <= most else f"{text[: most - 1 - end]}…{text[len(text) - end :]}"
