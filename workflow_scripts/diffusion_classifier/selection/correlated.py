"""Correlated classes: the errors of a few classes predict those of all others, which are not asked.

Classes that resemble one another have errors that resemble one another at the same sample (t, ε).
A cell is a class at a sample. On some images every cell is measured once. The mean μ and the
covariance Σ of the cells, shrunk as by Ledoit & Wolf (2004), describe an image's errors e as a draw
from N(μ, Σ), so the cells A that were measured predict all others (Gaussian conditioning; Rasmussen
& Williams 2006, equation 2.19, without noise):

    m = μ + Σ_·A Σ_AA⁻¹ (e_A - μ_A),   V = Σ - Σ_·A Σ_AA⁻¹ Σ_A·.

The first cells are the same for all images: those that leave the least variance, one after the
other (pivoted Cholesky decomposition). Then each image measures in a few rounds the most uncertain
cell of the classes whose mean error may be least, those of lowest m̄ - z √v̄, with m̄ and v̄ of the
mean of a class's cells (bandits with correlated arms: Gupta et al. 2021; the lower confidence bound
is that of Lai & Robbins 1985). The scores are m̄ in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .searches import Search

if TYPE_CHECKING:
    from diffusion_classifier.engine.engine import Engine
    from diffusion_classifier.engine.samples import Sample

FIRST = 0.5
"""The share of an image's cells that is the same for all images."""

ROUNDS = 6
"""In so many rounds an image chooses its other cells."""

Z = 2.0
"""z of the lower confidence bound."""

Measure = Callable[[np.ndarray], np.ndarray]
"""Cells of each image, int64 `(image, number)` → their errors, `(image, number)`."""


