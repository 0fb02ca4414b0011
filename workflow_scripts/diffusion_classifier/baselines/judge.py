"""Keep the drawings of a model that show what their prompts say, as a judge sees it.

The judge is another model (a baseline that reads texts), or a person who ticked files. It has to be
independent of the models that classify the drawings afterwards (Self-Bench: Jeong et al. 2025,
arXiv 2505.17955, section 4).
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from diffusion_classifier.data.image_files.left_out import LeftOut
from diffusion_classifier.data.text_lines import read_lines
from diffusion_classifier.messages import InputError

from .answers import Question, predict
from .baseline import Baseline, Setting

if TYPE_CHECKING:
    import pandas as pd

DISAGREES = "the judge took it for another class than it was drawn as"
NOT_TICKED = "not ticked"
"""Reasons why a drawing is not kept."""
_LIST = "a text with a file on each line; correct `ticked`"


def drawing_name(label: int, image: int) -> str:
    """The name of a drawing's file: class index and number, `003/00012.png`."""
    return f"{label:03d}/{image:05d}.png"


def agreed(
    kind: type[Baseline], setting: Setting, data: str | os.PathLike, prompts: str | os.PathLike
) -> np.ndarray:
    """Which images of `data` the judge takes for the class they were drawn as, bool `(image,)`."""
    (answers,) = predict(kind, setting, [Question(str(data), str(prompts))])
    return (answers["prediction"] == answers["label"]).to_numpy()


def ticked(path: str | os.PathLike, drawings: pd.DataFrame) -> np.ndarray:
    """Which of `drawings` (`image, label`) the list at `path` names, bool `(image,)`.

    The list has a file on each line, such as `003/00012.png`, also with folders before it. Raises
    InputError, naming the line, for what is no drawing, and for a drawing that is there twice.
    """
    rows = zip(drawings["label"], drawings["image"], strict=True)
    number = {drawing_name(*row): position for position, row in enumerate(rows)}
    kept = np.zeros(len(drawings), dtype=bool)
    for line, text in enumerate(read_lines(path, _LIST), 1):
        if not text:
            continue
        name = "/".join(PurePosixPath(text.replace("\\", "/")).parts[-2:])
        if name not in number:
            raise InputError(
                f"{path}, line {line}: found {text!r}, expected a drawing's file such as "
                f"{next(iter(number))}; correct or remove the line"
            )
        if kept[number[name]]:
            raise InputError(f"{path}, line {line}: found {text!r} twice, expected it once")
        kept[number[name]] = True
    return kept


def keep(drawings: pd.DataFrame, kept: np.ndarray, reason: str) -> tuple[pd.DataFrame, LeftOut]:
    """The `kept` rows of a data set, numbered again, and a record of the others.

    Raises InputError if none is kept.
    """
    if not kept.any():
        raise InputError(
            f"found none of {len(drawings)} drawings that is kept ({reason}), expected at least "
            "one; draw more, with other `guidance` or `steps`, or choose another judge"
        )
    record = LeftOut("drawings", there=len(drawings), looked_at=len(drawings))
    for source in drawings.loc[~kept, "source"]:
        record.add(source, reason)
    found = drawings[kept].reset_index(drop=True)
    gone = drawings[~drawings["label"].isin(found["label"])].drop_duplicates("label")
    record.classes = dict(zip(gone["label"].astype(str), gone["classname"], strict=True))
    return found.assign(image=np.arange(len(found), dtype=np.int64)), record
