"""Time whole jobs, from a model's folder to predictions, step by step.

Digits are classified with the shipped model, exhaustively and by a race at learned timesteps; ten
images by a Stable Diffusion 2 in the paper's stages.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from diffusion_classifier.benchmarks.throughput import all_pairs
from diffusion_classifier.cli.stages import Schedule, measured
from diffusion_classifier.config.checks.evaluation_checks import CALIBRATION_SAMPLES
from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.data.sources.digits import mnist
from diffusion_classifier.data.sources.image_source import ImageSource
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.denoisers.speed import Speed, accelerate, precision
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.network_time import seconds_spent
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.learned_timesteps import fit_densities, learned_samples
from diffusion_classifier.selection.racing import gap_race
from diffusion_classifier.selection.schedules import stage_samples

from . import random_pipeline
from .check import Check, Part
from .passes import attention, choice, too_large
from .shipped import Task, shipped_task

DIGITS, REHEARSED_DIGITS = 1000, 10
CALIBRATION_IMAGES, REHEARSED_CALIBRATION_IMAGES = 50, 4
EXHAUSTIVE, RACED = 10, 64
RACE = {"z": 2, "minimum": 1, "loss": "l2", "combine": "mean"}
"""Timesteps and the race's rule of the default config."""
COMPILING = 60.0
"""Assumed seconds to compile the small network and run it."""
STAGES, REHEARSED_STAGES = (25, 250), (5, 10)
KEEP = (5, 1)
IMAGES = 10
NEEDED, NEEDED_BY_A_STEP = 60.0, 12.0
"""Assumed seconds of the staged job, and of each measurement with its model."""
WORDS = ("circle", "square", "triangle", "cross", "ring", "heart", "red", "blue", "green", "small")


@dataclass
class Job:
    """The start of a job, and the seconds of its named steps.

    `loading` reads the denoiser; `encoding` encodes images and prompts, including reading the
    encoders; `network` is the engine's passes; `rest` is everything else.
    """

    start: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the block as the step `loading` or `encoding`, or its passes as `network`."""
        start, before = time.perf_counter(), seconds_spent()
        yield
        took = time.perf_counter() - start
        if name == "network":
            took = seconds_spent() - before
        self.seconds[name] = self.seconds.get(name, 0.0) + took

    def split(self) -> dict[str, float]:
        """Seconds of the whole job until now (`wall`), of each step, and of the `rest`."""
        wall = time.perf_counter() - self.start
        return {"wall": wall, **self.seconds, "rest": wall - sum(self.seconds.values())}


def jobs(check: Check) -> None:
    """The part: digits with the shipped model, then Stable Diffusion 2 in stages."""
    scenes = check.root / "resources" / "models" / "scenes-sd"
    with TemporaryDirectory() as folder:
        # imports the libraries of all jobs, so that no job's time includes the imports
        side = random_pipeline.save(Path(folder), check.device, check.rehearse, scenes)
        try:
            digits(check)
        except ModuleNotFoundError as error:  # the package with the digits is missing
            check.row("left out", what="digits", why=str(error))
        if not check.rehearse and check.left() < NEEDED:
            why = f"{check.left():.0f} s were left"
            check.row("left out", what="a staged job of Stable Diffusion 2", why=why)
            return
        denoiser, inputs = _staged(check, folder, side)
    pairs = all_pairs(range(IMAGES), len(WORDS))
    for step in (too_large, choice, attention):
        if check.rehearse or check.left() > NEEDED_BY_A_STEP:
            step(check, denoiser, inputs, pairs)
        else:
            check.row("left out", what=step.__name__, why=f"{check.left():.0f} s were left")
    compiled_digits(check)


def _staged(check: Check, folder: str, side: int) -> tuple[Denoiser, Inputs]:
    """Run ten images and ten prompts in two stages; write a row; return denoiser and inputs.

    Weights are random, and so are the images, which have `side` × `side` pixels.
    """
    adapter, device = family(random_pipeline.SPEC.family), check.device
    dtype = precision("auto", device)
    samples = REHEARSED_STAGES if check.rehearse else STAGES
    schedule, prompts = stage_samples(samples), from_templates(WORDS, ["a {}"])
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, side, side, 3), "uint8")
    images = [Image.fromarray(image) for image in pixels]
    job = Job()
    with job.step("encoding"):
        conditions = adapter.encode_prompts(folder, prompts, device, dtype)
        latents = encode_images(folder, Preprocess(size=side), images, device, dtype)
    with job.step("loading"):
        denoiser = adapter.load(folder, device, dtype)
    accelerate(denoiser, Speed(), IMAGES * len(WORDS) * max(samples))
    noise = noise_bank(latents.shape[1:], max(samples), seed=0)
    inputs = Inputs(latents, torch.arange(IMAGES), conditions, noise)
    plan, pairs = Schedule(schedule, KEEP, None, "l2"), all_pairs(range(IMAGES), len(WORDS))
    with job.step("network"):
        engine = Engine(denoiser, inputs, "auto", device, dtype)
        stages = measured(engine, pairs, prompts["classidx"].to_numpy(), plan)
    check.row(
        "jobs",
        job=f"Stable Diffusion 2, {len(WORDS)} prompts, {list(samples)}, keep {list(KEEP)}",
        images=IMAGES,
        evaluations=sum(stage.attrs["evaluations"] for stage in stages),
        **job.split(),
    )
    return denoiser, inputs


# --- digits


def digits(check: Check) -> None:
    """Write a row for each job; ModuleNotFoundError if the package with the digits is missing."""
    images = REHEARSED_DIGITS if check.rehearse else DIGITS
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
    name = f"{DIGITS} digits exhaustively, compiled as by auto"
    if check.left() < COMPILING:
        check.row("left out", what=name, why=f"{check.left():.0f} s were left")
    else:
        _exhaustive(check, name, DIGITS, compile=True)


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


PARTS = [Part("jobs", jobs, seconds=100)]
