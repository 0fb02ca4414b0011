"""The model families that can be trained. A new one is a function and an entry below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Schema = dict[str, Any]

_OPTIMISATION = {"$ref": "#/$defs/optimisation"}  # of config/schema.yaml
_TEXT, _ARGUMENTS = {"type": "string"}, {"type": "object"}
_LOGIT = {"type": "number", "minimum": -100, "maximum": 100}


def _mapping(**properties: Schema) -> Schema:
    """The schema of a mapping with exactly these keys."""
    required = list(properties)
    return {"additionalProperties": False, "required": required, "properties": properties}


@dataclass(frozen=True)
class Trainer:
    """How models of a family are trained.

    `function` is MODULE:NAME in this folder, with the arguments of `recipes.dit`; `recipe` is the
    JSON schema of `training` in an entry of the config's `models`.
    """

    function: str
    recipe: Schema


TRAINERS: dict[str, Trainer] = {
    "dit": Trainer(
        "recipes:dit",
        _mapping(
            data=_TEXT,
            architecture=_ARGUMENTS,
            scheduler=_ARGUMENTS,
            optimisation=_OPTIMISATION,
            augmentation={"$ref": "#/$defs/augmentation", "required": ["oversample"]},
            timestep_logit={"type": "array", "minItems": 2, "maxItems": 2, "items": _LOGIT},
        ),
    ),
    "clip": Trainer(
        "recipes:clip",
        _mapping(
            data=_TEXT,
            architecture={"type": "object"}
            | _mapping(
                tokens={"type": "integer", "minimum": 3, "maximum": 100_000},
                projection_dim={"type": "integer", "minimum": 1, "maximum": 100_000},
                text=_ARGUMENTS,
                vision=_ARGUMENTS,
            ),
            optimisation=_OPTIMISATION,
        ),
    ),
    "stable-diffusion": Trainer(
        "recipes:stable_diffusion",
        _mapping(
            data=_TEXT,
            text_encoder=_TEXT,
            architecture={"type": "object"} | _mapping(vae=_ARGUMENTS, unet=_ARGUMENTS),
            scheduler=_ARGUMENTS,
            kl_weight={"type": "number", "minimum": 0, "maximum": 1_000_000},
            vae_optimisation=_OPTIMISATION,
            optimisation=_OPTIMISATION,
        ),
    ),
}
"""`family` in the config -> its Trainer, for `weights: train`."""


def training_function(family: str) -> Callable[..., Any]:
    """Import (with PyTorch) and return the function that trains and saves a model of a family."""
    module, _, name = TRAINERS[family].function.partition(":")
    return getattr(import_module(f".{module}", __package__), name)
