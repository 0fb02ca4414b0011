"""Clusters of prompts: ask about groups of classes from coarse to fine, and drop unlikely groups.

The groups are those of Ward's hierarchical clustering (1963) of what the network is told of each
class, cut into few groups and then into ever more. A group is asked about by a prompt of its own,
the mean of its classes' conditions. At each level an image drops the groups whose error is more
than τ above its best group's; the next level asks about the parts of the others. The classes of a
group have its error at the last level as their score, and those of dropped groups an infinite one.

τ of each level but the last comes from labelled images that descend in the same way (`survival`);
the last is calibrated on further images, as the scores of any search, with all losses on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from .searches import Search
from .survival import threshold

Measure = Callable[[int, np.ndarray], np.ndarray]
"""Level, which groups are asked, bool `(image, group)` → their errors, infinite elsewhere."""


def levels_of(features: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """The group of each class at each level, int64 `(level, class)`, from `(class, feature)`.

    A level has at most its number of groups, numbered from 0; each is a part of one before. All
    `counts` that are not below the number of classes are one level of single classes.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    linked, most = linkage(features, "ward"), len(features)
    numbers = sorted({min(count, most) for count in counts})
    return np.stack([fcluster(linked, n, "maxclust") - 1 for n in numbers]).astype("int64")


def descend(
    measure: Measure, levels: np.ndarray, thresholds: np.ndarray, images: int
) -> tuple[np.ndarray, np.ndarray]:
    """The scores `(image, class)`, float64, and the number of groups asked about, `(image,)`.

    `levels` is that of `levels_of`; `thresholds` has a τ for each level, infinite for the last.
    """
    left, asked = np.ones((images, levels.shape[1]), bool), np.zeros(images, "int64")
    for level, group_of in enumerate(levels):
        errors, count = _ask(measure, level, group_of, left)
        asked += count
        left &= _behind(errors)[:, group_of] <= thresholds[level]
    return np.where(left, errors[:, group_of], np.inf), asked


def learned_thresholds(
    measure: Measure, levels: np.ndarray, labels: np.ndarray, risk: float | None = None
) -> np.ndarray:
    """τ of each level, float64 `(level,)`, from images with the classes `labels`, `(image,)`.

    That of the last level is infinite, as it is calibrated on other images. `risk` is the
    probability that another level drops the group of an image's class; None stands for
    1 / (images + 1), with which no image of `labels` loses its class.
    """
    images = np.arange(len(labels))
    risk = 1 / (len(labels) + 1) if risk is None else risk
    left, found = np.ones((len(labels), levels.shape[1]), bool), []
    for level, group_of in enumerate(levels[:-1]):
        behind = _behind(_ask(measure, level, group_of, left)[0])[:, group_of]
        found.append(threshold(behind[images, labels], risk))
        left &= behind <= found[-1]
    return np.array([*found, np.inf])


def _ask(
    measure: Measure, level: int, group_of: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The errors `(image, group)` of the groups with a class that is left, and their number."""
    asked = left @ np.eye(group_of.max() + 1, dtype=bool)[group_of]
    return measure(level, asked), asked.sum(axis=1)


def _behind(errors: np.ndarray) -> np.ndarray:
    return errors - errors.min(axis=1, keepdims=True)


class ClusterSearch(Search):
    """The module's search; `groups` are the numbers of groups, `samples` those of each question."""

    keys: ClassVar = {
        "groups": {
            "type": "array",
            "minItems": 2,
            "uniqueItems": True,
            "items": {"type": "integer", "minimum": 2, "maximum": 1_000_000},
        },
        "level_risk": {"type": "number", "minimum": 0.0001, "maximum": 0.5},
    }
    required: ClassVar = ("groups",)
    learns: ClassVar = True

    def scores(self) -> np.ndarray:
        images, thresholds = self.tools.mixtures.images, self.tools.learned["thresholds"]
        found, asked = descend(self._measure, self.levels, thresholds, images)
        self.asked = asked * len(self.tools.samples)
        return found

    def spent(self, classes: int) -> np.ndarray:
        return self.asked.astype("float64")

    def learn(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        risk = self.spec.get("level_risk")
        return {"thresholds": learned_thresholds(self._measure, self.levels, labels, risk)}

    @classmethod
    def evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        return spec["samples"] * sum({min(count, classes) for count in spec["groups"]})

    @cached_property
    def members(self) -> np.ndarray:
        """The share of each prompt in its class, `(class, prompt)`."""
        members = np.eye(self.tools.class_of.max() + 1)[self.tools.class_of].T
        return members / members.sum(axis=1, keepdims=True)

    @cached_property
    def levels(self) -> np.ndarray:
        """See `levels_of`."""
        return levels_of(self.members @ self.tools.mixtures.features(), self.spec["groups"])

    def _measure(self, level: int, asked: np.ndarray) -> np.ndarray:
        """The mean errors of the groups `asked`, infinite elsewhere, float64 `(image, group)`."""
        import pandas as pd  # checking a config imports this module, but not pandas

        groups = np.eye(asked.shape[1])[self.levels[level]].T @ self.members
        groups /= groups.sum(axis=1, keepdims=True)
        row, group = np.nonzero(asked)
        pairs = pd.DataFrame({"image": self.tools.images[row], "prompt": group})
        errors = self.tools.mixtures.engine(groups).errors(pairs, self.tools.samples)["l2"]
        found = np.full(asked.shape, np.inf)
        found[row, group] = errors.mean(axis=1)
        return found
