"""Scenes: one or two things, each with a shape, a colour and a size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHAPES = ("circle", "square", "triangle", "cross", "ring", "heart")
COLOURS = ("red", "green", "blue", "yellow", "purple", "cyan")
SIZES = ("small", "large")
RELATIONS = ("left of", "above")

HELD_OUT = frozenset(
    {
        ("red", "triangle"),
        ("green", "heart"),
        ("blue", "ring"),
        ("yellow", "square"),
        ("purple", "circle"),
        ("cyan", "cross"),
    }
)
"""Pairs of colour and shape that training never shows. Every colour and every shape is in one of
these pairs, so training shows it in five other pairs."""


@dataclass(frozen=True)
class Thing:
    """One object of a scene."""

    colour: str
    shape: str
    size: str


@dataclass(frozen=True)
class Scene:
    """One thing, or two with a relation: the first is `left of` or `above` the second."""

    things: tuple[Thing, ...]
    relation: str = ""


def pairs(seen: bool = True) -> list[tuple[str, str]]:
    """The (colour, shape) pairs that training shows, or with `seen=False` the other pairs."""
    every = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    return [pair for pair in every if (pair not in HELD_OUT) == seen]


def random_thing(rng: np.random.Generator, seen: bool = True) -> Thing:
    """A thing with a random (colour, shape) pair and a random size."""
    allowed = pairs(seen)
    colour, shape = allowed[rng.integers(len(allowed))]
    return Thing(colour, shape, SIZES[rng.integers(len(SIZES))])


def random_scene(rng: np.random.Generator) -> Scene:
    """A training scene: one thing or two, equally often; two differ in colour or in shape."""
    first = random_thing(rng)
    if rng.random() < 0.5:
        return Scene((first,))
    second = random_thing(rng)
    while (second.colour, second.shape) == (first.colour, first.shape):
        second = random_thing(rng)
    return Scene((first, second), RELATIONS[rng.integers(len(RELATIONS))])
