"""Sets of prompts, which describe classes: one CSV `prompt,classname,classidx` per set.

A fourth column, `condition`, gives the class index of a class-conditional model if it differs from
`classidx`, as for ImageNet models and the classes of ImageNet-A or ObjectNet.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import check_line, normalised

from .class_lists import CLASS_LISTS, class_list
from .webdataset.class_texts import SLOT, ClassTexts

COLUMNS = ["prompt", "classname", "classidx"]
CONDITION = "condition"
NO_CONDITION = -1  # the condition of the unconditional prompt, which belongs to no class


def from_templates(classes: Sequence[str], templates: Sequence[str]) -> pd.DataFrame:
    """One prompt per class and template; classidx is the position in `classes`."""
    return _filled(enumerate(classes), templates)


def _filled(classes: Iterable[tuple[int, str]], templates: Sequence[str]) -> pd.DataFrame:
    """One prompt per template and class, given as index and name."""
    rows = [
        (template.replace("{}", name), name, index)
        for index, name in classes
        for template in templates
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def from_class_list(
    name: str, templates: Sequence[str], folder: Path = CLASS_LISTS
) -> pd.DataFrame:
    """One prompt per template and row of the class list `name`; the row's `text` replaces `{}`.

    The prompts have a `condition` if the list has one. Raises InputError for an unknown list.
    """
    listed = class_list(name, folder)
    rows = [
        {"prompt": template.replace("{}", row["text"]), **row}
        for row in listed.to_dict("records")
        for template in templates
    ]
    return pd.DataFrame(rows)[COLUMNS + [CONDITION] * (CONDITION in listed)]


def from_class_texts(texts: ClassTexts, templates: Sequence[str] = ()) -> pd.DataFrame:
    """One prompt per class and template of CLIP_benchmark's files.

    The class's words replace `{c}` in the files' templates, or `{}` in `templates`, which replace
    them. Raises InputError if a prompt is empty.
    """
    slot = "{}" if templates else SLOT
    rows = [
        (template.replace(slot, words).strip(), name, index)
        for index, (words, name) in enumerate(zip(texts.words, texts.names, strict=True))
        for template in templates or texts.templates
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    if (frame["prompt"] == "").any():
        name = frame.loc[frame["prompt"] == "", "classname"].iloc[0]
        raise InputError(
            f"prompts: found a template that makes an empty prompt of {name}, which has no words, "
            "expected a text; choose other `templates`"
        )
    return frame


def from_captions(data: pd.DataFrame, templates: Sequence[str] = ("{}",)) -> pd.DataFrame:
    """Prompts for the classes of a data set (`label, classname`); by default only their names."""
    classes = data[["label", "classname"]].drop_duplicates("label").sort_values("label")
    return _filled(classes.itertuples(index=False), templates)


def with_unconditional(prompts: pd.DataFrame) -> pd.DataFrame:
    """Add the unconditional prompt to `prompts`, as a further class without text and name.

    Its error measures how hard an image is to denoise without any prompt.
    """
    row = pd.DataFrame([("", "", prompts["classidx"].max() + 1)], columns=COLUMNS)
    if CONDITION in prompts:
        row[CONDITION] = NO_CONDITION
    return pd.concat([prompts, row], ignore_index=True)


def is_unconditional(prompts: pd.DataFrame) -> pd.Series:
    """Which rows are the unconditional prompt, bool `(prompt,)`."""
    return (prompts["prompt"] == "") & (prompts["classname"] == "")


def named_prompts(prompts: pd.DataFrame) -> pd.DataFrame:
    """`prompts` without the unconditional one."""
    return prompts[~is_unconditional(prompts)].reset_index(drop=True)


def read_prompts(path: str | os.PathLike) -> pd.DataFrame:
    """Read and check a prompts file; rows keep their order, which numbers the prompts.

    `classidx` and `condition`, if there is one, are int64; texts are in Unicode's form NFC.
    Raises InputError naming file and line for missing columns, a line of another length than the
    header, an empty prompt, a class name that is not one line of text, a class index or condition
    that is no whole number from 0 on, and a prompt that its class has twice (with the same
    condition). Two classes may share a prompt, as two classes named "missile" do in the authors'
    ImageNet; the earlier one wins the tie. A row without prompt and name is allowed: it is the
    unconditional prompt, and its condition becomes NO_CONDITION.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            # a quoted text may have several lines: messages name the line where a row ends
            lines = [(reader.line_num, list(map(normalised, row))) for row in reader if row]
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
    seen: set[tuple[str, ...]] = set()
    for line, row in lines[1:]:
        _check_row(f"{path}, line {line}", row, header, seen)
    frame = pd.DataFrame([row for _, row in lines[1:]], columns=header)
    if CONDITION not in frame:
        return frame[COLUMNS].astype({"classidx": "int64"})
    frame.loc[is_unconditional(frame), CONDITION] = str(NO_CONDITION)
    return frame[[*COLUMNS, CONDITION]].astype({"classidx": "int64", CONDITION: "int64"})


