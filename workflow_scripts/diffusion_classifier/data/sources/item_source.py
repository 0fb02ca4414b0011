"""What all sources of matching tasks share: images that belong to items; see `data.matching`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..choosing.shares import stratified
from ..matching.items import Item
from ..matching.stored import captions_of, group_sizes, pictures_of, rows_by_picture


class ItemImages:
    """The part of an ImageSource that follows from its `items`; every caption is a class."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self._take(items, range(len(items)))

    def choose(self, limit: int | None = None, seed: int = 0) -> None:
        """Keep `limit` items, drawn from `seed` with the subtasks' shares.

        Raises InputError for an impossible `limit`.
        """
        subtasks = np.unique([item.subtask for item in self.items], return_inverse=True)[1]
        numbers = stratified(subtasks, limit, seed).tolist()
        self._take(self._without_copies([self.items[number] for number in numbers]), numbers)

    def _without_copies(self, chosen: Sequence[Item]) -> Sequence[Item]:
        """The items, with one image for all that are the same."""
        return chosen

    def _take(self, chosen: Sequence[Item], numbers: Sequence[int]) -> None:
        self.class_names, self.pictures = captions_of(chosen), pictures_of(chosen)
        self._rows = rows_by_picture(chosen, numbers, group_sizes(self.items))

    def __len__(self) -> int:
        return len(self.pictures)

    def label(self, index: int) -> int:
        """The caption that belongs to the image in its first item, or else that item's first."""
        item = self._rows[self.pictures[index]][0]
        return item["captions"][max(item["right"], 0)]

    def more(self, index: int) -> dict[str, Any]:
        """The column `items` of a data set."""
        return {"items": self._rows[self.pictures[index]]}