@dataclass(frozen=True)
class Normal:
    """The distribution of errors; cell c · samples + j is the class c at sample j.

    `mean` is `(cell,)` and `covariance` `(cell, cell)`, float64; `samples` is their number.
    """

    mean: np.ndarray
    covariance: np.ndarray
    samples: int

    @cached_property
    def across(self) -> np.ndarray:
        """The covariance of each class's mean with each cell, `(class, cell)`."""
        cells = len(self.mean)
        return self.covariance.reshape(-1, self.samples, cells).mean(axis=1)

    def given(
        self, cells: np.ndarray, errors: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """m̄ and v̄ of all classes, `(class,)`, and the variance of cells, `(class, sample)`.

        `errors` `(number,)` are those of an image at `cells`, int64 `(number,)`.
        """
        from scipy.linalg import cho_factor, cho_solve

        known = self.covariance[:, cells]
        gain = cho_solve(cho_factor(known[cells]), known.T).T  # (cell, number)
        expected = self.mean + gain @ (errors - self.mean[cells])
        spread = self.covariance.diagonal() - (gain * known).sum(axis=1)
        spread[cells] = 0
        expected[cells] = errors
        of_class = self.across[:, cells]
        gain = gain.reshape(-1, self.samples, len(cells)).mean(axis=1)
        variance = self._variance - (gain * of_class).sum(axis=1)
        by_class = (-1, self.samples)
        mean = expected.reshape(by_class).mean(axis=1)
        return mean, variance.clip(min=0), spread.clip(min=0).reshape(by_class)

    @cached_property
    def _variance(self) -> np.ndarray:
        """The variance of each class's mean, `(class,)`."""
        classes = len(self.across)
        return self.across.reshape(classes, classes, -1).mean(axis=2).diagonal()


def fitted(errors: np.ndarray) -> Normal:
    """The distribution of errors `(image, class, sample)`."""
    from sklearn.covariance import LedoitWolf

    found = LedoitWolf().fit(errors.reshape(len(errors), -1))
    return Normal(found.location_, found.covariance_, errors.shape[2])


def informative(covariance: np.ndarray, count: int) -> np.ndarray:
    """The `count` cells measured first, int64: each has the most variance after those before."""
    variance, chosen = covariance.diagonal().copy(), []
    rows = np.zeros((0, len(covariance)))
    for _ in range(count):
        chosen.append(int(variance.argmax()))
        rest = covariance[chosen[-1]] - rows[:, chosen[-1]] @ rows
        rows = np.vstack([rows, rest / np.sqrt(rest[chosen[-1]])])
        variance -= rows[-1] ** 2
        variance[chosen] = -np.inf
    return np.array(chosen, "int64")


def ask(measure: Measure, normal: Normal, images: int, count: int) -> np.ndarray:
    """The scores m̄ of all classes, float64 `(image, class)`, from `count` cells of each image."""
    count = min(count, len(normal.mean))
    first = informative(normal.covariance, max(1, round(FIRST * count)))
    cells = np.tile(first, (images, 1))
    errors = measure(cells)
    while (left := count - cells.shape[1]) > 0:
        size = min(left, max(1, round((1 - FIRST) * count / ROUNDS)), len(normal.across))
        new = np.stack(
            [
                promising(*normal.given(*image), size, image[0])
                for image in zip(cells, errors, strict=True)
            ]
        )
        cells, errors = np.hstack([cells, new]), np.hstack([errors, measure(new)])
    return np.stack([normal.given(*image)[0] for image in zip(cells, errors, strict=True)])


def promising(
    mean: np.ndarray, variance: np.ndarray, spread: np.ndarray, count: int, known: np.ndarray
) -> np.ndarray:
    """The `count` cells to measure next, int64; `known` are measured, the others are `given`'s.

    They belong to different classes, unless fewer classes than `count` have cells left.
    """
    left = np.ones(spread.shape, bool)
    left.flat[known] = False
    bound = mean - Z * np.sqrt(variance)
    # each class's cells from the most uncertain on, the measured ones last
    order = np.argsort(np.where(left, -spread, np.inf), axis=1, kind="stable")
    rank = np.argsort(order, axis=1)
    keys = np.where(left, rank, spread.size), np.where(left, bound[:, None], np.inf)
    best = np.lexsort((keys[1].ravel(), keys[0].ravel()))
    return best[:count]


class CorrelatedSearch(Search):
    """The module's search; it measures `asked` cells of an image, of all classes and `samples`."""

    keys: ClassVar = {"asked": {"type": "integer", "minimum": 2, "maximum": 1_000_000}}
    required: ClassVar = ("asked",)
    learns: ClassVar = True

    def scores(self) -> np.ndarray:
        found = self.tools.learned
        normal = Normal(found["mean"], found["covariance"], len(self.tools.samples))
        self.asked = np.zeros(self.tools.mixtures.images)
        return ask(self._measure, normal, self.tools.mixtures.images, self.spec["asked"])

    def spent(self, classes: int) -> np.ndarray:
        return self.asked

    def learn(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        self.asked = np.zeros(len(labels))
        samples = len(self.tools.samples)
        cells = np.arange((self.tools.class_of.max() + 1) * samples)
        errors = self._measure(np.tile(cells, (len(labels), 1)))
        normal = fitted(errors.reshape(len(labels), -1, samples))
        return {"mean": normal.mean, "covariance": normal.covariance}

    @classmethod
    def evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        """See `Search`; for classes of one prompt."""
        return min(spec["asked"], spec["samples"] * classes)

    @classmethod
    def learning_evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        return spec["samples"] * classes

    @cached_property
    def _engine(self) -> Engine:
        return self.tools.mixtures.engine()

    def _measure(self, cells: np.ndarray) -> np.ndarray:
        """The errors of `cells`, int64 `(image, number)`; a class's is the mean of its prompts'."""
        classes, sample = np.divmod(cells, len(self.tools.samples))
        found = np.empty(cells.shape)
        for number, each in enumerate(self.tools.samples):
            image, column = np.nonzero(sample == number)
            if len(image):
                found[image, column] = self._errors(image, classes[image, column], each)
        return found

    def _errors(self, image: np.ndarray, classes: np.ndarray, sample: Sample) -> np.ndarray:
        """The errors of images and classes at a sample; all are `(pair,)`."""
        import pandas as pd  # checking a config imports this module, but not pandas

        prompts = pd.DataFrame({"class": self.tools.class_of})
        prompts["prompt"] = np.arange(len(prompts))
        wanted = pd.DataFrame({"row": image, "class": classes, "cell": np.arange(len(image))})
        asked = wanted.merge(prompts, on="class").sort_values(["row", "prompt"])
        pairs = pd.DataFrame({"image": self.tools.images[asked["row"]], "prompt": asked["prompt"]})
        errors = self._engine.errors(pairs.reset_index(drop=True), [sample])["l2"][:, 0]
        self.asked += np.bincount(asked["row"], minlength=len(self.asked))
        return np.bincount(asked["cell"], errors) / np.bincount(asked["cell"])
