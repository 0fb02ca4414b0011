"""Rendered matching tasks as a data set; `data.world.tasks` says which."""

from __future__ import annotations

import numpy as np
from PIL import Image

from diffusion_classifier.messages import known

from ..matching.items import Item, Picture
from ..world.render import PLAIN, SHIFTED, draw
from ..world.tasks import TASKS, random_item
from .item_source import ItemImages
from .scenes import SCENES
from .source import Source, Spec

_STYLES = {"plain": PLAIN, "shifted": SHIFTED}


class RenderedTasks(ItemImages):
    """An ImageSource of `per_task` images of each task.

    An item follows from its task and its number, so a larger `per_task` only adds items.
    """

    def __init__(self, per_task: int, rendering: str) -> None:
        self.rendering = rendering
        self._scenes, items = [], []
        for number in range(per_task):
            for index, task in enumerate(TASKS):
                rng = np.random.default_rng([index, number])
                scene, captions = random_item(task, rng)
                right = int(rng.integers(len(captions)))
                captions.insert(right, captions.pop(0))
                picture = Picture(row=len(items), column=task)
                items.append(Item(task, (picture,), tuple(captions), right))
                self._scenes.append((scene, rng.bit_generator.state))
        super().__init__(items)

    def image(self, index: int) -> Image.Image:
        scene, state = self._scenes[self.pictures[index].row]
        rng = np.random.default_rng()
        rng.bit_generator.state = state
        return draw(scene, rng, _STYLES[self.rendering])

    def source(self, index: int) -> str:
        picture = self.pictures[index]
        number = picture.row // len(TASKS)
        return f"scenes-matching/{self.rendering}/{picture.column}/{number}"


def scenes_matching(per_task: int, rendering: str = "plain") -> RenderedTasks:
    """`per_task` items of each rendered matching task; `rendering` is `plain` or `shifted`.

    The same items have the same scenes and captions in both renderings. Raises InputError for
    another.
    """
    known("`rendering` of source `scenes-matching`", rendering, _STYLES, "rendering")
    return RenderedTasks(per_task, rendering)


def _size(spec: Spec) -> int:
    return len(TASKS) * spec["per_task"]


def _shape(spec: Spec) -> tuple[float, float]:
    return 1, sum(TASKS.values()) / len(TASKS)


SCENES_MATCHING = Source(
    scenes_matching,
    keys={
        "per_task": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "rendering": SCENES.keys["rendering"],
    },
    required=("per_task",),
    size=_size,
    shape=_shape,
    drawn=True,
    matching=True,
)
