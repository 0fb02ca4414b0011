"""Rendered matching tasks: one image of two things, one true caption, and false ones.

The tasks are those of SugarCrepe (Hsieh et al., NeurIPS 2023), asked about the rendered world: a
false caption names another shape or colour for a thing, exchanges colours or things, or names the
other relation. All captions are of the form that training shows, and name only pairs of colour and
shape that training shows, so that no caption is unlikely in itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .captions import relate
from .world import COLOURS, HELD_OUT, RELATIONS, SHAPES, Scene, Thing, random_thing

TASKS = {
    "replace-object": 4,
    "replace-attribute": 4,
    "replace-relation": 3,
    "swap-object": 2,
    "swap-attribute": 2,
}
"""The tasks, and how many captions an item of each has."""


def random_item(task: str, rng: np.random.Generator) -> tuple[Scene, list[str]]:
    """A scene and its captions: the true one first, then the false ones of `task`.

    Things differ in shape and in colour, and those of `swap-attribute` have only pairs of colour
    and shape that training shows, exchanged or not.
    """
    while True:
        first, second = random_thing(rng), random_thing(rng)
        if first.shape == second.shape or first.colour == second.colour:
            continue
        scene = Scene((first, second), RELATIONS[rng.integers(len(RELATIONS))])
        false = _false_scenes(task, scene, rng)
        if all(_is_shown(thing) for other in false for thing in other.things):
            return scene, [relate(scene), *map(relate, false)]


def _false_scenes(task: str, scene: Scene, rng: np.random.Generator) -> list[Scene]:
    first, second = scene.things
    match task:
        case "replace-object":
            return _replaced(scene, "shape", SHAPES, rng)
        case "replace-attribute":
            return _replaced(scene, "colour", COLOURS, rng)
        case "replace-relation":
            (other,) = (relation for relation in RELATIONS if relation != scene.relation)
            return [Scene((first, second), other), Scene((second, first), other)]
        case "swap-object":
            return [Scene((second, first), scene.relation)]
        case _:
            exchanged = (
                replace(first, colour=second.colour),
                replace(second, colour=first.colour),
            )
            return [Scene(exchanged, scene.relation)]


def _replaced(
    scene: Scene, attribute: str, values: tuple[str, ...], rng: np.random.Generator
) -> list[Scene]:
    """Three scenes in each of which one thing, drawn anew, has another value of `attribute`."""
    choices = [
        (position, changed)
        for position, thing in enumerate(scene.things)
        for value in values
        if value != getattr(thing, attribute)
        and _is_shown(changed := replace(thing, **{attribute: value}))
    ]
    chosen = rng.choice(len(choices), 3, replace=False)
    found = []
    for position, changed in (choices[number] for number in chosen):
        things = list(scene.things)
        things[position] = changed
        found.append(Scene(tuple(things), scene.relation))
    return found


def _is_shown(thing: Thing) -> bool:
    """Whether training shows the thing's pair of colour and shape."""
    return (thing.colour, thing.shape) not in HELD_OUT
