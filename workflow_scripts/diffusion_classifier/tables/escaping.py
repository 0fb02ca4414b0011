"""Names as they are shown: what is only a character of a name is no markup where it is printed."""

from __future__ import annotations

import re
import unicodedata

# what Markdown reads as more than a character; brackets only where they make a link or a footnote,
# spaces at the end, where they keep ** from ending what is bold
_MARKDOWN = re.compile(r"[\\`*_<&$~]|(?<=\])[(\[:]|(?<=\[)\^| +$")
# at the beginning also what makes a list, a heading, a quotation or, as spaces, code
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
    """`text` so that Markdown shows it as it is, in one line."""
    text = " ".join(text.splitlines())
    start = _MARKDOWN_START.match(text)
    end = start.end() if start else 0
    return _entities(text[:end]) + _MARKDOWN.sub(lambda found: _entities(found[0]), text[end:])


def _entities(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


def latex(text: str) -> str:
    """`text` so that LaTeX prints it as it is, at the beginning of a table's row too.

    What a font lacks it cannot print: beyond Latin letters that takes LuaLaTeX or XeLaTeX.
    """
    escaped = "".join(_LATEX.get(character, character) for character in text)
    escaped = re.sub(r"(?<=-)-", "{}-", escaped)  # two would be a dash
    escaped = re.sub(r"(?<= ) |^ ", r"\\ ", escaped)  # of several spaces one would be left
    # after the \\ of the row above these would be its argument
    return "{" + escaped[0] + "}" + escaped[1:] if escaped[:1] in ("[", "*") else escaped


def width(text: str) -> int:
    """The columns that a line takes in a terminal: 2 for each of 漢字, 0 for a combining accent."""
    import wcwidth

    return max(wcwidth.wcswidth(text), 0)


def isolated(text: str) -> str:
    """`text` so that, if it reads from right to left, it does not turn around what is beside it."""
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"\u2068{text}\u2069"  # first strong isolate … pop directional isolate
    return text


def shortened(text: str, most: int) -> str:
    """`text`, or its beginning and end around an ellipsis if it has more than `most` characters."""
    end = (most - 1) // 3
    return text if len(text) <= most else f"{text[: most - 1 - end]}…{text[len(text) - end :]}"
