"""The registry of model families. A new family is a module of this package and an entry here."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights import inputs
from diffusion_classifier.weights.family import CLIP, T5, Family

FAMILIES: dict[str, Family] = {
    "dit": Family(
        "dit",
        network="DiTTransformer2DModel",
        pipeline="DiT",
        learned_variance=True,
        old_norm="ada_norm_zero",
        fixed_size=True,
    ),
    "stable-diffusion": Family(
        "stable-diffusion",
        network="UNet2DConditionModel",
        pipeline="StableDiffusion",
        text_encoders={"": CLIP},
        lora=True,
        text_to_image=True,
        check=inputs.check_stable_diffusion,
    ),
    "stable-diffusion-xl": Family(
        "stable-diffusion-xl",
        network="UNet2DConditionModel",
        pipeline="StableDiffusionXL",
        text_encoders={"": CLIP, "_2": CLIP},
        scaled=("latents_mean", "latents_std"),
        sizes=True,
        check=inputs.check_stable_diffusion_xl,
    ),
    "stable-diffusion-3": Family(
        "stable-diffusion-3",
        network="SD3Transformer2DModel",
        pipeline="StableDiffusion3",
        text_encoders={"": CLIP, "_2": CLIP, "_3": T5},
        optional=("_3",),
        channels=16,
        flow_matching=True,
        scaled=("shift_factor",),
        check=inputs.check_stable_diffusion_3,
    ),
    "pixart": Family(
        "pixart",
        network="PixArtTransformer2DModel",
        pipeline="PixArt",
        text_encoders={"": T5},
        learned_variance=True,
        old_norm="ada_norm_single",
        check=inputs.check_pixart,
    ),
}
"""`family` in the config -> facts about its models that are known without loading one."""


def family(name: str) -> ModuleType:
    """The adapter module of a model family, imported when it is needed, as it imports PyTorch."""
    if name not in FAMILIES:
        known = ", ".join(f"`{known}`" for known in FAMILIES)
        raise InputError(
            f"family: found the unknown model family {name!r}, expected one of {known}; correct it"
        )
    return import_module("." + name.replace("-", "_"), __package__)
