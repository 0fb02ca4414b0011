"""Class lists: what the classes of a known data set are called, classes/NAME.csv.

The columns are those of classes/README.md. Whatever must be fast, as checking a
config, reads them without pandas.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from diffusion_classifier.messages import known

if TYPE_CHECKING:
    import pandas as pd

CLASS_LISTS = Path(__file__).resolve().parent / "classes"
"""The folder of the lists that come with the library."""

_INTEGERS = ("classidx", "condition")


def class_list_names(folder: Path = CLASS_LISTS) -> list[str]:
    """The names that a class list can be asked for by, sorted."""
    return sorted(path.stem for path in folder.glob("*.csv"))


def class_rows(name: str, folder: Path = CLASS_LISTS) -> list[dict[str, str]]:
    """The rows of a class list, all values as text.

    Raises InputError for a name that there is not.
    """
    known("class list", name, class_list_names(folder), "name")
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def class_count(name: str, folder: Path = CLASS_LISTS) -> int:
    """The number of classes in a class list, which may have several rows of a class.

    Raises InputError as `class_rows` does.
    """
    return len({row["classidx"] for row in class_rows(name, folder)})


def class_list(name: str, folder: Path = CLASS_LISTS) -> pd.DataFrame:
    """A class list: `classidx` int64, `classname`, `text` and what else it has.

    `text` stands in a template's place; `wnid` is a WordNet id, `condition`, int64, the index
    that a class-conditional model knows the class by. Raises InputError as `class_rows` does.
    """
    import pandas as pd

    frame = pd.DataFrame(class_rows(name, folder))
    return frame.astype({column: "int64" for column in _INTEGERS if column in frame})
