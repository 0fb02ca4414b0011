"""All parts of the check, the most important first."""

from __future__ import annotations

from diffusion_classifier.messages import known

from . import fast, jobs, limits, right
from .check import Part

PARTS: tuple[Part, ...] = (*right.PARTS, *fast.FIRST, *jobs.PARTS, *limits.PARTS, *fast.OTHERS)


def named(names: list[str] | None) -> list[Part]:
    """The parts with these names, or all, in their order; InputError for an unknown name."""
    every = {part.name: part for part in PARTS}
    for name in names or ():
        known("--parts", name, every, "part")
    return [part for part in PARTS if not names or part.name in names]
