"""Classify digits with the shipped model, exhaustively and by a race at learned timesteps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from diffusion_classifier.config.checks.evaluation_checks import CALIBRATION_SAMPLES
from diffusion_classifier.data.sources.digits import mnist
from diffusion_classifier.data.sources.image_source import ImageSource
from diffusion_classifier.denoisers.speed import Speed, accelerate, precision
from diffusion_classifier.engine.engine import Engine
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.learned_timesteps import fit_densities, learned_samples
from diffusion_classifier.selection.racing import gap_race
from diffusion_classifier.selection.schedules import stage_samples

from .check import Check
from .job_time import Job
from .shipped import Task, shipped_task

IMAGES, REHEARSED_IMAGES = 1000, 10
CALIBRATION_IMAGES, REHEARSED_CALIBRATION_IMAGES = 50, 4
EXHAUSTIVE, RACED = 10, 64
RACE = {"z": 2, "minimum": 1, "loss": "l2", "combine": "mean"}
"""Timesteps and the race's rule of the default config."""
COMPILING = 60.0
"""Assumed seconds to compile the small network and run it."""


def digits(check: Check) -> None:
    """Write a row for each job; ModuleNotFoundError if the package with the digits is missing."""
    images = REHEARSED_IMAGES if check.rehearse else IMAGES
    _exhaustive(check, f"{images} digits exhaustively", images, compile=False)

    job, count = Job(), REHEARSED_CALIBRATION_IMAGES if check.rehearse else CALIBRATION_IMAGES
    task, engine = _ready(check, job, count, CALIBRATION_SAMPLES, source=mnist("train"))
    samples = stage_samples([CALIBRATION_SAMPLES])[0]
    with job.step("network"):
        found = engine.errors(task.pairs, samples, Silence())
    timesteps = engine.denoiser.process.timesteps
    densities = fit_densities(error_dataset(found, task.pairs, samples, {}), timesteps)
    _write(check, f"timesteps learned from {count} digits", task, found["l2"], samples, job)

    job = Job()
    task, engine = _ready(check, job, images, RACED)
    samples = learned_samples(densities, [RACED], RACE["loss"])[0]
    class_of = task.prompts["classidx"].to_numpy()
    measure = partial(engine.errors, progress=Silence())
    with job.step("network"):
        found = gap_race(measure, task.pairs, samples, class_of, RACE, [], densities)
    _write(check, f"{images} digits by race", task, found["l2"], samples, job)


def compiled_digits(check: Check) -> None:
    """Repeat the exhaustive job, if `compile: auto` would compile it and there is time."""
    if check.device.type != "cuda":
        return
    name = f"{IMAGES} digits exhaustively, compiled as by auto"
    if check.left() < COMPILING:
        check.row("left out", what=name, why=f"{check.left():.0f} s were left")
    else:
        _exhaustive(check, name, IMAGES, compile=True)


def _exhaustive(check: Check, name: str, images: int, compile: bool) -> None:
    job = Job()
    task, engine = _ready(check, job, images, RACED, compile=compile)
    samples = stage_samples([EXHAUSTIVE])[0]
    with job.step("network"):
        errors = engine.errors(task.pairs, samples, Silence())
    _write(check, name, task, errors["l2"], samples, job)


def _ready(
    check: Check,
    job: Job,
    images: int,
    noises: int,
    source: ImageSource | None = None,
    compile: bool = False,
) -> tuple[Task, Engine]:
    """The task and the engine; encoding and loading are timed as steps of `job`."""
    with job.step("encoding"):
        task = shipped_task("digits-dit", images, noises, check.device, check.root, source)
    dtype = precision("auto", check.device)
    with job.step("loading"):
        denoiser = task.denoiser(check.device, dtype)
    accelerate(denoiser, Speed(compile=compile), evaluations=0)
    return task, Engine(denoiser, task.inputs, "auto", check.device, dtype)


def _write(
    check: Check,
    name: str,
    task: Task,
    errors: np.ndarray,
    samples: Sequence[Sample],
    job: Job,
) -> None:
    """Write the row of a job; `errors` is `(pair, sample)`, NaN where a class had left."""
    split = job.split()
    check.row(
        "jobs",
        job=name,
        images=len(task.labels),
        evaluations=int((~np.isnan(errors)).sum()),
        **split,
        top_1_percent=100 * (task.predictions(errors, samples) == task.labels).mean(),
    )
