"""Hierarchical pruning: compare groups of classes first, then the classes of the best groups.

The method is that of Shanbhag et al. 2024 ("Just Leaf It", arXiv 2411.12073) with one level: every
class belongs to a group, and every group has a prompt. All groups are evaluated at few samples;
only the classes of the best groups go on to the stages. The error of a group's prompt is compared
with the errors of other groups, never with the error of a class.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import named_prompts
from diffusion_classifier.messages import InputError

from .candidates import candidates, pairs_of_classes
from .pruning import survivors

if TYPE_CHECKING:
    import xarray as xr

FORM = "a CSV with the columns classidx,group, whole numbers from 0 on"


def read_groups(of: Sequence[int] | str, where: str = "groups") -> dict[int, int]:
    """Class → group, from a list with one entry per class or a CSV file `classidx,group`.

    The file may have further columns, such as names. Raises InputError, beginning with `where`,
    for a file of another form.
    """
    if not isinstance(of, str):
        return dict(enumerate(of))
    where, found = f"{where} ({of})", {}
    try:
        with open(of, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            numbers = [(rows.line_num, int(row["classidx"]), int(row["group"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise InputError(
            f"{where}: cannot be read ({reason}), expected {FORM}; correct it"
        ) from None
    for line, index, group in numbers:
        if index in found:
            raise InputError(
                f"{where}, line {line}: found the class {index} again, expected each class once; "
                "remove one of its lines"
            )
        found[index] = group
    return found


def check_groups(group_of: dict[int, int], classes: int | None, groups: int, where: str) -> None:
    """Raise InputError unless each of `classes` classes has one of `groups` groups.

    `classes` is None if the number of classes is unknown.
    """
    expected = set(group_of) if classes is None else set(range(classes))
    for index in sorted(expected - set(group_of)):
        raise InputError(
            f"{where}: found no group of the class {index}, expected one for each class, 0 to "
            f"{len(expected) - 1}; add it"
        )
    for index in sorted(set(group_of) - expected):
        raise InputError(
            f"{where}: found a group of the class {index}, but the classes are 0 to "
            f"{len(expected) - 1}; remove it"
        )
    for index, group in sorted(group_of.items()):
        if not 0 <= group < groups:
            raise InputError(
                f"{where}: found the group {group} of the class {index}, expected 0 to "
                f"{groups - 1}, the classes of the groups' prompts; correct it"
            )


def prompt_groups(group_of: dict[int, int], prompts: pd.DataFrame) -> np.ndarray:
    """The group of each prompt's class, int64 `(prompt,)`; -1 for the unconditional prompt."""
    return np.array([group_of.get(index, -1) for index in prompts["classidx"]], dtype="int64")


def pairs_of_groups(
    pairs: pd.DataFrame, groups: np.ndarray, chosen: pd.DataFrame, chosen_groups: np.ndarray
) -> pd.DataFrame:
    """Select the `pairs` whose image has a pair of the same group in `chosen`.

    Both tables have the columns `image, prompt`; the prompts of one are the classes' and those of
    the other the groups'. `groups[prompt]` is the group of a prompt of `pairs`, and
    `chosen_groups[prompt]` that of a prompt of `chosen`.
    """
    chosen = chosen.assign(**{"class": chosen_groups[chosen["prompt"]]})
    return pairs_of_classes(pairs, groups, chosen.drop_duplicates(["image", "class"]))


def group_pairs(
    pairs: pd.DataFrame, prompts: pd.DataFrame, group_prompts: pd.DataFrame, of: Sequence[int] | str
) -> pd.DataFrame:
    """The pairs `image, prompt` of each image with the prompts of the groups in its `pairs`.

    `prompts` are the classes' prompts, and `of` gives the classes' groups (see `read_groups`).
    Raises InputError if a class has no group, or a group that has no prompt.
    """
    group_of, named = read_groups(of), named_prompts(prompts)
    groups = int(named_prompts(group_prompts)["classidx"].max()) + 1
    check_groups(group_of, int(named["classidx"].max()) + 1, groups, "groups")
    every = candidates(pairs[["image"]].drop_duplicates(), group_prompts)
    described = group_prompts["classidx"].to_numpy()
    return pairs_of_groups(every, described, pairs, prompt_groups(group_of, prompts))


def best_groups(
    pairs: pd.DataFrame,
    prompts: pd.DataFrame,
    group_pairs: pd.DataFrame,
    group_prompts: pd.DataFrame,
    errors: Sequence[xr.Dataset],
    of: Sequence[int] | str,
    keep: int,
    loss: str,
    combine: str = "mean",
) -> pd.DataFrame:
    """Select the `pairs` whose class is in one of the image's `keep` groups of least error.

    `group_pairs` and `errors` belong to the groups' prompts. The error of a group is the mean or
    the least error of its prompts (`combine`). For `of` see `read_groups`.
    """
    described = group_prompts["classidx"].to_numpy()
    best = survivors(errors, group_pairs, described, keep, loss, combine)
    return pairs_of_groups(pairs, prompt_groups(read_groups(of), prompts), best, described)
