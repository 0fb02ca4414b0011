"""Prompts: what a class may be called, one CSV `prompt,classname,classidx` per set."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence

import pandas as pd

from .messages import InputError

COLUMNS = ["prompt", "classname", "classidx"]


def from_templates(classes: Sequence[str], templates: Sequence[str]) -> pd.DataFrame:
    """One prompt per class and template; classidx is the position in `classes`."""
    rows = [
        (template.replace("{}", name), name, index)
        for index, name in enumerate(classes)
        for template in templates
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_prompts(path: str | os.PathLike) -> pd.DataFrame:
    """Read and check a prompts file; rows keep their order, which numbers the prompts.

    Raises InputError naming file and line for missing columns, a line of another length than
    the header, an empty prompt, a class index that is no whole number from 0 on, and a prompt
    that its class has twice. Two classes may share a prompt: the authors' ImageNet has two
    called "missile"; the earlier one wins the tie.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            # a quoted text may run over lines: what is named is the line where a row ends
            lines = [(reader.line_num, row) for row in reader if row]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as CSV ({error}); expected {_FORM}; correct it"
        ) from None
    header = lines[0][1] if lines else []
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise InputError(
            f"{path}, line 1: the column `{missing[0]}` is missing, expected {_FORM}; add it"
        )
    if len(lines) == 1:
        raise InputError(f"{path}: has no prompts, expected one line per prompt; add them")
    seen: set[tuple[str, str]] = set()
    for line, row in lines[1:]:
        _check_row(f"{path}, line {line}", row, header, seen)
    frame = pd.DataFrame([row for _, row in lines[1:]], columns=header)
    return frame[COLUMNS].astype({"classidx": "int64"})


_FORM = "a CSV with the columns prompt,classname,classidx"


def _check_row(
    where: str, row: Sequence[str], header: Sequence[str], seen: set[tuple[str, str]]
) -> None:
    if len(row) != len(header):
        raise InputError(
            f"{where}: found {len(row)} values, expected {len(header)}, as many as there are "
            "columns; put a text that contains a comma in double quotes"
        )
    named = dict(zip(header, row, strict=True))
    prompt, index = named["prompt"], named["classidx"]
    if not prompt.strip():
        raise InputError(f"{where}: found an empty prompt, expected a text; fill it in")
    if not re.fullmatch("[0-9]{1,9}", index):
        raise InputError(
            f"{where}: found the class index {index!r}, expected a whole number from 0 on; correct "
            "`classidx`"
        )
    if (prompt, index) in seen:
        raise InputError(
            f"{where}: found {prompt!r}, which stands in an earlier line of class {index} too, "
            "expected different prompts; remove or change it"
        )
    seen.add((prompt, index))


def check_labels(prompts: pd.DataFrame, labels: pd.DataFrame, dataset: str) -> None:
    """Raise InputError if a class among `labels` (`label, classname`) has no prompt."""
    without = labels[~labels["label"].isin(prompts["classidx"])]
    if len(without):
        label, name = without[["label", "classname"]].iloc[0]
        raise InputError(
            f"data set {dataset}: its class {label} ({name}) has no prompt, expected at least one "
            "per class; add it to the data set's `prompts`"
        )
