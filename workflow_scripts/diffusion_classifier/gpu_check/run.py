"""Run the parts in separate processes and write the results after each of them.

So a part that hangs can be killed at its limit, a crash does not affect other parts, and each part
starts with free device memory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .check import Part
from .results import FAILED, FINISHED, INTERRUPTED, KILLED, Outcome, Results

WORTH = 0.5
"""A part starts only if at least this share of its time limit is left."""

Command = Callable[[Part, Path, float], Sequence[str]]
"""Makes the command of a part's process from the part, its file of rows, and its end time."""


def run(
    parts: Sequence[Part],
    command: Command,
    results: Results,
    folder: Path,
    seconds: float,
) -> None:
    """Run `parts` in at most `seconds` and put their outcomes into `results`.

    `results` are written to `folder` after every part; `folder/parts` has each part's rows and
    output. A part without enough time is reported as not reached. After an interruption (Ctrl-C,
    SIGTERM or a lost terminal) everything is written, and then KeyboardInterrupt is raised.
    """
    end = time.time() + seconds
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    results.outcomes = [Outcome(part.name) for part in parts]
    results.write(folder)
    stops = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in stops}
    try:
        for part, outcome in zip(parts, results.outcomes, strict=True):
            limit, left = part.limit(results.rehearsal), end - time.time()
            if left < WORTH * limit:
                print(f"{part.name}: not reached, {max(0, left):.0f} s are left", flush=True)
                continue
            print(f"{part.name}: at most {min(left, limit):.0f} s", flush=True)
            try:
                _run_part(part, command, outcome, folder / "parts", min(left, limit))
            finally:
                _take_machine(outcome, results)
                results.write(folder)
            print(outcome.sentence(), flush=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_part(part: Part, command: Command, outcome: Outcome, folder: Path, seconds: float) -> None:
    """Run the process of one part and fill in its `outcome`."""
    rows, log = folder / f"{part.name}.jsonl", folder / f"{part.name}.log"
    rows.unlink(missing_ok=True)
    start = time.time()
    with open(log, "wb") as output:
        # in a new session, so that processes of the part (compilers) are killed with it
        process = subprocess.Popen(
            command(part, rows, start + seconds),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(seconds)
            outcome.status = FINISHED if status == 0 else FAILED
        except subprocess.TimeoutExpired:
            outcome.status = KILLED
        except KeyboardInterrupt:
            outcome.status = INTERRUPTED
            raise
        finally:
            _kill(process)
            outcome.seconds = round(time.time() - start, 1)
            outcome.rows = read_rows(rows)
            if outcome.status != FINISHED:
                outcome.error = _last_line(log) or f"exit status {process.returncode}"


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows that a part wrote, without a last row that a killed part left incomplete."""
    lines = path.read_text(encoding="utf-8").splitlines(True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _kill(process: subprocess.Popen) -> None:
    """Kill the process and all of its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[-500:]


def _take_machine(outcome: Outcome, results: Results) -> None:
    """Move the row `machine`, the first row of a part, to the results."""
    for row in outcome.rows:
        if row["table"] == "machine":
            results.machine = {key: value for key, value in row.items() if key != "table"}
    outcome.rows = [row for row in outcome.rows if row["table"] != "machine"]
