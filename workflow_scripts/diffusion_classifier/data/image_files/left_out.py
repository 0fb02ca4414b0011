"""Record the files that a data set could not use: their number, their names and the reasons.

If files were left out, the record is in the metadata of the data set's Parquet file.
"""

from __future__ import annotations

import html
import json
import os
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from diffusion_classifier.files import read_parquet
from diffusion_classifier.names import printable

from ..matching.stored import ITEMS, caption_classes

if TYPE_CHECKING:
    import pandas as pd

KEY = "left_out"
"""The key of the record in the metadata of a Parquet file."""

_FEW = 5  # number of files that a sentence names


@dataclass
class LeftOut:
    """The files that a data set could not use.

    `what` is the word for them in a sentence. `there` counts the files of the source; `looked_at`
    counts those that were chosen (all, unless the config has `limit`, `skip` or `indices`) or are
    no images. `reasons` is reason -> names of files; `classes` is label -> name for classes that
    have lost all chosen images.
    """

    what: str = "files"
    there: int = 0
    looked_at: int = 0
    reasons: dict[str, list[str]] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def before(cls, images: int, left_out: Mapping[str, str]) -> LeftOut:
        """A first record: `images` that are not read yet and files `left_out`, name -> reason."""
        count = images + len(left_out)
        found = cls(there=count, looked_at=count)
        for name, reason in left_out.items():
            found.add(name, reason)
        return found

    def add(self, name: str, reason: str) -> None:
        """Add the file `name`, which is left out for `reason`."""
        self.reasons.setdefault(reason, []).append(name)

    @property
    def count(self) -> int:
        """Number of files that are left out."""
        return sum(map(len, self.reasons.values()))

    def metadata(self) -> dict[str, str]:
        """The record for the metadata of a Parquet file; empty if no file was left out."""
        return {KEY: json.dumps(asdict(self))} if self.count else {}

    def refusal(self, where: str) -> str:
        """The error message for a data set with `strict: true`; `where` names it."""
        return (
            f"{where}: found {self.count} of {self.looked_at} {self.what} that cannot be "
            f"used, {self._first()}, but the data set is `strict`; mend or remove them, or leave "
            "`strict` out to go on without them"
        )

    def sentence(
        self,
        label: str,
        text: Callable[[str], str] = str,
        name: Callable[[str], str] = str,
    ) -> str:
        """One sentence about the files that the data set `label` left out.

        `text` and `name` format a text and a file's name, for example as HTML.
        """
        used = f"{label}: {self.looked_at - self.count} of {self.looked_at} {self.what} were used"
        if self.looked_at < self.there:
            used = f"{used} ({self.there} are there, of which some were chosen)"
        gone = "".join(f"; no image of the class {name} is left" for name in self.classes.values())
        return f"{text(used)}; left out: {self._first(text, name)}{text(gone)}."

    def _first(self, text: Callable[[str], str] = str, name: Callable[[str], str] = str) -> str:
        """The files with their reasons: all if they are few, otherwise one per reason."""
        if self.count <= _FEW:
            named = [(file, why) for why, files in self.reasons.items() for file in files]
        else:
            named = [(files[0], _counted(why, len(files))) for why, files in self.reasons.items()]
        examples = [f"{name(printable(file))} {text(f'({why})')}" for file, why in named]
        more = f" and {len(examples) - _FEW} other reasons" if len(examples) > _FEW else ""
        return ", ".join(examples[:_FEW]) + more


def _counted(reason: str, count: int) -> str:
    return reason if count == 1 else f"{reason}; {count} such files"


def read_left_out(path: str | os.PathLike) -> LeftOut | None:
    """The record in the data set's file at `path`; None if no file was left out."""
    import pyarrow.parquet as pq

    stored = (pq.read_metadata(path).metadata or {}).get(KEY.encode())
    return None if stored is None else LeftOut(**json.loads(stored))


def read_all(data: Mapping[str, str]) -> list[tuple[str, LeftOut]]:
    """Labels and records of those data sets, given as file -> label, that left files out."""
    found = [(label, read_left_out(path)) for path, label in data.items()]
    return [(label, record) for label, record in found if record]


def texts(records: Iterable[tuple[str, LeftOut]]) -> list[str]:
    """A sentence for each label and record, wrapped for the terminal."""
    return [textwrap.fill(record.sentence(label), 160) + "\n" for label, record in records]


def paragraphs(records: Iterable[tuple[str, LeftOut]]) -> list[str]:
    """A sentence for each label and record, as a paragraph of HTML."""

    def code(name: str) -> str:
        return f"<code>{html.escape(name)}</code>"

    return [f"<p>{record.sentence(label, html.escape, code)}</p>" for label, record in records]


def read_classes(path: str | os.PathLike) -> pd.DataFrame:
    """The classes (`label, classname`) of a data set, including those of left-out images.

    A class remains a candidate even if none of its images could be read. The classes of matching
    tasks are their captions.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    if ITEMS in pq.read_schema(path).names:
        return caption_classes(read_parquet(path, [ITEMS])[ITEMS])
    classes = read_parquet(path, ["label", "classname"])
    if (record := read_left_out(path)) is None or not record.classes:
        return classes
    without = pd.DataFrame(
        {"label": map(int, record.classes), "classname": record.classes.values()}
    )
    return pd.concat([classes, without], ignore_index=True)
