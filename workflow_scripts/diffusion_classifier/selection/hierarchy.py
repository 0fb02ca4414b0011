"""Coarse prompts first, then the classes below the best of them.

Hierarchical pruning of a diffusion classifier (Shanbhag et al. 2024, "Just Leaf It", arXiv
2411.12073), of one level: classes belong to groups, which have prompts of their own. All groups of
an image are asked about at few samples; only the classes of the best go on to the stages. An error
of a group's prompt is compared with those of other groups alone, never with a class's.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import named_prompts
from diffusion_classifier.messages import InputError

from .candidates import candidates, of_classes
from .pruning import survivors

if TYPE_CHECKING:
    import xarray as xr

FORM = "a CSV with the columns classidx,group, whole numbers from 0 on"


def read_groups(of: Sequence[int] | str, where: str = "groups") -> dict[int, int]:
    """Class → group, of a list with an entry per class or a CSV file `classidx,group`.

    Other columns of a file may say what they are called. Raises InputError, beginning with `where`,
    for a file that is not like that.
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

    None: it is not known how many classes there are.
    """
    expected = set(group_of) if classes is None else set(range(classes))
    for index in sorted(expected - set(group_of)):
        raise InputError(
            f"{where}: found no group of the class {index}, expected one of each class, 0 to "
            f"{len(expected) - 1}; add it"
        )
    for index in sorted(set(group_of) - expected):
        raise InputError(
            f"{where}: found a group of the class {index}, expected groups of the classes 0 to "
            f"{len(expected) - 1}, all there are; remove it"
        )
    for index, group in sorted(group_of.items()):
        if not 0 <= group < groups:
            raise InputError(
                f"{where}: found the group {group} of the class {index}, expected 0 to "
                f"{groups - 1}, the classes of the groups' prompts; correct it"
            )


def prompt_groups(group_of: dict[int, int], prompts: pd.DataFrame) -> np.ndarray:
    """The group of each prompt's class, int64 `(prompt,)`; -1 of the unconditional prompt."""
    return np.array([group_of.get(index, -1) for index in prompts["classidx"]], dtype="int64")


def of_same_groups(
    pairs: pd.DataFrame, groups: np.ndarray, others: pd.DataFrame, groups_of_others: np.ndarray
) -> pd.DataFrame:
    """Those of `pairs` whose image has a pair of the same group among `others`.

    Both have the columns `image, prompt`, but prompts of another set: one of classes and one of
    groups. `groups[prompt]` is the group that a prompt of `pairs` belongs to or describes.
    """
    chosen = others.assign(**{"class": groups_of_others[others["prompt"]]})
    return of_classes(pairs, groups, chosen.drop_duplicates(["image", "class"]))


def group_pairs(
    pairs: pd.DataFrame, prompts: pd.DataFrame, group_prompts: pd.DataFrame, of: Sequence[int] | str
) -> pd.DataFrame:
    """The pairs `image, prompt` of images and group prompts: of the groups of the images' `pairs`.

    `prompts` are those of the classes; `of` says their groups, as in `read_groups`. Raises
    InputError if a class has no group or one that has no prompt.
    """
    group_of, named = read_groups(of), named_prompts(prompts)
    groups = int(named_prompts(group_prompts)["classidx"].max()) + 1
    check_groups(group_of, int(named["classidx"].max()) + 1, groups, "groups")
    every = candidates(pairs[["image"]].drop_duplicates(), group_prompts)
    own = group_prompts["classidx"].to_numpy()
    return of_same_groups(every, own, pairs, prompt_groups(group_of, prompts))


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
    """Those of `pairs` whose class is in one of the image's `keep` groups of least error.

    `group_pairs` and `errors` are those of the groups' prompts; with several of a group their mean
    counts, or the best (`combine`). `of` is as in `read_groups`.
    """
    own = group_prompts["classidx"].to_numpy()
    best = survivors(errors, group_pairs, own, keep, loss, combine)
    return of_same_groups(pairs, prompt_groups(read_groups(of), prompts), best, own)
