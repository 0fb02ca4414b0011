"""Rendered matching tasks as a data set; `data.world.tasks` says which."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from diffusion_classifier.messages import known

from ..matching.items import Item, Picture
from ..matching.stored import captions_of, group_sizes, pictures_of, rows_by_picture
from ..world.render import PLAIN, SHIFTED, draw
from ..world.tasks import TASKS, random_item
from .image_source import stratified
from .scenes import SCENES
from .source import Source, Spec

_STYLES = {"plain": PLAIN, "shifted": SHIFTED}


class RenderedTasks:
    """An ImageSource of `per_task` images of each task; every caption is a class.

    An item follows from its task and its number, so a larger `per_task` only adds items.
    """

    def __init__(self, per_task: int, rendering: str) -> None:
        self.rendering = rendering
        self._scenes, self.items = [], []
        for number in range(per_task):
            for index, task in enumerate(TASKS):
                rng = np.random.default_rng([index, number])
                scene, captions = random_item(task, rng)
                right = int(rng.integers(len(captions)))
                captions.insert(right, captions.pop(0))
                picture = Picture(row=len(self.items), column=task)
                self.items.append(Item(task, (picture,), tuple(captions), right))
                self._scenes.append((scene, rng.bit_generator.state))
        self.choose()

    def choose(self, limit: int | None = None, seed: int = 0) -> None:
        """Keep `limit` items, drawn from `seed` with the tasks' shares."""
        tasks = np.unique([item.subtask for item in self.items], return_inverse=True)[1]
        numbers = stratified(tasks, limit, seed)
        chosen = [self.items[number] for number in numbers]
        self.class_names, self.pictures = captions_of(chosen), pictures_of(chosen)
        self._rows = rows_by_picture(chosen, numbers.tolist(), group_sizes(self.items))

    def __len__(self) -> int:
        return len(self.pictures)

    def label(self, index: int) -> int:
        (item,) = self._rows[self.pictures[index]]
        return item["captions"][item["right"]]

    def more(self, index: int) -> dict[str, Any]:
        return {"items": self._rows[self.pictures[index]]}

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