_FORM = "a CSV with the columns prompt,classname,classidx"


def _check_row(
    where: str, row: Sequence[str], header: Sequence[str], seen: set[tuple[str, ...]]
) -> None:
    if len(row) != len(header):
        raise InputError(
            f"{where}: found {len(row)} values, expected {len(header)}, one per column; put a text "
            "that contains a comma in double quotes"
        )
    named = dict(zip(header, row, strict=True))
    prompt, index, condition = named["prompt"], named["classidx"], named.get(CONDITION, "0")
    if not prompt.strip() and named["classname"]:
        raise InputError(f"{where}: found an empty prompt, expected a text; fill it in")
    check_line(named["classname"], where, "the class name")
    if not _is_index(index):
        raise InputError(
            f"{where}: found the class index {index!r}, expected a whole number from 0 on; correct "
            "`classidx`"
        )
    if not _is_index(condition) and (prompt or named["classname"]):
        raise InputError(
            f"{where}: found the condition {condition!r}, expected a whole number from 0 on, the "
            "class index of a class-conditional model; correct `condition`"
        )
    if (prompt, index, condition) in seen:
        raise InputError(
            f"{where}: found {prompt!r}, which an earlier line of class {index} has too, expected "
            "different prompts; remove or change it"
        )
    seen.add((prompt, index, condition))


def _is_index(text: str) -> bool:
    return re.fullmatch("[0-9]{1,9}", text) is not None


def check_classes(prompts: pd.DataFrame, classes: int, where: str) -> None:
    """Raise InputError if a prompt belongs to a class index that the data set does not have."""
    unknown = prompts[(prompts["classidx"] >= classes) & ~is_unconditional(prompts)]
    if len(unknown):
        prompt, index = unknown[["prompt", "classidx"]].iloc[0]
        raise InputError(
            f"{where}: found the prompt {prompt!r} of class index {index}, expected 0 to "
            f"{classes - 1}, the classes of the data set; correct `classidx` or remove the prompt"
        )


def check_named(prompts: pd.DataFrame, classes: int, where: str) -> None:
    """Raise InputError if one of the class indices 0 to classes - 1 has no prompt."""
    named = prompts.loc[~is_unconditional(prompts), "classidx"]
    missing = sorted(set(range(classes)) - set(named))
    if missing:
        raise InputError(
            f"{where}: found no prompt of class index {missing[0]}, expected at least one for each "
            f"class, 0 to {classes - 1}; add it"
        )


def check_labels(prompts: pd.DataFrame, labels: pd.DataFrame, dataset: str) -> None:
    """Raise InputError if a class among `labels` (`label, classname`) has no prompt.

    Also if the prompts have the class names in another order, as predictions would be misread.
    """
    named = prompts.loc[~is_unconditional(prompts), "classidx"]
    without = labels[~labels["label"].isin(named)]
    if len(without):
        label, name = without[["label", "classname"]].iloc[0]
        raise InputError(
            f"data set {dataset}: its class {label} ({name}) has no prompt, expected at least one "
            "per class; add it to the data set's `prompts`"
        )
    known = prompts.groupby("classname")["classidx"].agg(set)
    classes = labels[["label", "classname"]].drop_duplicates("label")
    if classes["classname"].isin(known.index).all():
        for label, name in classes.itertuples(index=False):
            if label not in known[name]:
                raise InputError(
                    f"data set {dataset}: its class {label} is {name!r}, but its `prompts` have "
                    f"this name at class index {min(known[name])}, expected the same order of "
                    "classes; correct `classidx`, or the order of the prompts' classes"
                )
