"""The command line of the check, and the process of one of its parts."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from diffusion_classifier.machine import describe
from diffusion_classifier.messages import InputError

from .check import Check, Part
from .parts import PARTS, named
from .results import Results
from .run import run

SECONDS = 470
"""For all parts: with the start of the command, they take at most 8 minutes."""
REHEARSAL_SECONDS = 900
"""A guard as well: with a CPU of its own, a rehearsal takes less than two minutes."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check; the exit status: 0 if every part finished and all held that has to, else 1.

    2 is for a mistake in the input, 130 for an interruption.
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
        print("gpu_check: interrupted; what was found is written", file=sys.stderr)
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


def _measure(arguments: argparse.Namespace) -> None:
    """The process of one part."""
    (part,) = named([arguments.part])
    with open(arguments.rows, "a", encoding="utf-8") as rows:
        check = Check(_device(arguments), arguments.rehearse, arguments.until, rows)
        machine = describe(check.device, torch.get_num_threads())
        check.row("machine", **machine, **_card(check.device))
        part.measure(check)


def _card(device: torch.device) -> dict[str, Any]:
    """What is to be known of a GPU besides its name: memory in GiB, its kind, CUDA's versions."""
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
    """The device asked for; InputError if there is none such."""
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
        description="Measures the product on a GPU and proves its numbers there; docs/gpu.md.",
    )
    parser.add_argument("--rehearse", action="store_true", help="tiny sizes, on the CPU")
    parser.add_argument("--device", help="default: cuda, or cpu with --rehearse")
    parser.add_argument("--output", type=Path, default=Path("results/gpu-check"), metavar="FOLDER")
    parser.add_argument(
        "--parts", nargs="+", metavar="NAME",
        help=f"only these: {', '.join(part.name for part in PARTS)}",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, help=f"for the whole; default: {SECONDS}, rehearsing "
        f"{REHEARSAL_SECONDS}",
    )  # fmt: skip
    for name, kind in (("--part", str), ("--rows", Path), ("--until", float)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)  # of a part's own process
    return parser
