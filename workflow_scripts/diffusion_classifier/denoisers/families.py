"""The families of diffusion models, each a module of this package."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from diffusion_classifier.messages import InputError

FAMILIES = ("dit", "pixart", "stable-diffusion", "stable-diffusion-3", "stable-diffusion-xl")
"""The families there are; each is a module of this package, dashes written as underscores."""


def family(name: str) -> ModuleType:
    """The adapter module of a model family; heavy imports happen only inside it."""
    if name not in FAMILIES:
        known = ", ".join(f"`{known}`" for known in FAMILIES)
        raise InputError(
            f"family: found the unknown model family {name!r}, expected one of {known}; correct it"
        )
    return import_module("." + name.replace("-", "_"), __package__)
