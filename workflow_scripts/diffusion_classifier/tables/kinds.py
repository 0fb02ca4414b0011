"""The kinds of tables: which notebook renders a table, and from which answers it is scored.

A new kind is an entry here, a notebook, its keys in config/schema.yaml, what `plan.notebooks` tells
the notebook, and the captions of what it shows in report/captions.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kind:
    """A kind of table.

    `notebook` is the name of a file in notebooks/, `category` what the report calls such tables.
    A table is scored from `predictions` of classes, from `similarities` of images and prompts, or
    from `matches`, the similarities of several data sets of matching tasks.
    """

    notebook: str
    category: str
    answers: Literal["predictions", "similarities", "matches"]


KINDS = {
    "accuracy": Kind("accuracy", "Zero-shot accuracy", "predictions"),
    "robustness": Kind("robustness", "Robustness", "predictions"),
    "compositional": Kind("compositional", "Compositional reasoning", "similarities"),
    "matching": Kind("matching", "Compositional reasoning", "matches"),
}
