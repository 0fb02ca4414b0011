"""Ways to run a network: the authors' loop, or the engine in a dtype, compiled or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from diffusion_classifier.benchmarks import timed_networks
from diffusion_classifier.benchmarks.plain_loop import BATCH, PlainModel, plain_errors
from diffusion_classifier.denoisers.speed import Speed, accelerate, dtype_name, precision
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.progress import Silence

if TYPE_CHECKING:
    import pandas as pd

Key = TypeVar("Key")


@dataclass(frozen=True)
class Way:
    """The authors' `loop` or the engine, with a dtype and, for the engine, fields of `Speed`."""

    dtype: torch.dtype
    compiled: bool = False
    channels_last: bool = False
    loop: bool = False

    @property
    def label(self) -> str:
        """The name in a table: `engine, bfloat16, compiled, channels last`."""
        words = ["loop" if self.loop else "engine", dtype_name(self.dtype)]
        words += ["compiled"] * self.compiled + ["channels last"] * self.channels_last
        return ", ".join(words)


SLACK = 0.02
"""The default, or the choice of `auto`, may be slower than the fastest by this share."""
LOOP = Way(torch.float16, loop=True)
"""The authors' settings: batches of 32 in float16, in diffusers' memory format."""


def chosen_way(plain: PlainModel, device: torch.device, evaluations: int) -> Way:
    """The engine's way for this number of evaluations if `dtype` and `speed` are `auto`."""
    speed = Speed().resolved(plain.network, evaluations)
    return Way(precision("auto", device), bool(speed.compile), bool(speed.channels_last))


class Runner:
    """One way to a network's errors, ready to run.

    `peak` is the largest device memory of a run in bytes, with this runner's weights but not those
    of other runners; 0 on a CPU.
    """

    def __init__(
        self,
        way: Way,
        plain: PlainModel,
        inputs: Inputs,
        batch_size: int | str,
        device: torch.device,
    ) -> None:
        self.way, self.plain, self.inputs, self.device = way, plain, inputs, device
        self.engine: Engine | None = None
        self.peak = 0
        before = _allocated(device)
        if way.loop:
            self.weight_bytes = sum(
                p.numel() * p.element_size() for p in plain.network.parameters()
            )
            return
        denoiser = timed_networks.adapted(plain, way.dtype)
        speed = Speed(channels_last=way.channels_last, compile=way.compiled)
        accelerate(denoiser, speed, evaluations=0)
        self.engine = Engine(denoiser, inputs, batch_size, device, way.dtype)
        self.weight_bytes = _allocated(device) - before

    @property
    def batch(self) -> int:
        """Evaluations in a pass."""
        return BATCH if self.engine is None else self.engine.batches.size

    def __call__(self, pairs: pd.DataFrame, samples: Sequence[Sample]) -> dict[str, np.ndarray]:
        """The errors of `pairs` at `samples`, `(pair, sample)` float32 per loss."""
        before = _allocated(self.device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        if self.engine is None:
            on = (self.device, self.way.dtype)
            found = plain_errors(self.plain, self.inputs, pairs, samples, *on)
        else:
            found = self.engine.errors(pairs, samples, Silence())
        if self.device.type == "cuda":
            used = torch.cuda.max_memory_allocated(self.device) - before
            self.peak = max(self.peak, self.weight_bytes + used)
        return found


def fastest_within(speeds: dict[Key, float], chosen: Key, slack: float) -> tuple[bool, str]:
    """Whether `chosen` is at most `slack` slower than the fastest, and a sentence on both."""
    best = max(speeds, key=speeds.__getitem__)
    found = f"{chosen}: {speeds[chosen]:.3g}; the fastest, {best}: {speeds[best]:.3g}"
    return speeds[chosen] >= (1 - slack) * speeds[best], found


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
