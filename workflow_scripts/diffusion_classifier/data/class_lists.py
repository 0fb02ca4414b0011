"""Class lists: the class names of known data sets, in classes/NAME.csv.

classes/README.md explains the columns. Checking a config must be fast and reads the lists without
pandas.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from diffusion_classifier.messages import known

if TYPE_CHECKING:
    import pandas as pd

CLASS_LISTS = Path(__file__).resolve().parent / "classes"
"""The folder of the library's class lists."""

_INTEGERS = ("classidx", "condition")


def class_list_names(folder: Path = CLASS_LISTS) -> list[str]:
    """The names of all class lists, sorted."""
    return sorted(path.stem for path in folder.glob("*.csv"))


def class_rows(name: str, folder: Path = CLASS_LISTS) -> list[dict[str, str]]:
    """The rows of a class list, all values as text.

    Raises InputError for an unknown name.
    """
    known("class list", name, class_list_names(folder), "name")
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def class_count(name: str, folder: Path = CLASS_LISTS) -> int:
    """The number of classes in a class list; a class may have several rows.

    Raises InputError as `class_rows` does.
    """
    return len({row["classidx"] for row in class_rows(name, folder)})


def class_list(name: str, folder: Path = CLASS_LISTS) -> pd.DataFrame:
    """A class list: `classidx` int64, `classname`, `text` and further columns.

    `text` replaces `{}` in a template, `wnid` is a WordNet id, and `condition`, int64, is the
    class index of a class-conditional model. Raises InputError as `class_rows` does.
    """
    import pandas as pd

    frame = pd.DataFrame(class_rows(name, folder))
    return frame.astype({column: "int64" for column in _INTEGERS if column in frame})
