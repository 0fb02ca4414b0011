"""A table as lines of text for the terminal."""

from __future__ import annotations

import textwrap

import pandas as pd

from .escaping import in_columns, isolated, shortened, width

HEADER = 16
"""Characters in a line of a column's header, at most."""
NAME = 70
"""Characters of a name, at most."""


def aligned(text: pd.DataFrame) -> list[str]:
    """Lines of equal width: the index to the left, the columns to the right, a rule below.

    Headers of several words take several lines.
    """
    headers = [textwrap.wrap(shortened(h, NAME), HEADER, break_long_words=False) for h in text]
    depth = max(map(len, headers))
    names = [
        [""] * depth
        + [isolated(shortened(name, NAME)) for name in text.index.get_level_values(level)]
        for level in range(text.index.nlevels)
    ]
    columns = [
        [""] * (depth - len(header))
        + [isolated(line) + " " for line in header]
        + [*text.iloc[:, i]]
        for i, header in enumerate(headers)
    ]
    lines = in_columns([*zip(*names, *columns, strict=True)], left=range(len(names)))
    return [*lines[:depth], "-" * width(lines[0]), *lines[depth:]]
