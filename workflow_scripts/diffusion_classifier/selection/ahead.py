"""Fill the small passes of a race with the samples that it will ask for next.

A race of few images asks for few evaluations at a time, and a pass of the network has costs of its
own: a pass of one evaluation takes as long as ten more in a pass of thirty (a small UNet on a CPU).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from diffusion_classifier.engine.samples import Sample

from .racing import Measure


class Ahead:
    """A `Measure` for a race that measures up to `fill` evaluations in each call of another one.

    It takes the samples that are next in `samples`, and keeps the errors until the race asks for
    them; those of pairs that have left by then are dropped. So a race gets the same errors as
    without it. `evaluations` counts all that were made. A race asks for samples in their order, and
    each time for some of the pairs of the time before.
    """

    def __init__(self, measure: Measure, samples: Sequence[Sample], fill: int) -> None:
        self.measure, self.samples, self.fill = measure, list(samples), fill
        self.done = self.evaluations = 0
        self.pairs: pd.MultiIndex | None = None
        self.kept: dict[str, np.ndarray] = {}  # errors of `pairs` at the samples from `done` on

    def __call__(self, pairs: pd.DataFrame, samples: Sequence[Sample]) -> dict[str, np.ndarray]:
        """The errors `(pair, sample)` of each loss; see the class."""
        index = pd.MultiIndex.from_frame(pairs[["image", "prompt"]])
        if self.pairs is not None:
            rows = self.pairs.get_indexer(index)
            self.kept = {name: values[rows] for name, values in self.kept.items()}
        self.pairs = index
        known = next((values.shape[1] for values in self.kept.values()), 0)
        if known < len(samples):
            self._measure(pairs, known, max(len(samples) - known, self.fill // len(pairs)))
        self.done += len(samples)
        found = {name: values[:, : len(samples)] for name, values in self.kept.items()}
        self.kept = {name: values[:, len(samples) :] for name, values in self.kept.items()}
        return found

    def _measure(self, pairs: pd.DataFrame, known: int, count: int) -> None:
        """Measure `count` more samples, or as many as there are, after the `known` ones."""
        start = self.done + known
        new = self.samples[start : start + count]
        self.evaluations += len(pairs) * len(new)
        for name, values in self.measure(pairs, new).items():
            before = self.kept.get(name, values[:, :0])
            self.kept[name] = np.concatenate([before, values], axis=1)
