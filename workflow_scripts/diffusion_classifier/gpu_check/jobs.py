"""Time whole jobs, from a model's folder to predictions, step by step."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from diffusion_classifier.benchmarks.throughput import all_pairs
from diffusion_classifier.cli.classify import Evaluation, stage_errors
from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.denoisers.speed import Speed, accelerate, precision
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.selection.schedules import stage_samples

from . import digits_jobs, random_pipeline
from .check import Check, Part
from .job_time import Job
from .passes import attention, choice, too_large

STAGES, REHEARSED_STAGES = (25, 250), (5, 10)
KEEP = (5, 1)
IMAGES = 10
NEEDED, NEEDED_BY_A_STEP = 60.0, 12.0
"""Assumed seconds of the staged job, and of each measurement with its model."""
WORDS = ("circle", "square", "triangle", "cross", "ring", "heart", "red", "blue", "green", "small")


def jobs(check: Check) -> None:
    """The part: digits with the shipped model, then Stable Diffusion 2 in stages."""
    scenes = check.root / "resources" / "models" / "scenes-sd"
    with TemporaryDirectory() as folder:
        # this imports the libraries of all jobs, so that no job's time includes the imports
        side = random_pipeline.save(Path(folder), check.device, check.rehearse, scenes)
        try:
            digits_jobs.digits(check)
        except ModuleNotFoundError as error:  # the package with the digits is missing
            check.row("left out", what="digits", why=str(error))
        if not check.rehearse and check.left() < NEEDED:
            why = f"{check.left():.0f} s were left"
            check.row("left out", what="a staged job of Stable Diffusion 2", why=why)
            return
        denoiser, inputs = _job(check, folder, side)
    pairs = all_pairs(range(IMAGES), len(WORDS))
    for step in (too_large, choice, attention):
        if check.rehearse or check.left() > NEEDED_BY_A_STEP:
            step(check, denoiser, inputs, pairs)
        else:
            check.row("left out", what=step.__name__, why=f"{check.left():.0f} s were left")
    digits_jobs.compiled_digits(check)


def _job(check: Check, folder: str, side: int) -> tuple[Denoiser, Inputs]:
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
    evaluation = Evaluation(samples, KEEP, batch_size="auto")
    with job.step("network"):
        stages = stage_errors(denoiser, inputs, prompts, schedule, evaluation, device, dtype)
    check.row(
        "jobs",
        job=f"Stable Diffusion 2, {len(WORDS)} prompts, {list(samples)}, keep {list(KEEP)}",
        images=IMAGES,
        evaluations=sum(stage.attrs["evaluations"] for stage in stages),
        **job.split(),
    )
    return denoiser, inputs


PARTS = [Part("jobs", jobs, seconds=100)]
