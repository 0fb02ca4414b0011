"""The noise schedule a model was trained with, from scheduler/ of its folder.

A scheduler of diffusers is a noise schedule and a sampling method. A classifier needs only the
schedule and the kind of the network's prediction, not how sampling steps are spaced or clipped.
"""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import torch

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.conventions import scheduler_config

from .forward_process import ForwardProcess

NOISE_SCHEDULE = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "rescale_betas_zero_snr",
    "snr_shift_scale",
)
"""The keys of a scheduler's config that determine ᾱ."""
_SAME_SCHEDULE = {
    # the constructors on the left need other packages or take a second; the classes on the right
    # have the same keys and defaults
    "DPMSolverSDEScheduler": "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler": "HeunDiscreteScheduler",
    "KDPM2DiscreteScheduler": "HeunDiscreteScheduler",
    "LMSDiscreteScheduler": "PNDMScheduler",
}


def read_scheduler(folder: str, learned_variance: bool = False) -> tuple[ForwardProcess, str]:
    """The forward process and the kind of the network's prediction, one of PREDICTIONS.

    diffusers' class of this scheduler computes ᾱ, as classes differ in their defaults and in their
    treatment of a last timestep without signal. `learned_variance`: the network has channels for
    the variance. Raises InputError for a schedule that the class does not know or that has a
    timestep without noise, and for a learned variance if a timestep has no signal, as the bound
    does not exist then. `weights.conventions` refuses other configs before that.
    """
    config, names = scheduler_config(Path(folder))
    alphas_cumprod, *others = (_alphas_cumprod(folder, name, config) for name in names)
    if any(not torch.equal(other, alphas_cumprod) for other in others):
        raise InputError(
            f"{folder}: found the scheduler {names[0]} in model_index.json and {names[1]} in "
            "scheduler/scheduler_config.json, whose noise schedules for the latter file differ, "
            "expected one class; name the class of the model's training in both"
        )
    zero_snr = "rescale_betas_zero_snr"
    if config.get(zero_snr) and zero_snr not in signature(_class(names[0])).parameters:
        raise InputError(
            f"{folder}/scheduler: found {zero_snr}: true, expected none in a {names[0]}, which "
            "does not know it; name the class of the model's training (such as DDIMScheduler), or "
            "remove the key"
        )
    if learned_variance and not alphas_cumprod.all():
        raise InputError(
            f"{folder}/scheduler: found a last timestep without signal (rescale_betas_zero_snr) "
            "and a network with a learned variance, expected some signal, without which the loss "
            "`vlb` does not exist; choose another model"
        )
    return ForwardProcess(alphas_cumprod), config.get("prediction_type", "epsilon")


def _alphas_cumprod(folder: str, name: str, config: dict[str, Any]) -> torch.Tensor:
    """ᾱ, `(timestep,)` float32, of the scheduler class `name` with this config."""
    known = _class(name)
    options = known.extract_init_dict(config)[0]
    schedule = {key: options[key] for key in NOISE_SCHEDULE if key in options}
    try:
        alphas_cumprod = known(**schedule).alphas_cumprod
    except (NotImplementedError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{folder}/scheduler: found a noise schedule that cannot be made ("
            f"{' '.join(str(error).split())}), expected one that diffusers' {known.__name__} "
            "knows; correct scheduler_config.json"
        ) from None
    return _checked(folder, alphas_cumprod, config)


def _class(name: str) -> type:
    import diffusers

    return getattr(diffusers, _SAME_SCHEDULE.get(name, name))


def _checked(folder: str, alphas_cumprod: torch.Tensor, config: dict[str, Any]) -> torch.Tensor:
    timesteps = config.get("num_train_timesteps", 1000)
    if len(alphas_cumprod) != timesteps:
        raise InputError(
            f"{folder}/scheduler: found {len(alphas_cumprod)} trained_betas, expected "
            f"{timesteps}, its num_train_timesteps; correct scheduler_config.json"
        )
    if not ((alphas_cumprod >= 0) & (alphas_cumprod < 1)).all():
        raise InputError(
            f"{folder}/scheduler: found betas whose ᾱ runs from "
            f"{alphas_cumprod.max():.3g} to {alphas_cumprod.min():.3g}, expected values below 1 "
            "(noise at every timestep) and not below 0; correct scheduler_config.json"
        )
    return alphas_cumprod
