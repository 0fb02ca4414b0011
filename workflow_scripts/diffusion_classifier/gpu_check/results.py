"""The results of a check, as JSON and as Markdown tables."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from diffusion_classifier import files

from .check import HELD

FINISHED, KILLED, FAILED = "finished", "killed at its limit", "failed"
NOT_REACHED, INTERRUPTED = "not reached", "interrupted"


@dataclass
class Outcome:
    """The outcome of a part: its `rows`, written by its `Check`, and how it ended.

    `error` is the last line that the part printed, if it did not finish.
    """

    part: str
    status: str = NOT_REACHED
    seconds: float = 0.0
    error: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)

    def not_held(self) -> list[dict[str, Any]]:
        """The rows of requirements that do not hold."""
        return [row for row in self.rows if row["table"] == HELD and not row["held"]]

    def sentence(self) -> str:
        """How the part ended and which requirements do not hold, as text."""
        end = f"{self.part}: {self.status} in {self.seconds:.0f} s {self.error}".strip()
        wrong = [f"  does not hold: {row['name']}: {row['found']}" for row in self.not_held()]
        return "\n".join([end, *wrong])


@dataclass
class Results:
    """All results of a check; `machine` comes from `machine.describe`."""

    rehearsal: bool
    date: str
    outcomes: list[Outcome] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=dict)

    def passed(self) -> bool:
        """Whether every part finished and all requirements hold."""
        return all(part.status == FINISHED and not part.not_held() for part in self.outcomes)

    def write(self, folder: Path) -> None:
        """Write `check.json` and `check.md`, replacing older files."""
        files.write_json(asdict(self) | {"passed": self.passed()}, folder / "check.json")
        files.write_text(self.markdown(), folder / "check.md")

    def markdown(self) -> str:
        """A table of the parts, and each table for which parts wrote rows."""
        head = [{key: value for key, value in self.machine.items() if value not in ("", None)}]
        parts = [
            {
                "part": outcome.part,
                "status": outcome.status,
                "seconds": outcome.seconds,
                "not held": len(outcome.not_held()),
                "error": outcome.error,
            }
            for outcome in self.outcomes
        ]
        tables = {"machine": head if self.machine else [], "parts": parts, HELD: []}
        for outcome in self.outcomes:
            for row in outcome.rows:
                values = {key: value for key, value in row.items() if key != "table"}
                tables.setdefault(row["table"], []).append(values)
        what = "Rehearsal of the GPU check" if self.rehearsal else "GPU check"
        sections = [f"## {name}\n\n{table(rows)}" for name, rows in tables.items() if rows]
        return "\n".join([f"# {what}, {self.date}\n", *sections])


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table; columns are in the order of their first appearance."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    numeric = [all(type(row.get(name, 0)) in (int, float) for row in rows) for name in columns]
    lines = [columns, ["---:" if number else "---" for number in numeric]]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: Any) -> str:
    """A value as text for readers: numbers with at least three digits, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return " ".join(str(value).split()).replace("|", "\\|")


def _number(value: float) -> str:
    if not value:
        return "0"
    if not 1e-3 <= abs(value) < 1e9:
        return f"{value:.2e}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
