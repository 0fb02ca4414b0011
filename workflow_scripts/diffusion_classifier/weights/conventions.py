"""What a model's configs say of its numbers beside the architecture: is it what is computed here?

Schedules of noise, scales of latents and sizes. A convention that is not followed is refused,
where following diffusers' own pipeline of the family would give other numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

from .configs import read_config
from .family import Family

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
"""diffusers' schedulers of straight paths; keys and defaults of the noise levels are the same."""
PREDICTIONS = ("epsilon", "v_prediction", "sample")
"""What a network of a variance-preserving process may predict: ε, the velocity, or x_0."""

# what is added to or divides a VAE's output: nothing, by these values
_NEUTRAL = {"shift_factor": 0, "latents_mean": 0, "latents_std": 1}


def check_conventions(folder: Path, family: Family) -> None:
    """Raise InputError for a convention in the configs that is not followed here."""
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
                "false: its UNet is told an aesthetic score; choose an SDXL base model"
            )
    if (folder / "vae").is_dir():
        vae = read_config(folder, "vae")
        check_scaling(folder, {"scaling_factor": 0.18215, "latent_channels": 4} | vae, family)


def pipeline_config(folder: Path) -> dict[str, Any]:
    """What model_index.json says; nothing where there is none."""
    index = folder / "model_index.json"
    return read_config(folder, ".", index.name) if index.is_file() else {}


def scheduler_config(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What scheduler/ says, and its class; of two, diffusers' pipeline uses the first.

    The pipeline takes the class that model_index.json names, whatever the scheduler's own config
    says. Raises InputError if neither names one.
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
                "given by its betas; choose the model's own family"
            )
        if name not in DISCRETE:
            raise InputError(
                f"{where}: found the scheduler {name!r}, expected one of {', '.join(DISCRETE)}, "
                "whose noise schedule is known by its betas; choose a model trained with such a "
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
            f"{where}: found timestep_type: continuous, expected discrete: the network is told "
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
                "ε - x_0; choose such a model, or the family it is of"
            )
    if config.get("invert_sigmas"):
        raise InputError(
            f"{where}: found invert_sigmas: true, expected false: the network is told 1 - σ and "
            "not σ; choose another model"
        )


def _check_unet(folder: Path) -> None:
    """What a UNet's config may say that the network itself cannot do, or not without a class."""
    config = read_config(folder, "unet")
    for key, usual in (("class_embeddings_concat", False), ("num_attention_heads", None)):
        if config.get(key) not in (usual, None):
            raise InputError(
                f"{folder}/unet/config.json: found {key}: {config[key]}, expected none, as "
                "diffusers makes no UNet told a text alone of it; choose another model"
            )


def _check_image_size(folder: Path) -> None:
    """SDXL is told the images' size: a whole number, or height and width."""
    found = read_config(folder, "unet").get("sample_size")
    edges = found if isinstance(found, list) else [found, found]
    if len(edges) != 2 or not all(map(_is_count, edges)):
        raise InputError(
            f"{folder}/unet/config.json: found sample_size: {found}, expected a whole number or "
            "two of them, height and width, of which SDXL is told; correct it"
        )


def _check_numbers(folder: Path, part: str, keys: tuple[str, ...]) -> None:
    """Some of diffusers' UNets take lists, its transformers do not."""
    config = read_config(folder, part)
    for key in keys:
        found = config.get(key, 1)
        if not _is_count(found):
            raise InputError(
                f"{folder}/{part}/config.json: found {key}: {found}, expected a whole number, all "
                f"that diffusers' {config.get('_class_name')} takes; correct it"
            )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def check_scaling(folder: Path, vae: dict[str, Any], family: Family | None) -> None:
    """Raise InputError unless latents are scaled here as diffusers' pipeline of `family` does it.

    `vae` is the VAE's config, with `scaling_factor` and `latent_channels`; `family` None is one
    whose pipeline applies nothing else.
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
                f"family {name} does not apply it (only those of stable-diffusion-3 and flux apply "
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
        kind = "a number" if key == "shift_factor" else f"{channels} numbers, one of every channel"
        raise InputError(f"{where}: found {key}: {found}, expected {kind}; correct it")
