"""Check that the numbers are right on this device, and measure the effect of faster arithmetic."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch

from diffusion_classifier.benchmarks.throughput import all_pairs, deviation
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.speed import precision
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.losses import noise_losses
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.schedules import stage_samples

from . import tiny
from .check import Check, Part
from .decisions import decisions
from .golden import golden
from .shipped import SHIPPED, Task, shipped_task

TOLERANCE = 1e-4
"""Largest allowed relative deviation of an error in float32 from its expected value."""
BATCH = 1024
IMAGES = {"digits-dit": 500, "scenes-sd": 300}
TIMESTEPS = {"digits-dit": 25, "scenes-sd": 20}
"""Number of evenly spaced timesteps of the exhaustive evaluation."""
REHEARSED_IMAGES, REHEARSED_TIMESTEPS = 5, 2
ARITHMETICS = {
    "TF32": (torch.float32, True),
    "bfloat16": (torch.bfloat16, False),
    "float16": (torch.float16, False),
}
"""The network's dtype, and whether products of float32 may use TF32."""
WAITED = "called a synchronizing CUDA operation"
"""PyTorch's warning; another warning says that it may miss some of these operations."""
SAMPLES = [Sample(5, 0), Sample(500, 1), Sample(990, 2)]


def right(check: Check) -> None:
    """The part: all steps run, even if one of them fails."""
    steps: list[Callable[[Check], None]] = [
        lambda check: golden(check, TOLERANCE),
        families,
        batch_loop,
        decisions,
        arithmetics,
    ]
    for step in steps:
        try:
            with tf32(False):
                step(check)
        except Exception as error:
            traceback.print_exc()
            check.holds("every step ends", False, f"{type(error).__name__}: {error}")


def families(check: Check) -> None:
    """Compare the engine, which shares work, with the plain network, one evaluation at a time."""
    inputs = tiny.inputs(images=2, noises=len(SAMPLES))
    pairs = all_pairs([0, 1], tiny.PROMPTS)
    for family in tiny.NETWORKS:
        plain = tiny.denoiser(family, check.device, torch.float32)
        denoiser = tiny.denoiser(family, check.device, torch.float32)
        engine = Engine(denoiser, inputs, 5, check.device, torch.float32)
        found = engine.errors(pairs, SAMPLES, Silence())["l2"]
        apart = deviation(found, one_by_one(plain, inputs, pairs, check.device)).max()
        name = f"engine as the plain network, {family}"
        check.holds(name, apart <= TOLERANCE, f"largest deviation {apart:.1e} of the error")


@torch.inference_mode()
def one_by_one(
    denoiser: Denoiser, inputs: Inputs, pairs: pd.DataFrame, device: torch.device
) -> np.ndarray:
    """L2 of `pairs` at SAMPLES, `(pair, sample)` float32, with one pass for each."""
    inputs = inputs.to(device)
    errors = []
    for image, prompt in pairs.itertuples(index=False):
        condition = {name: value[prompt : prompt + 1] for name, value in inputs.conditions.items()}
        for timestep, number, _ in SAMPLES:
            at = torch.tensor([timestep], device=device)
            noise = inputs.noise[number : number + 1]
            x_t = denoiser.process.noised(inputs.latents[image : image + 1], noise, at)
            predicted, _ = denoiser.predict(x_t, at, condition)
            errors.append(noise_losses(predicted, noise)["l2"].item())
    return np.array(errors, "float32").reshape(len(pairs), len(SAMPLES))


def batch_loop(check: Check) -> None:
    """Check for every family that the host does not wait for the GPU in the batch loop."""
    on_gpu = check.device.type == "cuda"
    if on_gpu:
        with synchronisations(check.device) as control:
            torch.ones(1, device=check.device).item()
        check.holds("a synchronisation is noticed", len(control) == 1, f"{len(control)} of 1")
    else:
        check.row("left out", what="synchronisations of the batch loop", why="only a GPU has any")
    dtype = precision("auto", check.device)
    inputs, pairs = tiny.inputs(2, len(SAMPLES)), all_pairs([0, 1], tiny.PROMPTS)
    for family in tiny.NETWORKS:
        denoiser = tiny.denoiser(family, check.device, dtype)
        engine = Engine(denoiser, inputs, 5, check.device, dtype)
        run_loop(engine, pairs)  # warm up, as a first pass may wait
        with synchronisations(check.device) as found:
            run_loop(engine, pairs)
        if on_gpu:
            where = ", ".join(sorted(set(found))) or "none"
            check.holds(f"no synchronisation in the batch loop, {family}", not found, where)


