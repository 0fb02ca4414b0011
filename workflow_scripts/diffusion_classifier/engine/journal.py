"""A journal keeps the errors that a long job has measured so far; a killed job resumes from it.

The order of evaluations depends on the job's inputs only (in a race also on earlier errors). So a
job that is started again needs the same errors in the same order, and reads the first of them from
the journal. The whole journal is written once a minute, beside the result.
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
"""Seconds between two writes: a killed job loses at most this much work."""


def journal_of(result: str | os.PathLike) -> Path:
    """Path of the journal of a result."""
    return Path(result).with_suffix(".journal.safetensors")


def fingerprint(inputs: Iterable[str | os.PathLike], settings: Any) -> str:
    """Digest of all that a job's errors depend on: input files (size and time) and settings.

    The rule's settings, which JSON can write, contain the identity of its code, so a job does not
    resume from a journal of other code.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(torch.__version__.encode())
    for path in sorted(map(os.fspath, inputs)):
        state = os.stat(path)
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()


class Journal:
    """The errors of all evaluations so far, in the order in which they were measured.

    `job` is a `fingerprint`: a journal at `path` that is damaged or of another job is ignored.
    `seconds` is the time that earlier attempts spent on the errors in it.
    """

    def __init__(self, path: str | os.PathLike, job: str, interval: float = INTERVAL) -> None:
        self.path, self.job, self.interval = Path(path), job, interval
        self.seconds = 0.0
        self._parts: dict[str, list[Tensor]] = {}
        self._found: dict[str, Tensor] = self._read()
        self._position = 0
        self._start = self._written = time.monotonic()

    def replay(self, count: int) -> dict[str, Tensor]:
        """The errors of the next `count` evaluations, `(evaluation,)` float32 per loss.

        Fewer, or none, if the journal ends before.
        """
        start, self._position = self._position, self._position + count
        return {name: values[start : start + count] for name, values in self._found.items()}

    def add(self, errors: dict[str, Tensor]) -> None:
        """Append errors; write the journal if the last time was `interval` seconds ago."""
        for name, values in errors.items():
            self._parts.setdefault(name, []).append(values)
        if time.monotonic() - self._written >= self.interval:
            self.write()

    def write(self) -> None:
        """Write the whole journal; an interrupted write leaves the old one."""
        for name, parts in self._parts.items():
            new = torch.cat([part.cpu() for part in parts])
            self._found[name] = torch.cat([self._found.get(name, new[:0]), new])
        self._parts = {}
        self._written = time.monotonic()
        spent = self.seconds + self._written - self._start
        write_tensors(self._found, self.path, {"job": self.job, "seconds": f"{spent:.3f}"})

    def close(self) -> None:
        """Delete the journal, when the result has been written."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Tensor]:
        try:
            metadata = read_text_metadata(self.path)
            if metadata.get("job") != self.job:
                reason = "it has other inputs, settings, code or another version of PyTorch"
                print(f"{self.path}: ignored, as {reason}", file=sys.stderr)
                return {}
            found = read_tensors(self.path)
            self.seconds = float(metadata["seconds"])
        except FileNotFoundError:
            return {}
        except Exception as error:  # a damaged file leads to errors of any kind
            print(f"{self.path}: ignored, as it is damaged ({error})", file=sys.stderr)
            return {}
        count = len(next(iter(found.values())))
        print(f"going on after the {count} evaluations of {self.path}", file=sys.stderr)
        return found
