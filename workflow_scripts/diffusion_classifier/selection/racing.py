"""Racing: classes leave an image's race as soon as they are significantly behind its leader.

All classes of an image are measured at the same samples, so the difference between a class's error
and the leader's is paired, and far less noisy than the errors themselves (paper, section 4.1).
After n samples with weights w (Σ w = 1), let d be the weighted mean of the differences dᵢ:

    a class leaves if d > z · s,   s² = ((n - 1) p + k c) / (n - 1 + k),
    p = mean over classes of n/(n-1) Σᵢ wᵢ² (dᵢ - d)²,   c = Σᵢ wᵢ² σ²(tᵢ).

p is pooled over the image's remaining classes: after three samples the variance of a single class,
which a paired t-test uses (Clark & Jaini 2023), is too uncertain. But all differences share the
leader's error, so p has only n - 1 degrees of freedom. It is therefore shrunk towards c as if
k = 4 further samples had given c; σ(t) is the standard deviation of such differences on
calibration images. With n = 1 only c remains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diffusion_classifier.engine.error_files import loss_values, sample_weights
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.progress import Progress, Silence

from .learned_timesteps import spread_at

if TYPE_CHECKING:
    import xarray as xr

Measure = Callable[[pd.DataFrame, Sequence[Sample]], dict[str, np.ndarray]]
"""Measures errors, as `Engine.errors` does: pairs, samples → `(pair, sample)` per loss."""
Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Errors `(class, sample)` and weights `(sample,)` → which classes stay, bool `(class,)`."""


PRIOR_SAMPLES = 4
"""Number of samples that the calibrated standard deviation counts as; k in the formula above."""

MINIMUM = 3
"""Default number of samples before a class may leave."""


