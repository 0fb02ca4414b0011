"""The stages in which the Python interface measures errors, with the functions of the rules."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.engine.engine import Engine
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.loss_names import LOSSES
from diffusion_classifier.engine.pass_size import evaluations_per_pass
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.ahead import Ahead
from diffusion_classifier.selection.learned_timesteps import learned_samples
from diffusion_classifier.selection.pruning import survivors
from diffusion_classifier.selection.racing import gap_race
from diffusion_classifier.selection.schedules import (
    check_learned,
    check_stages,
    most_timesteps,
    spread,
    stage_samples,
)

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

RACE = {"z": 3.0, "minimum": 3}
"""The race by default. The calibrated race of the workflow's default config has z = 2 or less."""
LEARNED = {"samples": [64], "keep": [1]}
"""The stages by default if timesteps are learned, as in the workflow's default config."""
LEARNED_RACE = {"z": 2.0, "minimum": 1}
_KEYS = ("samples", "keep", "grid", "race", "loss")


@dataclass(frozen=True)
class Settings:
    """How errors are measured; the keywords of `DiffusionClassifier`, which explains them."""

    stages: Mapping[str, Any] | int | None = None
    race: Mapping[str, float] | float | bool | None = True
    loss: str = "l2"
    seed: int = 0
    batch_size: int | str | None = None
    progress: bool = True

    def evaluations_per_pass(self, values: int) -> int | str:
        """`batch_size`; by default what fits into the memory of most devices.

        `values` is the number of values of a latent.
        """
        return self.batch_size or evaluations_per_pass(values)


@dataclass(frozen=True)
class Schedule:
    """The new samples of each stage, how many classes each keeps, and the last stage's race."""

    samples: list[list[Sample]]
    keep: Sequence[int]
    race: dict[str, float] | None
    loss: str

    @property
    def noises(self) -> int:
        """The number of noises that the samples need."""
        return 1 + max(sample.noise for stage in self.samples for sample in stage)


def schedule(settings: Settings, timesteps: int, densities: pd.DataFrame | None) -> Schedule:
    """The schedule of `settings` for a model of T = `timesteps`; `densities` if they are learned.

    Raises InputError for stages that make no sense or do not divide the model's timesteps.
    """
    known("loss", settings.loss, LOSSES, "loss")
    spec = _stages(settings.stages, timesteps, densities is not None)
    race = _race(spec.get("race", settings.race), densities is not None)
    loss = spec.get("loss", settings.loss)
    try:
        if densities is not None:
            check_learned(spec, max(spec["samples"]))
            samples = learned_samples(densities, spec["samples"], loss)
        else:
            grid = spec.get("grid")
            # one noise per timestep: the bank is never too small
            check_stages(spec["samples"], spec["keep"], 1, grid, timesteps, timesteps)
            samples = stage_samples(spec["samples"], 1, grid, timesteps)
    except ValueError as error:
        raise InputError(f"stages: {error}") from None
    if race and densities is None:
        samples[-1] = spread(samples[-1])
    return Schedule(samples, spec["keep"], race, loss)


def _stages(stages: Mapping[str, Any] | int | None, timesteps: int, learned: bool) -> dict:
    if stages is None and learned:
        return LEARNED
    if stages is None:
        stages = most_timesteps(timesteps)
    if isinstance(stages, int):
        return {"samples": [stages], "keep": [1]}
    for key in stages:
        known("stages", key, _KEYS, "key")
    for key in ("samples", "keep"):
        if not (values := stages.get(key)) or any(type(n) is not int or n < 1 for n in values):
            raise InputError(
                f"stages: found {values!r} as `{key}`, expected a list of whole numbers from 1 on, "
                'as in {"samples": [5, 25], "keep": [3, 1]}; correct it'
            )
    if max(stages["samples"]) > timesteps and not learned:
        raise InputError(
            f"stages: found {max(stages['samples'])} timesteps, expected at most the model's "
            f"{timesteps}; take fewer"
        )
    return dict(stages)


def _race(race: Any, learned: bool) -> dict[str, float] | None:
    """The race's settings: True or a number for z stand for the other defaults, 0 for no race."""
    if not race:
        return None
    default = LEARNED_RACE if learned else RACE
    given = {} if race is True else race if isinstance(race, Mapping) else {"z": race}
    found = {**default, **given}
    whole = isinstance(found["minimum"], int) and found["minimum"] >= (1 if learned else 2)
    if set(found) != {"z", "minimum"} or not 0 < found["z"] < 1e6 or not whole:
        raise InputError(
            f"race: found {race!r}, expected a number above 0, as in `race=3`, or such as "
            '{"z": 3, "minimum": 5}, with at least 2 samples before a class may leave (1 after '
            "`fit_calibration`); correct it"
        )
    return found


def measured(
    engine: Engine,
    pairs: pd.DataFrame,
    class_of: np.ndarray,
    plan: Schedule,
    densities: pd.DataFrame | None = None,
    progress: bool = True,
    fill: int = 1,
) -> list[xr.Dataset]:
    """The errors of all stages of `pairs` (`image, prompt`), with the `seconds` of each.

    Classes leave between stages (algorithm 2 of the paper) and in the race of the last, which fills
    its passes with `fill` evaluations (see `selection.ahead`).
    """
    stages: list[xr.Dataset] = []
    for number, (samples, keep) in enumerate(zip(plan.samples, plan.keep, strict=True), start=1):
        last, start = number == len(plan.samples), time.perf_counter()
        shown = None if progress else Silence()  # None: a bar
        if plan.race and last:
            silent = partial(engine.errors, progress=Silence())  # the race shows progress itself
            measure = Ahead(silent, samples, fill)
            race = {**plan.race, "loss": plan.loss, "combine": "mean"}
            errors = gap_race(measure, pairs, samples, class_of, race, stages, densities, shown)
        else:
            errors = engine.errors(pairs, samples, shown)
        record = {"seconds": time.perf_counter() - start}
        stages.append(error_dataset(errors, pairs, samples, record))
        if not last:
            pairs = survivors(stages, pairs, class_of, keep, plan.loss)
    return stages
