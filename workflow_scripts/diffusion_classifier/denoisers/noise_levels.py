"""The noise levels of flow matching, from scheduler/ of a model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.conventions import scheduler_config

from .forward_process import FlowMatching

NOISE_LEVELS = (
    "num_train_timesteps",
    "shift",
    "use_dynamic_shifting",
    "base_shift",
    "max_shift",
    "base_image_seq_len",
    "max_image_seq_len",
    "time_shift_type",
)
"""The keys of a scheduler's config that determine σ."""


def read_noise_levels(folder: str, tokens: int) -> FlowMatching:
    """The σ of training, ascending: evenly spaced, then shifted by the scheduler's config.

    A dynamic shift depends on the number of `tokens` of an image of the size in training. Settings
    for sampling only (Karras' spacing, a terminal σ) do not matter. Raises InputError for levels
    that do not rise from above 0 to at most 1.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler

    config, _ = scheduler_config(Path(folder))
    levels = {key: config[key] for key in NOISE_LEVELS if key in config}
    try:
        scheduler = FlowMatchEulerDiscreteScheduler(**levels)
        sigmas = scheduler.sigmas.flip(0)
        if scheduler.config.use_dynamic_shifting:
            sigmas = scheduler.time_shift(_dynamic_shift(scheduler.config, tokens), 1.0, sigmas)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(
            f"{folder}/scheduler: found noise levels that cannot be made ({error}), expected "
            "those of diffusers' FlowMatchEulerDiscreteScheduler; correct "
            "scheduler_config.json"
        ) from None
    if not (sigmas[0] > 0 and sigmas[-1] <= 1 and (sigmas.diff() > 0).all()):
        raise InputError(
            f"{folder}/scheduler: found noise levels from {sigmas[0]:.3g} to "
            f"{sigmas[-1]:.3g}, expected them to rise from above 0 to at most 1; correct `shift` "
            "in scheduler_config.json"
        )
    return FlowMatching(sigmas)


def _dynamic_shift(config: Mapping[str, float], tokens: int) -> float:
    """μ, linear in an image's number of tokens, as diffusers' pipeline computes it."""
    slope = (config["max_shift"] - config["base_shift"]) / (
        config["max_image_seq_len"] - config["base_image_seq_len"]
    )
    return tokens * slope + config["base_shift"] - slope * config["base_image_seq_len"]
