"""Check that the workflow follows a model's conventions: noise schedule, scale of latents, sizes.

A model is refused if its configs ask for a convention with which diffusers' own pipeline of the
family would compute other numbers than the workflow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

from .family import Family
from .reading import read_config

DISCRETE = (
    "CogVideoXDDIMScheduler",
    "CogVideoXDPMScheduler",
    "DDIMInverseScheduler",
    "DDIMParallelScheduler",
    "DDIMScheduler",
    "DDPMParallelScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepInverseScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSDEScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "RePaintScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UnCLIPScheduler",
    "UniPCMultistepScheduler",
)
"""diffusers' schedulers of a variance-preserving process in discrete steps, given by its betas."""
FLOW_MATCHING = (
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
    "FlowMatchLCMScheduler",
)
"""diffusers' schedulers of straight paths. Keys and defaults of their noise levels are equal."""
PREDICTIONS = ("epsilon", "v_prediction", "sample")
"""The predictions of a network for a variance-preserving process: ε, the velocity, or x_0."""

# keys of a VAE's config that shift or scale its latents, with the values that change nothing
_NEUTRAL = {"shift_factor": 0, "latents_mean": 0, "latents_std": 1}


def check_conventions(folder: Path, family: Family) -> None:
    """Raise InputError for a convention in the configs that the workflow does not follow."""
    if family.flow_matching:
        _check_flow_matching(folder)
    else:
        _check_discrete(folder, family.learned_variance)
    if family.part == "unet":
        _check_unet(folder)
    else:
        _check_numbers(folder, "transformer", ("sample_size", "patch_size"))
    if family.sizes:
        _check_image_size(folder)
        if pipeline_config(folder).get("requires_aesthetics_score"):
            raise InputError(
                f"{folder}/model_index.json: found requires_aesthetics_score: true, expected "
                "false, as its UNet takes an aesthetic score; choose an SDXL base model"
            )
    if (folder / "vae").is_dir():
        vae = read_config(folder, "vae")
        check_scaling(folder, {"scaling_factor": 0.18215, "latent_channels": 4} | vae, family)


def pipeline_config(folder: Path) -> dict[str, Any]:
    """The content of model_index.json; empty if there is no such file."""
    index = folder / "model_index.json"
    return read_config(folder, ".", index.name) if index.is_file() else {}


