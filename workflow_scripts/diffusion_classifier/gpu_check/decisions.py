"""Check that races and pruning decide the same on the device as on the CPU."""

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
from .shipped import SHIPPED, Task, shipped_task

RACE = {"z": 2, "loss": "l2", "combine": "mean"}
BATCH, CPU_BATCH = 512, 192


@dataclass(frozen=True)
class Size:
    """Size of the test: images, samples and kept classes of stages, timesteps of a race."""

    images: int
    stages: tuple[int, ...]
    keep: tuple[int, ...]
    race: int


ON_CARD = Size(200, (5, 25), (3, 1), 50)
REHEARSED = Size(2, (2, 4), (3, 1), 5)


@dataclass(frozen=True)
class Decided:
    """The decisions about each image: how long each class stayed, and which class won.

    `samples` is the number of samples for which a class stayed, `(image, class)`; `predictions` is
    `(image,)`.
    """

    samples: np.ndarray
    predictions: np.ndarray


def decisions(check: Check) -> None:
    """Compare the device's decisions in each precision with the CPU's in float32."""
    cpu, size = torch.device("cpu"), REHEARSED if check.rehearse else ON_CARD
    for name in SHIPPED:
        task = shipped_task(name, size.images, max(*size.stages, size.race), cpu, check.root)
        expected = decide(task, size, cpu, torch.float32, CPU_BATCH)
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            found = decide(task, size, check.device, dtype, BATCH)
            for kind, decided in found.items():
                _compare(check, f"{kind}, {name}", dtype, decided, expected[kind])


def decide(
    task: Task, size: Size, device: torch.device, dtype: torch.dtype, batch: int
) -> dict[str, Decided]:
    """The decisions of a `race` and of a `pruning` in stages."""
    engine = Engine(task.denoiser(device, dtype), task.inputs, batch, device, dtype)
    return {"race": _race(task, engine, size), "pruning": _pruning(task, engine, size)}


def _race(task: Task, engine: Engine, size: Size) -> Decided:
    samples = spread(stage_samples([size.race])[0])
    class_of = task.prompts["classidx"].to_numpy()
    measure = partial(engine.errors, progress=Silence())
    errors = gap_race(measure, task.pairs, samples, class_of, RACE, [], None)["l2"]
    return _decided(task, errors, samples)


def _pruning(task: Task, engine: Engine, size: Size) -> Decided:
    schedule = stage_samples(size.stages)
    class_of, pairs = task.prompts["classidx"].to_numpy(), task.pairs
    columns = [np.full((len(task.pairs), len(samples)), np.nan) for samples in schedule]
    stages = []
    for samples, keep, column in zip(schedule, size.keep, columns, strict=True):
        errors = engine.errors(pairs, samples, Silence())
        column[pairs["image"] * len(task.prompts) + pairs["prompt"]] = errors["l2"]
        stages.append(error_dataset(errors, pairs, samples, {}))
        pairs = survivors(stages, pairs, class_of, keep, "l2")
    return _decided(task, np.hstack(columns), [one for samples in schedule for one in samples])


def _decided(task: Task, errors: np.ndarray, samples: Sequence[Sample]) -> Decided:
    """The decisions in the errors `(pair, sample)` of all pairs, NaN where the class had left."""
    stayed = (~np.isnan(errors)).sum(axis=1).reshape(len(task.labels), -1)
    return Decided(stayed, task.predictions(errors, samples))


def _compare(
    check: Check, name: str, dtype: torch.dtype, found: Decided, expected: Decided
) -> None:
    """Write a row; in float32 all decisions have to be equal."""
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
        counts = (
            f"of {len(other)} images {other.sum()} decided, {changed.sum()} predicted otherwise"
        )
        check.holds(f"as on the CPU: {name}", not (other | changed).any(), counts)
