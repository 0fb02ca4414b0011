"""Scenes of the rendered world as data sets; the `task` decides the classes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from diffusion_classifier.messages import known

from ..world import captions, render, world
from .source import TEXT, Source, Spec

SPLITS = ("train", "validation", "test")
_SIZES = {"captions": 30000, "train": 2000, "validation": 500, "test": 1000}
_ABOVE = " above a "  # between the two things of a class name
_THINGS = [f"{colour} {shape}" for colour in world.COLOURS for shape in world.SHAPES]
_NEXT = dict(zip(world.COLOURS, (*world.COLOURS[1:], world.COLOURS[0]), strict=True))
CLASSES = {
    "captions": ["scene"],
    "shapes": list(world.SHAPES),
    "colours": list(world.COLOURS),
    "sizes": list(world.SIZES),
    "colour-shape": _THINGS,
    "scenes-216": [
        f"{thing}{_ABOVE}{_NEXT[thing.split()[0]]} {shape}"
        for thing in _THINGS
        for shape in world.SHAPES
    ],
    "scenes-1260": [f"{a}{_ABOVE}{b}" for a in _THINGS for b in _THINGS if a != b],
}
"""The class names of each task; the prompts of a data set have to list them in this order.

`scenes-1260` has one thing above another one, and `scenes-216` those of them in which the lower
thing has the next colour in the list.
"""
_CAPTION_SEED = 5  # of the captions' random numbers: no number of a task, which seed the scenes

CAPTIONS = 4  # number of captions of a training scene
_ONE_ATTRIBUTE = ("captions", "shapes", "colours", "sizes")
_PAIRS, _RENDERINGS = ("seen", "unseen"), ("plain", "shifted")


class Scenes:
    """An ImageSource of one task and split; see `scenes`."""

    def __init__(self, task: str, split: str, pairs: str, rendering: str) -> None:
        self.task, self.split, self.pairs, self.rendering = task, split, pairs, rendering
        self.class_names = CLASSES[task]
        allowed = set(world.pairs(pairs == "seen"))
        self._labels = [
            label
            for label, name in enumerate(self.class_names)
            if task in _ONE_ATTRIBUTE or allowed.issuperset(map(_pair, name.split(_ABOVE)))
        ]

    def __len__(self) -> int:
        return _SIZES["captions" if self.task == "captions" else self.split]

    def scene(self, index: int) -> tuple[world.Scene, np.random.Generator]:
        """The scene at `index`, and the random generator that draws its remaining details."""
        rng = np.random.default_rng(
            [list(CLASSES).index(self.task), SPLITS.index(self.split), index]
        )
        if self.task == "captions":
            return world.random_scene(rng), rng
        seen, name = self.pairs == "seen", self.class_names[self.label(index)]
        if _ABOVE in name:
            sizes = (world.SIZES[rng.integers(len(world.SIZES))] for _ in range(2))
            parts = zip(name.split(_ABOVE), sizes, strict=True)
            return world.Scene(tuple(world.Thing(*_pair(n), s) for n, s in parts), "above"), rng
        thing = world.random_thing(rng, seen)
        while name not in (
            *(thing.shape, thing.colour, thing.size),
            f"{thing.colour} {thing.shape}",
        ):
            thing = world.random_thing(rng, seen)
        return world.Scene((thing,)), rng

    def image(self, index: int) -> Image.Image:
        style = render.PLAIN if self.rendering == "plain" else render.SHIFTED
        return render.draw(*self.scene(index), style)

    def label(self, index: int) -> int:
        return self._labels[index % len(self._labels)]

    def source(self, index: int) -> str:
        return f"scenes/{self.task}/{self.split}/{self.pairs}/{self.rendering}/{index}"

    def more(self, index: int) -> dict[str, list[str]]:
        """The column `captions` of training scenes."""
        if self.task != "captions":
            return {}
        scene, _ = self.scene(index)
        rng = np.random.default_rng([_CAPTION_SEED, SPLITS.index(self.split), index])
        return {"captions": [captions.random_caption(scene, rng) for _ in range(CAPTIONS)]}


def _pair(name: str) -> tuple[str, ...]:
    """Colour and shape in a name such as `red circle`."""
    return tuple(name.split())


def scenes(task: str, split: str = "test", pairs: str = "seen", rendering: str = "plain") -> Scenes:
    """Rendered scenes of one or two things, labelled as `task` says, or scenes with captions.

    `task`: `captions` (one or two things, for training), `shapes`, `colours`, `sizes` or
    `colour-shape` (36 classes) of one thing, `scenes-216` or `scenes-1260` (so many classes) of
    two. `pairs`: things of the colour × shape pairs `seen` in training,
    or `unseen`. `rendering`: `plain`, as in training, or `shifted`.
    Every image depends only on these arguments and its number. Raises InputError for another value.
    """
    for key, found, expected in (
        ("task", task, tuple(CLASSES)),
        ("split", split, SPLITS),
        ("pairs", pairs, _PAIRS),
        ("rendering", rendering, _RENDERINGS),
    ):
        known(f"`{key}` of source `scenes`", found, expected, key)
    return Scenes(task, split, pairs, rendering)


def _size(spec: Spec) -> int:
    return _SIZES["captions" if _has_captions(spec) else spec.get("split", "test")]


def _has_captions(spec: Spec) -> bool:
    return spec["task"] == "captions"


SCENES = Source(
    scenes,
    keys={
        "task": {"enum": list(CLASSES)},
        "split": TEXT,
        "pairs": {"enum": list(_PAIRS)},
        "rendering": {"enum": list(_RENDERINGS)},
    },
    required=("task",),
    splits=SPLITS,
    size=_size,
    classes=lambda spec: len(CLASSES[spec["task"]]),
    captions=_has_captions,
    drawn=True,
)