@dataclass(frozen=True)
class Gap:
    """The module's rule: a class stays if it is at most `z` standard errors behind the leader.

    `spread` is σ(t) of every sample in order, `(sample,)`. If it is None, the variance comes from
    the image's differences only, which takes at least two samples.
    """

    z: float
    spread: np.ndarray | None = None

    def __call__(self, errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
        weights = weights / weights.sum()
        differences = errors - errors[(errors @ weights).argmin()]
        behind = differences @ weights
        squares = weights**2 * (differences - behind[:, None]) ** 2
        free = len(weights) - 1  # degrees of freedom
        pooled = squares.sum() / (len(errors) - 1) * (free + 1)  # the variance times `free`
        if self.spread is None:
            return behind <= self.z * np.sqrt(pooled / free)
        calibrated = (weights**2 * self.spread[: len(weights)] ** 2).sum()
        variance = (pooled + PRIOR_SAMPLES * calibrated) / (free + PRIOR_SAMPLES)
        return behind <= self.z * np.sqrt(variance)


@dataclass(frozen=True)
class History:
    """Errors of earlier stages, `(pair, sample)`; their weights and timesteps, `(sample,)`."""

    errors: np.ndarray
    weights: np.ndarray
    timesteps: np.ndarray


def history(stages: Sequence[xr.Dataset], pairs: pd.DataFrame, loss: str) -> History:
    """The history of `pairs`, all of which were evaluated in each of `stages`, in this order."""
    wanted = pd.MultiIndex.from_frame(pairs[["image", "prompt"]])
    errors, weights, timesteps = [np.zeros((len(pairs), 0))], [np.zeros(0)], [np.zeros(0, "int64")]
    for stage in stages:
        if stage.sizes["sample"]:
            known = pd.MultiIndex.from_arrays([stage["image"].values, stage["prompt"].values])
            errors.append(loss_values(stage, loss)[known.get_indexer(wanted)])
            weights.append(sample_weights(stage))
            timesteps.append(stage["timestep"].values)
    return History(np.hstack(errors), np.concatenate(weights), np.concatenate(timesteps))


def checkpoints(minimum: int, total: int) -> list[int]:
    """The numbers of samples after which classes may leave, from `minimum` to `total`.

    Each is an eighth more than the one before. The device waits during a check, and late in a race
    few classes are left and one more sample changes little.
    """
    found = [min(minimum, total)]
    while found[-1] < total:
        found.append(min(total, found[-1] + max(1, found[-1] // 8)))
    return found


def race(
    measure: Measure,
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    class_of: np.ndarray,
    rule: Rule,
    minimum: int,
    loss: str = "l2",
    combine: str = "mean",
    seen: History | None = None,
    progress: Progress | Silence | None = None,
) -> dict[str, np.ndarray]:
    """The errors of a race: `(pair, sample)` float32 per loss, NaN where a class had left.

    `pairs` (columns `image, prompt`) are measured until one class of their image is left or all
    `samples` are used; `class_of[prompt]` is a prompt's class. No class leaves and no image
    finishes before `minimum` samples, including those `seen` in earlier stages. An image's race
    depends on its own errors only, not on other images in `pairs`.
    """
    seen = seen or history([], pairs, loss)
    before = len(seen.weights)
    weights = np.concatenate([seen.weights, [sample.weight for sample in samples]])
    values = np.pad(seen.errors.astype("float64"), ((0, 0), (0, len(samples))))
    runners = _Runners(pairs, class_of, combine)
    total = len(pairs) * len(samples)
    errors: dict[str, np.ndarray] = {}
    progress = progress or Progress(total, "evaluations made or spared")
    done = 0
    for count in checkpoints(max(1, minimum - before), len(samples)):
        rows, new = runners.rows(), samples[done:count]
        measured = measure(pairs.iloc[rows].reset_index(drop=True), new)
        for name, block in measured.items():
            full = errors.setdefault(name, np.full((len(pairs), len(samples)), np.nan, "float32"))
            full[rows, done:count] = block
        columns = slice(before + done, before + count)
        values[rows, columns] = sum(measured[name].astype("float64") for name in loss.split("+"))
        done, measured_samples = count, before + count
        if measured_samples >= minimum:
            runners.leave(values[:, :measured_samples], weights[:measured_samples], rule)
        left = len(runners.rows())
        progress.update(total - left * (len(samples) - done), f"{left} pairs in the race")
        if not left:
            break
    return errors


def gap_race(
    measure: Measure,
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    class_of: np.ndarray,
    settings: dict[str, Any],
    earlier: Sequence[xr.Dataset],
    densities: pd.DataFrame | None,
    progress: Progress | Silence | None = None,
) -> dict[str, np.ndarray]:
    """The `race` of a stage by the rule `Gap`.

    `settings` has `z`, `loss`, `combine` and optionally `minimum`; `earlier` are the errors of the
    stages before; `densities` are those of learned timesteps, if the stage has them.
    """
    loss, seen = settings["loss"], history(earlier, pairs, settings["loss"])
    timesteps = [*seen.timesteps, *(sample.timestep for sample in samples)]
    spread = None if densities is None else spread_at(densities, timesteps, loss)
    minimum, rule = settings.get("minimum", MINIMUM), Gap(settings["z"], spread)
    combine = settings["combine"]
    return race(measure, pairs, samples, class_of, rule, minimum, loss, combine, seen, progress)


class _Runners:
    """The pairs that are still in the race; an image with one class left has finished."""

    def __init__(self, pairs: pd.DataFrame, class_of: np.ndarray, combine: str) -> None:
        self.combine = combine
        classes = class_of[pairs["prompt"].to_numpy()]
        images = pairs["image"].to_numpy()
        grouped = pd.Series(np.arange(len(pairs))).groupby([images, classes], sort=True)
        self.images: dict[int, list[np.ndarray]] = {}  # the rows of each class of an image
        for (image, _), rows in grouped:
            self.images.setdefault(image, []).append(rows.to_numpy())

    def rows(self) -> np.ndarray:
        """Positions of the pairs that go on, ascending."""
        rows = [class_rows for classes in self.images.values() for class_rows in classes]
        return np.sort(np.concatenate(rows)) if rows else np.zeros(0, "int64")

    def leave(self, values: np.ndarray, weights: np.ndarray, rule: Rule) -> None:
        """Remove the classes that `rule` does not keep; `values` is `(pair, sample)`."""
        self._retire()  # images that have a single class from the start
        for image, classes in self.images.items():
            errors = np.stack([self._class_errors(values[rows], weights) for rows in classes])
            stays = rule(errors, weights)
            self.images[image] = [rows for rows, keep in zip(classes, stays, strict=True) if keep]
        self._retire()

    def _class_errors(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The errors of a class, `(sample,)`: the mean over its prompts, or the best prompt's."""
        if self.combine == "mean":
            return values.mean(axis=0)
        return values[(values @ weights).argmin()]

    def _retire(self) -> None:
        self.images = {image: rows for image, rows in self.images.items() if len(rows) > 1}
