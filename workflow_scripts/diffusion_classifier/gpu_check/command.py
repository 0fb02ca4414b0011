"""The command line of the check, which also runs a single part in its process."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from diffusion_classifier.machine import describe
from diffusion_classifier.messages import InputError, known

from . import fast, jobs, limits, right
from .check import Check, Part
from .results import Results
from .run import run

PARTS: tuple[Part, ...] = (*right.PARTS, *fast.FIRST, *jobs.PARTS, *limits.PARTS, *fast.OTHERS)
"""All parts of the check, the most important first."""
SECONDS = 470
"""Limit for all parts; with the start of the command, the check takes at most 8 minutes."""
REHEARSAL_SECONDS = 900
"""A guard; on an idle CPU a rehearsal takes less than two minutes."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check; return the exit status.

    It is 0 if every part finished and all requirements hold, 1 if not, 2 for a mistake in the
    input, and 130 for an interruption.
    """
    arguments = _parser().parse_args(argv)
    try:
        if arguments.part:
            _measure(arguments)
            return 0
        return _check(arguments)
    except InputError as error:
        print(f"gpu_check: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gpu_check: interrupted; the results so far are written", file=sys.stderr)
        return 130


def _check(arguments: argparse.Namespace) -> int:
    device = _device(arguments)
    parts = named(arguments.parts)
    seconds = arguments.seconds
    if seconds is None:
        seconds = REHEARSAL_SECONDS if arguments.rehearse else SECONDS
    now = datetime.datetime.now().astimezone().isoformat(timespec="minutes")
    results = Results(arguments.rehearse, now)

    def command(part: Part, rows: Path, until: float) -> list[str]:
        found = [sys.executable, "-m", __package__, "--part", part.name, "--rows", str(rows)]
        found += ["--until", str(until), "--device", str(device)]
        return [*found, "--rehearse"] if arguments.rehearse else found

    run(parts, command, results, arguments.output, seconds)
    passed = results.passed()
    print(f"{'passed' if passed else 'NOT passed'}: {arguments.output / 'check.md'}")
    return 0 if passed else 1


def named(names: list[str] | None) -> list[Part]:
    """The parts with these names, or all, in their order; InputError for an unknown name."""
    every = {part.name: part for part in PARTS}
    for name in names or ():
        known("--parts", name, every, "part")
    return [part for part in PARTS if not names or part.name in names]


def _measure(arguments: argparse.Namespace) -> None:
    """Run one part, in its process."""
    (part,) = named([arguments.part])
    with open(arguments.rows, "a", encoding="utf-8") as rows:
        check = Check(_device(arguments), arguments.rehearse, arguments.until, rows)
        machine = describe(check.device, torch.get_num_threads())
        check.row("machine", **machine, **_card(check.device))
        part.measure(check)


def _card(device: torch.device) -> dict[str, Any]:
    """Facts about a GPU besides its name: memory in GiB, its kind, CUDA's versions."""
    if device.type != "cuda":
        return {}
    card = torch.cuda.get_device_properties(device)
    return {
        "gpu_memory_gib": round(card.total_memory / 2**30, 1),
        "compute_capability": f"{card.major}.{card.minor}",
        "multiprocessors": card.multi_processor_count,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _device(arguments: argparse.Namespace) -> torch.device:
    """The chosen device; InputError if there is no such device."""
    name = arguments.device or ("cpu" if arguments.rehearse else "cuda")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise InputError(f"--device: found `{name}`, expected `cuda` or `cpu`; correct it")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(
            f"--device: found `{name}`, but PyTorch {torch.__version__} finds no GPU; expected a "
            "CUDA device and a build of PyTorch for it; use `--rehearse` to try the check on a CPU"
        )
    return device


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diffusion_classifier.gpu_check",
        description="Measure the product on a GPU and check its numbers there; see docs/gpu.md.",
    )
    parser.add_argument("--rehearse", action="store_true", help="tiny sizes, on the CPU")
    parser.add_argument("--device", help="default: cuda, or cpu with --rehearse")
    parser.add_argument("--output", type=Path, default=Path("results/gpu-check"), metavar="FOLDER")
    parser.add_argument(
        "--parts", nargs="+", metavar="NAME",
        help=f"run only these: {', '.join(part.name for part in PARTS)}",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, help=f"limit of the whole check; default: {SECONDS}, with "
        f"--rehearse {REHEARSAL_SECONDS}",
    )  # fmt: skip
    for name, kind in (("--part", str), ("--rows", Path), ("--until", float)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)  # for a part's process
    return parser
