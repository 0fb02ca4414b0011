"""Which classes a race and a pruning let go: on the device as on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from diffusion_classifier.denoisers.speed import dtype_name
from diffusion_classifier.engine.engine import Engine
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.pruning import survivors
from diffusion_classifier.selection.racing import gap_race
from diffusion_classifier.selection.schedules import spread, stage_samples

from .check import Check
from .shipped import SHIPPED, Task, task

RACE = {"z": 2, "loss": "l2", "combine": "mean"}
BATCH, CPU_BATCH = 512, 192


@dataclass(frozen=True)
class Size:
    """How much is decided: images, samples and kept classes of stages, timesteps of a race."""

    images: int
    stages: tuple[int, ...]
    keep: tuple[int, ...]
    race: int


ON_CARD = Size(200, (5, 25), (3, 1), 50)
REHEARSED = Size(2, (2, 4), (3, 1), 5)


@dataclass(frozen=True)
class Decided:
    """What was decided about each image: how long each class stayed, and which one won.

    `samples` is the number of samples for which a class stayed in, `(image, class)`;
    `predictions` is `(image,)`.
    """

    samples: np.ndarray
    predictions: np.ndarray


def decisions(check: Check) -> None:
    """Compare what the device decides, in each precision, with the CPU in float32."""
    cpu, size = torch.device("cpu"), REHEARSED if check.rehearse else ON_CARD
    for name in SHIPPED:
        asked = task(name, size.images, max(*size.stages, size.race), cpu, check.root)
        expected = decide(asked, size, cpu, torch.float32, CPU_BATCH)
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            found = decide(asked, size, check.device, dtype, BATCH)
            for kind, decided in found.items():
                _compare(check, f"{kind}, {name}", dtype, decided, expected[kind])


def decide(
    asked: Task, size: Size, device: torch.device, dtype: torch.dtype, batch: int
) -> dict[str, Decided]:
    """What a `race` and a `pruning` in stages decide."""
    engine = Engine(asked.denoiser(device, dtype), asked.inputs, batch, device, dtype)
    return {"race": _race(asked, engine, size), "pruning": _pruning(asked, engine, size)}


def _race(asked: Task, engine: Engine, size: Size) -> Decided:
    samples = spread(stage_samples([size.race])[0])
    class_of = asked.prompts["classidx"].to_numpy()
    measure = partial(engine.errors, progress=Silence())
    errors = gap_race(measure, asked.pairs, samples, class_of, RACE, [], None)["l2"]
    return _decided(asked, errors, samples)


def _pruning(asked: Task, engine: Engine, size: Size) -> Decided:
    schedule = stage_samples(size.stages)
    class_of, pairs = asked.prompts["classidx"].to_numpy(), asked.pairs
    columns = [np.full((len(asked.pairs), len(samples)), np.nan) for samples in schedule]
    stages = []
    for samples, keep, own in zip(schedule, size.keep, columns, strict=True):
        errors = engine.errors(pairs, samples, Silence())
        own[pairs["image"] * len(asked.prompts) + pairs["prompt"]] = errors["l2"]
        stages.append(error_dataset(errors, pairs, samples, {}))
        pairs = survivors(stages, pairs, class_of, keep, "l2")
    return _decided(asked, np.hstack(columns), [one for samples in schedule for one in samples])


def _decided(asked: Task, errors: np.ndarray, samples: Sequence[Sample]) -> Decided:
    """From errors `(pair, sample)` of all pairs, NaN where the class had left."""
    stayed = (~np.isnan(errors)).sum(axis=1).reshape(len(asked.labels), -1)
    return Decided(stayed, asked.predictions(errors, samples))


def _compare(
    check: Check, name: str, dtype: torch.dtype, found: Decided, expected: Decided
) -> None:
    """A row; in float32, all decisions have to be the same."""
    other = (found.samples != expected.samples).any(axis=1)
    changed = found.predictions != expected.predictions
    check.row(
        "decisions against the CPU's in float32",
        decision=name,
        dtype=dtype_name(dtype),
        images=len(other),
        decided_otherwise=other.sum(),
        predictions_changed=changed.sum(),
        evaluations_per_image=found.samples.sum() / len(other),
    )
    if dtype == torch.float32:
        said = f"of {len(other)} images {other.sum()} decided, {changed.sum()} predicted otherwise"
        check.holds(f"as on the CPU: {name}", not (other | changed).any(), said)
