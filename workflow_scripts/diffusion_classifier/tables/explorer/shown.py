"""Which images a page shows, what is asked about each of them, and which answer is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from diffusion_classifier.data.matching.asked import asked_rows, caption_rows
from diffusion_classifier.data.prompt_sets import named_prompts

CLASS, PART = "True class", "Kind"
"""What a page calls the groups by which images are filtered: their classes, or kinds of items."""


@dataclass(frozen=True)
class Shown:
    """The rows of a page: the images of a data set, or the images in items of matching tasks.

    `rows` has the columns `image`, `truth` (the right class) and `facet` (a position in `facets`).
    `names[k]` is the text of class k. `asked` (columns `row, class`) lists the captions that a row
    is asked about; None: all classes. `left_out` says what is not shown, "" if nothing.
    """

    rows: pd.DataFrame
    names: Sequence[str]
    facet: str
    facets: Sequence[str]
    asked: pd.DataFrame | None = None
    left_out: str = ""

    def take(self, rows: np.ndarray) -> Shown:
        """Some of the rows, given by their positions, numbered anew."""
        asked = self.asked
        if asked is not None:
            number = pd.Series(np.arange(len(rows)), rows)
            asked = asked[asked["row"].isin(rows)]
            asked = asked.assign(row=asked["row"].map(number)).sort_values("row", kind="stable")
            asked = asked.reset_index(drop=True)
        return replace(self, rows=self.rows.iloc[rows].reset_index(drop=True), asked=asked)


def shown(data: pd.DataFrame, prompts: pd.DataFrame, captions: bool) -> Shown:
    """All rows of `data`, a data set without its images (`read_labels`), in its order.

    With `captions`, every image is asked about the captions of its item only, and items with a
    single caption are left out, as nothing is ranked there.
    """
    if not captions:
        names = _names(prompts, "classname")
        rows = data[["image"]].assign(truth=data["label"], facet=data["label"])
        return Shown(rows.reset_index(drop=True), names, CLASS, names)
    rows = caption_rows(data)
    kept, asked = asked_rows(rows)
    facets = list(dict.fromkeys(kept["part"]))
    facet = kept["part"].map({name: number for number, name in enumerate(facets)})
    left = len(rows) - len(kept)
    without = (
        f"{left} images are not shown, as their items have one caption, or none that is right."
    )
    shown_rows = kept[["image", "truth"]].assign(facet=facet.astype("int64"))
    return Shown(
        shown_rows, _names(prompts, "prompt"), PART, facets, asked, without if left else ""
    )


def _names(prompts: pd.DataFrame, column: str) -> list[str]:
    """The text of each class index; "" for an index without prompts."""
    named = named_prompts(prompts).drop_duplicates("classidx").set_index("classidx")[column]
    return named.reindex(range(int(named.index.max()) + 1), fill_value="").tolist()


def chosen(wrong: np.ndarray, most: int) -> np.ndarray:
    """Positions of at most `most` rows, ascending: the wrong ones first, and others evenly.

    `wrong` is bool `(row,)`. If there are more wrong rows than `most`, they are chosen evenly.
    """
    if len(wrong) <= most:
        return np.arange(len(wrong))
    first, others = np.flatnonzero(wrong), np.flatnonzero(~wrong)
    first = _evenly(first, most)
    return np.sort(np.concatenate([first, _evenly(others, most - len(first))]))


def _evenly(places: np.ndarray, count: int) -> np.ndarray:
    if len(places) <= count:
        return places
    return places[np.arange(count) * len(places) // max(1, count)]


def shares(sizes: Sequence[int], most: int) -> list[int]:
    """How many of `most` rows each data set gets: the same number, or all that it has."""
    found, left = [0] * len(sizes), most
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    for place, index in enumerate(order):
        found[index] = min(sizes[index], left // (len(order) - place))
        left -= found[index]
    return found
