"""Check the size of passes: the best size, and passes that do not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffusion_classifier.benchmarks.throughput import (
    Errors,
    check_same,
    spaced_samples,
    take_turns,
)
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.speed import Speed, accelerate, precision
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.progress import Silence

from .check import Check
from .ways import SLACK, fastest_within

if TYPE_CHECKING:
    import pandas as pd

SIZES, REHEARSED_SIZES = (16, 32, 64, 128, 256), (8, 16)
"""Sizes of passes with which `batch_size: auto` is compared."""
TOO_LARGE, REHEARSED_TOO_LARGE = 1024, 16
"""Size of a pass that does not fit into ROOM, or into the rehearsal's imitated memory."""
ROOM = 4 * 2**30
"""Bytes of device memory for a pass beside the weights, too little for TOO_LARGE."""


def choice(check: Check, denoiser: Denoiser, inputs: Inputs, pairs: pd.DataFrame) -> None:
    """Measure the rate of passes of the size chosen by `batch_size: auto`, and of other sizes."""
    dtype = precision("auto", check.device)
    auto = Engine(denoiser, inputs, "auto", check.device, dtype)
    auto.errors(pairs, spaced_samples(1 if check.rehearse else 12), Silence())
    chosen = auto.batches.size
    sizes = sorted({*(REHEARSED_SIZES if check.rehearse else SIZES), chosen})
    pairs = pairs.head(sizes[-1] if check.rehearse else 64)
    samples = spaced_samples(1 if check.rehearse else -(-sizes[-1] // len(pairs)))
    runs = {}
    for size in sizes:
        engine = Engine(denoiser, inputs, size, check.device, dtype)
        runs[str(size)] = partial(engine.errors, pairs, samples, Silence())
    turns = list(take_turns(runs, 1 if check.rehearse else 3))
    evaluations = len(pairs) * len(samples)
    rates = {size: evaluations / median(turn[str(size)][0] for turn in turns) for size in sizes}
    for size, rate in rates.items():
        check.row("passes of Stable Diffusion 2", size=size, rate=rate, auto=size == chosen)
    if check.device.type == "cuda":
        held, found = fastest_within(rates, chosen, SLACK)
        check.holds("batch_size: auto is the fastest", held, found)


def attention(check: Check, denoiser: Denoiser, inputs: Inputs, pairs: pd.DataFrame) -> None:
    """Measure the rate of attention with fused kernels (the default) and with plain products."""
    engine = Engine(denoiser, inputs, SIZES[0], check.device, precision("auto", check.device))
    pairs, samples = pairs.head(SIZES[0]), spaced_samples(1 if check.rehearse else 8)

    def run(name: str) -> Errors:
        accelerate(denoiser, Speed(attention=name), evaluations=0)
        return engine.errors(pairs, samples, Silence())

    runs = {name: partial(run, name) for name in ("plain", "fused")}
    for name in runs:
        run(name)
    turns = list(take_turns(runs, 1 if check.rehearse else 3))
    run("fused")  # restores this setting of the whole process
    evaluations = len(pairs) * len(samples)
    rates = {name: evaluations / median(turn[name][0] for turn in turns) for name in runs}
    for name, rate in rates.items():
        check.row("attention of Stable Diffusion 2", attention=name, rate=rate)
    if check.device.type == "cuda":
        held, found = fastest_within(rates, "fused", SLACK)
        check.holds("fused attention is the fastest", held, found)


class SmallMemory:
    """A denoiser that imitates a memory for at most `fits` evaluations, for rehearsals."""

    shared = None

    def __init__(self, denoiser: Denoiser, fits: int) -> None:
        self.denoiser, self.fits = denoiser, fits
        self.network, self.process = denoiser.network, denoiser.process

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """See `Denoiser.predict`; raises torch.OutOfMemoryError for too many evaluations."""
        if len(x_t) > self.fits:
            raise torch.OutOfMemoryError(f"{len(x_t)} evaluations, {self.fits} fit")
        return self.denoiser.predict(x_t, timestep, condition)


def too_large(check: Check, denoiser: Denoiser, inputs: Inputs, pairs: pd.DataFrame) -> None:
    """Check that a pass that does not fit in memory is halved and gives the same errors."""
    dtype = precision("auto", check.device)
    size = REHEARSED_TOO_LARGE if check.rehearse else TOO_LARGE
    pairs = pairs.head(size)
    samples = spaced_samples(-(-size // len(pairs)))
    few = Engine(denoiser, inputs, size // 32 or 1, check.device, dtype)
    expected = few.errors(pairs, samples, Silence())
    with _little_memory(check.device):
        limited = denoiser if check.device.type == "cuda" else SmallMemory(denoiser, size // 3)
        engine = Engine(limited, inputs, size, check.device, dtype)
        found = engine.errors(pairs, samples, Silence())
    real = "for real" if check.device.type == "cuda" else "as if there were no memory"
    check.row("too large a pass", requested=size, became=engine.batches.size, how=real)
    name = "a pass that does not fit is halved and finds the same"
    try:
        apart = check_same(expected, found, dtype)
    except FloatingPointError as error:
        check.holds(name, False, str(error))
    else:
        held, became = engine.batches.size < size, engine.batches.size
        check.holds(name, held, f"{size} became {became}, apart by at most {apart:.2g}")


@contextmanager
def _little_memory(device: torch.device) -> Iterator[None]:
    """Limit a process to ROOM more memory on its GPU; on a CPU do nothing."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.empty_cache()
    _, total = torch.cuda.mem_get_info(device)
    share = (torch.cuda.memory_reserved(device) + ROOM) / total
    torch.cuda.set_per_process_memory_fraction(min(1.0, share), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
