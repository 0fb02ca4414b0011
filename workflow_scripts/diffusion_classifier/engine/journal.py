"""A long job's journal: the errors it has measured so far, from which it goes on if it is killed.

The engine measures evaluations in an order that its inputs alone determine (a race decides by the
errors before), so a job that is started again asks the same questions in the same order: the
journal answers them up to its end. Once a minute it is written whole, beside its result.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffusion_classifier.files import read_tensors, read_text_metadata, write_tensors

INTERVAL = 60.0
"""Seconds between two writes: what is lost at most when a job is killed."""


def journal_of(result: str | os.PathLike) -> Path:
    """Where the journal of a result is."""
    return Path(result).with_suffix(".journal.safetensors")


def fingerprint(inputs: Iterable[str | os.PathLike], settings: Any) -> str:
    """What a job's errors depend on: its input files, by size and time, and JSON-like settings.

    The rule's settings have the identity of its code, so a job does not go on after other code.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(torch.__version__.encode())
    for path in sorted(map(os.fspath, inputs)):
        state = os.stat(path)
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()


class Journal:
    """The errors of all evaluations so far, in the order in which they were measured.

    `job` is a `fingerprint`: a journal at `path` of another job, or a damaged one, does not count.
    `seconds` is what had been spent on what it holds.
    """

    def __init__(self, path: str | os.PathLike, job: str, interval: float = INTERVAL) -> None:
        self.path, self.job, self.interval = Path(path), job, interval
        self.seconds = 0.0
        self._parts: dict[str, list[Tensor]] = {}
        self._found: dict[str, Tensor] = self._read()
        self._position = 0
        self._start = self._written = time.monotonic()

    def replay(self, count: int) -> dict[str, Tensor]:
        """The errors of the next evaluations, at most `count`, `(evaluation,)` float32 per loss.

        Fewer than `count`, or none, where the journal ends.
        """
        start, self._position = self._position, self._position + count
        return {name: values[start : start + count] for name, values in self._found.items()}

    def add(self, errors: dict[str, Tensor]) -> None:
        """Note what came after all that was replayed or added; write it if it is time to."""
        for name, values in errors.items():
            self._parts.setdefault(name, []).append(values)
        if time.monotonic() - self._written >= self.interval:
            self.write()

    def write(self) -> None:
        """Write the journal, whole or not at all."""
        for name, parts in self._parts.items():
            new = torch.cat([part.cpu() for part in parts])
            self._found[name] = torch.cat([self._found.get(name, new[:0]), new])
        self._parts = {}
        self._written = time.monotonic()
        spent = self.seconds + self._written - self._start
        write_tensors(self._found, self.path, {"job": self.job, "seconds": f"{spent:.3f}"})

    def close(self) -> None:
        """The result is written: the journal is not needed any more."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Tensor]:
        try:
            metadata = read_text_metadata(self.path)
            if metadata.get("job") != self.job:
                said = "left aside, its inputs, settings, code or version of PyTorch were others"
                print(f"{self.path}: {said}", file=sys.stderr)
                return {}
            found = read_tensors(self.path)
            self.seconds = float(metadata["seconds"])
        except FileNotFoundError:
            return {}
        except Exception as error:  # a damaged file leads to errors of any kind
            print(f"{self.path}: left aside, it is damaged ({error})", file=sys.stderr)
            return {}
        count = len(next(iter(found.values())))
        print(f"going on after the {count} evaluations of {self.path}", file=sys.stderr)
        return found
