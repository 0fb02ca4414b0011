"""Choose the (timestep, noise) samples of each stage: evenly spaced, as the authors do.

`learned_timesteps` chooses them by a learned density instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffusion_classifier.engine.samples import Sample

UNIFORM = 0.1
"""Default share of a learned density that is uniform; it limits a sample's weight to
1 / UNIFORM."""


def timestep_grid(size: int, timesteps: int = 1000) -> list[int]:
    """The `size` evenly spaced timesteps of 0..timesteps-1 that all stages choose from."""
    step = timesteps // size
    return list(range(step // 2, timesteps, step))[:size]


def most_timesteps(timesteps: int, most: int = 250) -> int:
    """The largest number up to `most` of evenly spaced timesteps of a model with so many.

    >>> most_timesteps(1000), most_timesteps(1000, 60)
    (250, 50)
    """
    return max(count for count in range(1, most + 1) if timesteps % count == 0)


def evenly_spaced(grid: Sequence[int], count: int) -> list[int]:
    """`count` evenly spaced elements of `grid`, from the middle of the first interval on."""
    step = len(grid) // count
    return list(grid[step // 2 :: step][:count])


def stage_samples(
    samples: Sequence[int], trials: int = 1, grid: int | None = None, timesteps: int = 1000
) -> list[list[Sample]]:
    """The new samples of each stage, exactly as in the authors' implementation.

    `samples[k]` is the number of evenly spaced timesteps of stage k, with `trials` noises per
    timestep. Timesteps come from a grid of `grid` (default: `max(samples)`) values. A stage does
    not repeat the timesteps of earlier stages, so it may be empty. The noise index is the position
    in the order of evaluation, so that no two samples share a noise.
    """
    steps = timestep_grid(grid or max(samples), timesteps)
    evaluated: dict[int, None] = {}  # an ordered set
    stages = []
    for count in samples:
        new = [t for t in evenly_spaced(steps, count) if t not in evaluated]
        stages.append(
            [
                Sample(t, trials * position + trial)
                for position, t in enumerate(new, start=len(evaluated))
                for trial in range(trials)
            ]
        )
        evaluated |= dict.fromkeys(new)
    return stages


def van_der_corput(count: int) -> np.ndarray:
    """The first `count` points of the van der Corput sequence in base 2, in (0, 1): 1/2, 1/4, 3/4…

    Its star discrepancy is O(log n / n) for every n (van der Corput 1935); random points have
    O(1 / √n).
    """
    from scipy.stats import qmc  # takes a second to import, and few schedules need it

    # in one dimension Halton's sequence is van der Corput's, with a first point at 0
    return qmc.Halton(1, scramble=False).random(count + 1)[1:, 0]


def spread(samples: Sequence[Sample]) -> list[Sample]:
    """Reorder samples so that any first part of them is spread evenly over the timesteps."""
    ordered = sorted(samples)
    ranks = np.argsort(np.argsort(van_der_corput(len(ordered))))
    return [ordered[rank] for rank in ranks]


def check_stages(
    samples: Sequence[int],
    keep: Sequence[int],
    trials: int,
    grid: int | None,
    noise_size: int,
    timesteps: int = 1000,
) -> None:
    """Raise ValueError, naming key, value, expectation and remedy, if the stages are invalid."""
    _check_keep(samples, keep)
    size = grid or max(samples)
    if trials > noise_size:
        raise ValueError(
            f"trials: found {trials} noises per timestep, but the noise bank has {noise_size}; "
            "lower it or raise `noise: size`"
        )
    if size < max(samples):
        raise ValueError(
            f"grid: {size} timesteps cannot hold {max(samples)} samples; raise `grid` or leave it "
            "out"
        )
    if timesteps % size:
        raise ValueError(
            f"{'grid' if grid else 'samples'}: {size} evenly spaced timesteps do not divide the "
            f"model's {timesteps}, so the last ones would never be evaluated; choose a divisor of "
            f"{timesteps} for {'it' if grid else 'the largest entry (or for `grid`)'}"
        )
    for count in samples:
        step = size // count
        if size - step * count >= step:
            raise ValueError(
                f"samples: {count} does not divide the grid of {size} timesteps evenly (its last "
                f"{size - step * count} would never be evaluated at this stage); choose a divisor "
                f"of {size}, or another `grid`"
            )
    needed = sum(map(len, stage_samples(samples, trials, grid, timesteps)))
    if needed > noise_size:
        raise ValueError(
            f"samples: {list(samples)} with {trials} trial(s) needs {needed} noises, but the noise "
            f"bank has {noise_size}; set `noise: size` to at least {needed} or take fewer samples"
        )


def _check_keep(samples: Sequence[int], keep: Sequence[int]) -> None:
    if len(keep) != len(samples):
        raise ValueError(
            f"keep: found {len(keep)} entries {list(keep)} for {len(samples)} stages of samples "
            f"{list(samples)}, expected one number of classes to keep per stage; correct it"
        )
    if list(samples) != sorted(set(samples)):
        raise ValueError(
            f"samples: found {list(samples)}, expected numbers that grow from stage to stage; "
            "correct them"
        )
    if list(keep) != sorted(keep, reverse=True) or keep[-1] != 1:
        raise ValueError(
            f"keep: found {list(keep)}, expected numbers that do not grow from stage to stage and "
            "end in 1; correct them"
        )


def check_learned(stages: dict[str, Any], noise_size: int) -> None:
    """Like `check_stages`, for stages with learned timesteps: each sample needs a noise."""
    _check_keep(stages["samples"], stages["keep"])
    for key in ("grid", "trials"):
        if key in stages:
            raise ValueError(
                f"{key}: found {stages[key]}, but learned timesteps are drawn from a density, with "
                "one noise each; leave it out or use `timesteps: even`"
            )
    if max(stages["samples"]) > noise_size:
        raise ValueError(
            f"samples: {list(stages['samples'])} needs {max(stages['samples'])} noises, but the "
            f"noise bank has {noise_size}; set `noise: size` to at least that or take fewer samples"
        )
