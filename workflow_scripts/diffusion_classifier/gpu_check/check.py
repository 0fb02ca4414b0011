"""The parts of the check, and the object through which they report."""

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
    """The device on which a part measures, and the file to which it writes results.

    `until` is the time (`time.time()`) at which the part is killed; `rows` is a text file with one
    JSON object per line, each a row of a table, written at once.
    """

    device: torch.device
    rehearse: bool
    until: float
    rows: TextIO
    root: Path = field(default_factory=workflow_folder)

    def row(self, table: str, **values: Any) -> None:
        """Append a row to the table of that name; the names of `values` are its columns.

        NumPy's and PyTorch's scalars become plain numbers; numbers that are not finite become text.
        """
        line = {"table": table} | {name: _plain(value) for name, value in values.items()}
        print(json.dumps(line, allow_nan=False), file=self.rows, flush=True)

    def holds(self, name: str, held: bool, found: str) -> None:
        """Report whether a requirement holds, and what was found.

        If it does not hold, the whole check fails, but the part continues.
        """
        self.row(HELD, name=name, held=bool(held), found=found)

    def left(self) -> float:
        """Seconds until the part is killed."""
        return self.until - time.time()


@dataclass(frozen=True)
class Part:
    """A part of the check: its name, its function, and its time limit in seconds.

    `measure` calls `Check.left` before a long step and skips the step if there is too little time.
    In a rehearsal, which measures no speed and may run on a busy CPU, the limit is only a guard.
    """

    name: str
    measure: Callable[[Check], None]
    seconds: float
    rehearsal_seconds: float = 300

    def limit(self, rehearse: bool) -> float:
        """The time limit in seconds, on a GPU or in the rehearsal."""
        return self.rehearsal_seconds if rehearse else self.seconds


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
