"""What a part of the check is, and what it is given."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import torch

from diffusion_classifier.config.places import workflow_folder

HELD = "what has to hold"
"""The table of `Check.holds`; its columns are `name`, `held` and `found`."""


@dataclass(frozen=True)
class Check:
    """The device that a part measures on, and where it writes what it found.

    `until` is the time (`time.time()`) at which the part is killed; `rows` is the text file that
    gets one JSON object a line, the row of a table, at once.
    """

    device: torch.device
    rehearse: bool
    until: float
    rows: TextIO
    root: Path = field(default_factory=workflow_folder)

    def row(self, table: str, **values: Any) -> None:
        """Append one measurement to the table of that name, which gets the values as its columns.

        NumPy's and PyTorch's scalars become plain numbers, and a number that is not finite a text.
        """
        line = {"table": table} | {name: _plain(value) for name, value in values.items()}
        print(json.dumps(line, allow_nan=False), file=self.rows, flush=True)

    def holds(self, name: str, held: bool, found: str) -> None:
        """Say whether something that must hold does, and what was found.

        The whole check fails if it does not; the part goes on.
        """
        self.row(HELD, name=name, held=bool(held), found=found)

    def left(self) -> float:
        """Seconds until the part is killed."""
        return self.until - time.time()


@dataclass(frozen=True)
class Part:
    """One of the check's parts: its name, what it does, and the seconds that it may take.

    `measure` asks `Check.left` before it starts something long, and leaves out what does not fit.
    In a rehearsal, which measures nothing and may have a busy CPU, the limit is a guard alone.
    """

    name: str
    measure: Callable[[Check], None]
    seconds: float
    rehearsal_seconds: float = 300

    def limit(self, rehearse: bool) -> float:
        """The seconds that it may take, on a card or in the rehearsal."""
        return self.rehearsal_seconds if rehearse else self.seconds


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
