"""Scenes of the rendered world as data sets; the `task` decides the classes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from diffusion_classifier.messages import InputError

from ..world import captions, render, world
from .source import TEXT, Source, Spec

SPLITS = ("train", "validation", "test")
_SIZES = {"captions": 30000, "train": 2000, "validation": 500, "test": 1000}
CLASSES = {
    "captions": ["scene"],
    "shapes": list(world.SHAPES),
    "colours": list(world.COLOURS),
    "sizes": list(world.SIZES),
    "colour-shape": [f"{colour} {shape}" for colour in world.COLOURS for shape in world.SHAPES],
}
"""The class names of each task; the prompts of a data set have to list them in this order."""

CAPTIONS = 4  # number of captions of a training scene
_PAIRS, _RENDERINGS = ("seen", "unseen"), ("plain", "shifted")


class Scenes:
    """An ImageSource of one task and split; see `scenes`."""

    def __init__(self, task: str, split: str, pairs: str, rendering: str) -> None:
        self.task, self.split, self.pairs, self.rendering = task, split, pairs, rendering
        self.class_names = CLASSES[task]
        seen = pairs == "seen"
        self._labels = [
            label
            for label, name in enumerate(self.class_names)
            if task != "colour-shape" or tuple(name.split()) in set(world.pairs(seen))
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
        rng = np.random.default_rng([len(CLASSES), SPLITS.index(self.split), index])
        return {"captions": [captions.random_caption(scene, rng) for _ in range(CAPTIONS)]}


def scenes(task: str, split: str = "test", pairs: str = "seen", rendering: str = "plain") -> Scenes:
    """Rendered scenes of one thing, labelled as `task` says, or scenes with captions.

    `task`: `captions` (one or two things, for training), `shapes`, `colours`, `sizes` or
    `colour-shape` (36 classes). `pairs`: things of the colour × shape pairs `seen` in training,
    or `unseen`. `rendering`: `plain`, as in training, or `shifted`.
    Every image depends only on these arguments and its number. Raises InputError for another value.
    """
    for key, found, expected in (
        ("task", task, tuple(CLASSES)),
        ("split", split, SPLITS),
        ("pairs", pairs, _PAIRS),
        ("rendering", rendering, _RENDERINGS),
    ):
        if found not in expected:
            raise InputError(
                f"`{key}` of source `scenes`: found {found!r}, expected one of "
                f"{', '.join(expected)}; correct it in `datasets`"
            )
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
