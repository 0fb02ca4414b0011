"""Profile a pass, and measure what 8-bit numbers and token merging would gain.

Networks of full size have random weights, which give the speed of trained ones. But their classes
differ by little more than rounding, and their numbers lack the outliers of trained networks. So the
agreement of ranks says little, and should be compared with that of bfloat16 computed in another
order (the engine's). The shipped models are trained, but small. So a trial that gains has to be
repeated with published weights before the engine adopts it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import pandas as pd
import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from diffusion_classifier.benchmarks import timed_networks
from diffusion_classifier.benchmarks.full_size import FULL_SIZE, tiny
from diffusion_classifier.benchmarks.plain_loop import PlainModel
from diffusion_classifier.benchmarks.throughput import all_pairs, spaced_samples, take_turns
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.speed import Speed, accelerate
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.progress import Silence

from .check import Check, Part
from .shipped import SHIPPED, shipped_task
from .trials import TRIALS, apply, unchanged

TOP = 10
IMAGES, CLASSES, SAMPLES = 8, 10, 4
PASS = 64
RUNS = 3
"""For networks of full size: 320 evaluations in full passes."""
SHIPPED_IMAGES, SHIPPED_TIMESTEPS, SHIPPED_PASS = 200, 10, 1024
NETWORKS = {"dit-256": "dit-xl-2", "sd-2": "stable-diffusion-2"}
DOWN_TO = {"dit-256": 2, "sd-2": 1, "digits-dit": 4, "scenes-sd": 2}
"""Largest factor between latents and tokens at which tokens are merged; see `Trial`."""
NEEDED = 15.0
"""Assumed seconds of a trial on a network of full size, with the compilation of its blocks."""


@dataclass(frozen=True)
class Question:
    """The evaluations of a trial: every image with every class, at evenly spaced timesteps."""

    inputs: Inputs
    pairs: pd.DataFrame
    timesteps: int
    batch: int

    def errors(
        self, denoiser: Denoiser, device: torch.device, runs: int
    ) -> tuple[np.ndarray, float]:
        """Mean L2 errors, `(image, class)`, and evaluations per second, the median of `runs`."""
        engine = Engine(denoiser, self.inputs, self.batch, device, torch.bfloat16)
        samples = spaced_samples(self.timesteps)
        run = {"": partial(engine.errors, self.pairs, samples, Silence())}
        if runs > 1:
            run[""]()  # warm up
        turns = [turn[""] for turn in take_turns(run, runs)]
        errors = turns[-1][1]["l2"]
        means = errors.astype("float64").mean(axis=1).reshape(len(self.inputs.images), -1)
        return means, errors.size / median(took for took, _ in turns)


def limits(check: Check) -> None:
    """The part: the profile, then the trials, if there is time."""
    kernels(check)
    for trial in TRIALS:
        if not trial.installed:
            _left_out(check, "all", trial.name, f"{trial.package} is not installed")
    for name in NETWORKS:
        full_size(check, name)
        if name == "dit-256":
            for small in SHIPPED:
                shipped(check, small)


# --- profile


def kernels(check: Check) -> None:
    """Write the kernels (on a CPU, operations) that take most time in a pass of a UNet."""
    plain, question = _network(check, "sd-2")
    denoiser = timed_networks.adapted(plain)
    accelerate(denoiser, Speed(), evaluations=0)
    engine = Engine(denoiser, question.inputs, PASS, check.device, torch.bfloat16)
    pairs, samples = question.pairs.head(PASS), spaced_samples(1)
    engine.errors(pairs, samples, Silence())
    activities = [ProfilerActivity.CPU]
    activities += [ProfilerActivity.CUDA] if check.device.type == "cuda" else []
    with profile(activities=activities) as profiled:
        engine.errors(pairs, samples, Silence())
    found = [
        (event.key, event.count, _microseconds(event, check.device))
        for event in profiled.key_averages()
    ]
    total = sum(took for _, _, took in found)
    for kernel, calls, took in sorted(found, key=lambda event: -event[2])[:TOP]:
        check.row(
            "kernels of a pass of Stable Diffusion 2",
            kernel=kernel[:90],
            calls=calls,
            milliseconds=took / 1e3,
            share=took / total,
        )


def _microseconds(event: object, device: torch.device) -> float:
    """Microseconds of a profile's entry; on a GPU only those of kernels, not of their launch."""
    if device.type != "cuda":
        return event.self_cpu_time_total
    return event.self_device_time_total if event.device_type == DeviceType.CUDA else 0.0


