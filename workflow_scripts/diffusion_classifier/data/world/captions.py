"""Describe scenes: captions name different attributes, and all of them are true."""

from __future__ import annotations

import numpy as np

from .world import Scene, Thing

FRAMES = (
    "{}",
    "a picture of {}",
    "an image of {}",
    "a drawing of {}",
    "there is {}",
    "we see {}",
)
# the attributes that a caption names, and how often
_DETAIL = {
    ("colour", "shape"): 0.34,
    ("shape",): 0.22,
    ("size", "colour", "shape"): 0.14,
    ("colour",): 0.12,
    ("size", "shape"): 0.08,
    ("size",): 0.06,
    ("size", "colour"): 0.04,
}


def phrase(thing: Thing, named: tuple[str, ...] = ("colour", "shape")) -> str:
    """A noun phrase that names the `named` attributes: "a large red circle", "a red thing"."""
    adjectives = [getattr(thing, key) for key in ("size", "colour") if key in named]
    noun = thing.shape if "shape" in named else "thing"
    return " ".join(["a", *adjectives, noun])


def relate(scene: Scene, named: tuple[str, ...] = ("colour", "shape")) -> str:
    """ "a red circle left of a blue square": both things of a scene and their relation."""
    first, second = (phrase(thing, named) for thing in scene.things)
    return f"{first} {scene.relation} {second}"


def random_caption(scene: Scene, rng: np.random.Generator) -> str:
    """A random true description of a scene; it names the same attributes of both things."""
    details = list(_DETAIL)
    named = details[rng.choice(len(details), p=list(_DETAIL.values()))]
    frame = FRAMES[rng.integers(len(FRAMES))]
    if len(scene.things) == 1:
        return frame.format(phrase(scene.things[0], named))
    if rng.random() < 0.8:
        return frame.format(relate(scene, named))
    # without the relation the order is arbitrary
    order = rng.permutation(2)
    first, second = (phrase(scene.things[i], named) for i in order)
    return frame.format(f"{first} and {second}")


def words() -> list[str]:
    """Every word a caption can contain, sorted."""
    from .world import COLOURS, RELATIONS, SHAPES, SIZES

    texts = [*FRAMES, *COLOURS, *SHAPES, *SIZES, *RELATIONS, "a", "and", "thing"]
    return sorted({word for text in texts for word in text.split() if word != "{}"})
