"""Adapters of diffusion models: one module per model family.

A family's module has a `load(folder, device, dtype) -> Denoiser` and an
`encode_prompts(folder, prompts, device, dtype, truncate=False) -> dict[str, Tensor]`: what its
denoiser must be told of each prompt (columns `prompt, classname, classidx`); the first dim of
every tensor is `prompt`. Prompts that are too long are an error unless `truncate`. Both read the
diffusers folder layout. They are apart because the jobs are: no job needs both in memory.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..messages import InputError

FAMILIES = ("dit", "pixart", "stable-diffusion", "stable-diffusion-3", "stable-diffusion-xl")
"""The families there are; each is a module of this package, dashes written as underscores."""


def family(name: str) -> ModuleType:
    """The adapter module of a model family; heavy imports happen only inside it."""
    if name not in FAMILIES:
        known = ", ".join(f"`{known}`" for known in FAMILIES)
        raise InputError(
            f"family: found the unknown model family {name!r}, expected one of {known}; correct it"
        )
    return import_module("." + name.replace("-", "_"), __name__)