@torch.inference_mode()
def run_loop(engine: Engine, pairs: pd.DataFrame) -> None:
    """The loop of `Engine.errors`, without the final step that collects the losses."""
    for batch in engine.passes(pairs, SAMPLES, Silence()):
        engine.losses(engine.denoiser, batch)


def arithmetics(check: Check) -> None:
    """Measure the effect of TF32, bfloat16 and float16 on exhaustive evaluations."""
    for name in SHIPPED:
        images, timesteps = IMAGES[name], TIMESTEPS[name]
        if check.rehearse:
            images, timesteps = REHEARSED_IMAGES, REHEARSED_TIMESTEPS
        task = shipped_task(name, images, timesteps, check.device, check.root)
        exact, seconds = exhaustive(task, timesteps, check.device, torch.float32)
        report(check, name, "float32", task, exact, exact, seconds)
        for arithmetic, (dtype, allowed) in ARITHMETICS.items():
            if check.left() < 2 * seconds:
                check.row("left out", what=f"{name} in {arithmetic}", why="no time left")
                continue
            with tf32(allowed):
                try:
                    errors, taken = exhaustive(task, timesteps, check.device, dtype)
                except FloatingPointError as error:
                    check.row("left out", what=f"{name} in {arithmetic}", why=str(error))
                    continue
            report(check, name, arithmetic, task, exact, errors, taken)


def exhaustive(
    task: Task, timesteps: int, device: torch.device, dtype: torch.dtype
) -> tuple[np.ndarray, float]:
    """L2 of every image and class, `(pair, sample)`, and the seconds of the evaluation."""
    engine = Engine(task.denoiser(device, dtype), task.inputs, BATCH, device, dtype)
    start = time.perf_counter()
    errors = engine.errors(task.pairs, stage_samples([timesteps])[0], Silence())["l2"]
    return errors, time.perf_counter() - start


def report(
    check: Check,
    name: str,
    arithmetic: str,
    task: Task,
    exact: np.ndarray,
    errors: np.ndarray,
    seconds: float,
) -> None:
    """Write the row of one arithmetic: deviation of its errors from `exact`, and accuracy."""
    apart, samples = deviation(errors, exact), stage_samples([errors.shape[1]])[0]
    predictions = task.predictions(errors, samples)
    changed = predictions != task.predictions(exact, samples)
    check.row(
        "arithmetic",
        model=name,
        arithmetic=arithmetic,
        images=len(task.labels),
        evaluations=errors.size,
        median_deviation=np.median(apart),
        largest_deviation=apart.max(),
        predictions_changed=f"{changed.sum()} ({100 * changed.mean():.1f} %)",
        top_1_percent=100 * (predictions == task.labels).mean(),
        seconds=seconds,
    )


@contextmanager
def synchronisations(device: torch.device) -> Iterator[list[str]]:
    """The places, `file:line`, at which the host waited for the GPU within the block.

    The list has places in Python code and is filled when the block ends. It stays empty if
    `device` is no GPU.
    """
    found: list[str] = []
    if device.type != "cuda":
        yield found
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode("default")
    found += [f"{w.filename}:{w.lineno}" for w in caught if WAITED in str(w.message)]


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in matrix products and convolutions within the block.

    By default PyTorch allows it in convolutions only. All versions of PyTorch have these settings;
    they must not be mixed with the newer `fp32_precision`.
    """
    settings = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [setting.allow_tf32 for setting in settings]
    try:
        for setting in settings:
            setting.allow_tf32 = allowed
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setting.allow_tf32 = value


PARTS = [Part("right", right, seconds=80)]