def scheduler_config(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The scheduler's config, and the one or two class names that a model gives its scheduler.

    The first is that of model_index.json, which diffusers' pipeline uses whatever the scheduler's
    own config says. Raises InputError if neither file names a class.
    """
    config = read_config(folder, "scheduler", "scheduler_config.json")
    entry = pipeline_config(folder).get("scheduler")
    found = [entry[1] if isinstance(entry, list) and len(entry) == 2 else None]
    found.append(config.get("_class_name"))
    names = list(dict.fromkeys(str(name) for name in found if name))
    if not names:
        raise InputError(
            f"{folder}/scheduler/scheduler_config.json: found no _class_name, expected that of the "
            "scheduler that the model was trained with; add it"
        )
    return config, names


def _check_discrete(folder: Path, may_learn_variance: bool) -> None:
    config, names = scheduler_config(folder)
    where, prediction = folder / "scheduler", config.get("prediction_type", "epsilon")
    for name in names:
        if name.startswith("FlowMatch"):
            raise InputError(
                f"{where}: found the scheduler {name} without betas, expected a noise schedule "
                "given by its betas; name the model's own family"
            )
        if name not in DISCRETE:
            raise InputError(
                f"{where}: found the scheduler {name!r}, expected one of {', '.join(DISCRETE)}, "
                "whose noise schedules are given by betas; choose a model trained with such a "
                "schedule"
            )
    if prediction not in PREDICTIONS:
        expected = " or ".join(map(repr, PREDICTIONS))
        raise InputError(
            f"{where}: found the prediction_type {prediction!r}, expected {expected}; choose a "
            "model that predicts that"
        )
    if config.get("use_flow_sigmas"):
        raise InputError(
            f"{where}: found use_flow_sigmas: true, expected a noise schedule given by its betas, "
            "not that of flow matching; choose a model of this family"
        )
    if config.get("timestep_type") == "continuous" and prediction == "v_prediction":
        raise InputError(
            f"{where}: found timestep_type: continuous, expected discrete, as this network takes "
            "log σ / 4 and not the number of a timestep; choose another model"
        )
    if may_learn_variance and config.get("variance_type") == "learned":
        raise InputError(
            f"{where}: found variance_type: learned, expected learned_range, where the network "
            "interpolates between two variances; choose another model"
        )


def _check_flow_matching(folder: Path) -> None:
    config, names = scheduler_config(folder)
    where, prediction = folder / "scheduler", config.get("prediction_type", "flow_prediction")
    for name in names:
        if name not in FLOW_MATCHING or prediction != "flow_prediction":
            raise InputError(
                f"{where}: found the scheduler {name!r} with prediction_type {prediction!r}, "
                f"expected one of {', '.join(FLOW_MATCHING)}, whose models predict the velocity "
                "ε - x_0; choose such a model, or name its own family"
            )
    if config.get("invert_sigmas"):
        raise InputError(
            f"{where}: found invert_sigmas: true, expected false, as this network takes 1 - σ and "
            "not σ; choose another model"
        )


def _check_unet(folder: Path) -> None:
    """Refuse keys with which diffusers builds no UNet, or only one with a class condition."""
    config = read_config(folder, "unet")
    for key, usual in (("class_embeddings_concat", False), ("num_attention_heads", None)):
        if config.get(key) not in (usual, None):
            raise InputError(
                f"{folder}/unet/config.json: found {key}: {config[key]}, expected none, as "
                "diffusers builds no UNet from it that takes only a text; choose another model"
            )


def _check_image_size(folder: Path) -> None:
    """Require a size that SDXL can take as a condition: one edge, or height and width."""
    found = read_config(folder, "unet").get("sample_size")
    edges = found if isinstance(found, list) else [found, found]
    if len(edges) != 2 or not all(map(_is_count, edges)):
        raise InputError(
            f"{folder}/unet/config.json: found sample_size: {found}, expected a whole number, or "
            "the height and width that SDXL takes as a condition; correct it"
        )


def _check_numbers(folder: Path, part: str, keys: tuple[str, ...]) -> None:
    """Require whole numbers: diffusers' transformers take no lists here, unlike its UNets."""
    config = read_config(folder, part)
    for key in keys:
        found = config.get(key, 1)
        if not _is_count(found):
            raise InputError(
                f"{folder}/{part}/config.json: found {key}: {found}, expected a whole number, as "
                f"diffusers' {config.get('_class_name')} takes nothing else; correct it"
            )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def check_scaling(folder: Path, vae: dict[str, Any], family: Family | None) -> None:
    """Raise InputError unless the workflow scales latents as diffusers' pipeline of `family` does.

    `vae` is the VAE's config, with `scaling_factor` and `latent_channels`. None for `family` means
    a pipeline that applies only the `scaling_factor`.
    """
    where, scale = f"{folder}/vae/config.json", vae["scaling_factor"]
    if not isinstance(scale, int | float) or scale <= 0:
        raise InputError(
            f"{where}: found scaling_factor: {scale}, expected a number above 0, by which latents "
            "are multiplied; correct it"
        )
    applied, name = (family.scaled, family.name) if family else ((), "")
    if any(vae.get(key) is None for key in applied):
        applied = ()  # the pipeline applies both or none
    for key, neutral in _NEUTRAL.items():
        found = vae.get(key)
        values = found if isinstance(found, list | tuple) else [found]
        if key in applied:
            _check_values(where, key, found, vae["latent_channels"])
        elif found is not None and any(value != neutral for value in values):
            raise InputError(
                f"{where}: found {key}: {found}, expected none, as diffusers' pipeline of the "
                f"family {name} does not apply it (only stable-diffusion-3's applies "
                "shift_factor, and only stable-diffusion-xl's latents_mean together with "
                "latents_std); choose the VAE that the model was trained with, or remove the key"
            )


def _check_values(where: str, key: str, found: Any, channels: int) -> None:
    numbers = [found] if key == "shift_factor" else found
    expected = 1 if key == "shift_factor" else channels
    if (
        not isinstance(numbers, list | tuple)
        or len(numbers) != expected
        or not all(isinstance(number, int | float) for number in numbers)
        or (key == "latents_std" and min(numbers) <= 0)
    ):
        kind = "a number" if key == "shift_factor" else f"{channels} numbers, one for each channel"
        raise InputError(f"{where}: found {key}: {found}, expected {kind}; correct it")