# --- trials


def full_size(check: Check, name: str) -> None:
    """Run all trials on a network of full size: their speed, and the ranks of classes."""
    if not check.rehearse and check.left() < NEEDED:
        _left_out(check, name, "all trials", f"{check.left():.0f} s were left")
        return
    plain, question = _network(check, name)
    compiled = check.device.type == "cuda"
    _compare(check, name, question, partial(timed_networks.adapted, plain), RUNS, compiled)


def shipped(check: Check, name: str) -> None:
    """Run all trials on a trained, small model to see which predictions change, not for speed."""
    images, timesteps = (4, 2) if check.rehearse else (SHIPPED_IMAGES, SHIPPED_TIMESTEPS)
    try:
        task = shipped_task(name, images, timesteps, check.device, check.root)
    except ModuleNotFoundError as error:  # the package with the digits is missing
        _left_out(check, name, "all trials", str(error))
        return
    question = Question(task.inputs, task.pairs, timesteps, SHIPPED_PASS)
    load = partial(task.denoiser, check.device, torch.bfloat16)
    _compare(check, name, question, load, runs=1, compiled=False)


def _compare(
    check: Check,
    name: str,
    question: Question,
    load: Callable[[], Denoiser],
    runs: int,
    compiled: bool,
) -> None:
    """Write a row for each trial and one for the engine; `compiled` allows compiled trials."""
    denoiser = load()
    accelerate(denoiser, Speed(), evaluations=0)
    engine, engine_rate = question.errors(denoiser, check.device, runs)
    bases: dict[bool, tuple[np.ndarray, float]] = {}
    for trial in TRIALS:
        kind = trial.compiled and compiled
        if not trial.installed or (trial.change is unchanged and kind in bases):
            continue
        if not check.rehearse and check.left() < (NEEDED if kind else NEEDED / 4):
            _left_out(check, name, trial.name, f"{check.left():.0f} s were left")
            continue
        denoiser = load()
        try:
            apply(trial, denoiser, DOWN_TO[name], kind)
            means, rate = question.errors(denoiser, check.device, runs)
        except Exception as error:  # these packages change often and may not run here
            traceback.print_exc()
            _left_out(check, name, trial.name, f"{type(error).__name__}: {error}")
            continue
        if trial.change is unchanged:
            bases[kind] = means, rate
        base, base_rate = bases.get(kind, (engine, engine_rate))
        times = {"times_bfloat16": rate / base_rate, "times_the_engine": rate / engine_rate}
        agreed = agreement(base, means)
        check.row(
            "trials", network=name, trial=trial.name, compiled=kind, rate=rate, **times, **agreed
        )
    for base, rate in list(bases.values())[:1]:
        times = {"times_bfloat16": engine_rate / rate, "times_the_engine": 1.0}
        agreed = agreement(base, engine)
        trial = "engine, bfloat16"
        check.row(
            "trials", network=name, trial=trial, compiled=False, rate=engine_rate, **times, **agreed
        )


def agreement(expected: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Agreement of the classes' ranks by two sets of errors, `(image, class)` each.

    `rank_agreement` is Spearman's correlation, a mean over images; `same_best` is the share of
    images whose class of least error is the same.

    >>> agreement(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 2.0]]))
    {'rank_agreement': 0.5, 'same_best': 1.0}
    """
    ranks = [pd.DataFrame(errors).rank(axis=1).to_numpy() for errors in (expected, found)]
    correlations = [np.corrcoef(*rows)[0, 1] for rows in zip(*ranks, strict=True)]
    same = expected.argmin(axis=1) == found.argmin(axis=1)
    return {
        "rank_agreement": round(float(np.mean(correlations)), 6),
        "same_best": float(same.mean()),
    }


def _network(check: Check, name: str) -> tuple[PlainModel, Question]:
    """A network with random weights in bfloat16, of full size or tiny, and its evaluations."""
    spec = FULL_SIZE[NETWORKS[name]]
    spec = tiny(spec) if check.rehearse else spec
    images, samples = (2, 1) if check.rehearse else (IMAGES, SAMPLES)
    plain = timed_networks.full_size(spec, check.device, torch.bfloat16)
    inputs = timed_networks.random_inputs(spec, images, CLASSES, samples)
    return plain, Question(inputs, all_pairs(range(images), CLASSES), samples, PASS)


def _left_out(check: Check, name: str, what: str, why: str) -> None:
    check.row("left out", network=name, what=what, why=why)


PARTS = [Part("limits", limits, seconds=60)]
