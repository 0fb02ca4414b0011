"""The kinds of tables: which notebook renders a table, and which answers are scored.

A new kind is an entry here, a notebook, its keys in config/schema.yaml, the notebook's parameters
in `plan.notebooks`, and the captions of its files in report/captions.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kind:
    """A kind of table.

    `notebook` is the name of a file in notebooks/, `category` the heading of such tables in the
    report. The scored `answers` are predictions of classes, similarities of images and prompts, or
    matches: the similarities of several data sets of matching tasks. Each table has a page on which
    its images can be looked at (`tables.explorer`), unless `no_page` says why not.
    """

    notebook: str
    category: str
    answers: Literal["predictions", "similarities", "matches"]
    no_page: str = ""


KINDS = {
    "accuracy": Kind("accuracy", "Zero-shot accuracy", "predictions"),
    "robustness": Kind("robustness", "Robustness", "predictions"),
    "self-bench": Kind("self_bench", "Self-Bench", "predictions"),
    "compositional": Kind("compositional", "Compositional reasoning", "similarities"),
    "matching": Kind("matching", "Compositional reasoning", "matches"),
}
