"""Correlated classes: the errors of a few classes predict those of all others, which are not asked.

Classes that resemble one another have errors that resemble one another at the same samples (t, ε).
On some images all classes are asked once. The mean μ and the covariance Σ of the classes' errors,
shrunk by Ledoit & Wolf (2004), then describe an image's errors e as a draw from N(μ, Σ), and the
errors e_A of the classes A that were asked give those of all (Gaussian conditioning; Rasmussen &
Williams 2006, equation 2.19, without noise):

    m = μ + Σ_·A Σ_AA⁻¹ (e_A - μ_A),   v = diag Σ - diag Σ_·A Σ_AA⁻¹ Σ_A·.

The first half of the questions is the same for all images: the classes that leave the least
variance, one after the other (pivoted Cholesky decomposition). Then each image asks, in a few
rounds, about the classes whose error may be least, those of lowest m - √v (bandits with correlated
arms: Gupta et al. 2021; the lower confidence bound is that of Lai & Robbins 1985). The scores are
m, which for a class that was asked is its error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .searches import Search

if TYPE_CHECKING:
    from diffusion_classifier.engine.engine import Engine

ROUNDS = 4
"""In so many rounds an image chooses the second half of its questions."""

Measure = Callable[[np.ndarray], np.ndarray]
"""Classes of each image, int64 `(image, number)` → their errors, `(image, number)`."""


def shrunk_covariance(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """μ `(class,)` and Σ `(class, class)` of errors `(image, class)`, float64."""
    from sklearn.covariance import LedoitWolf

    fitted = LedoitWolf().fit(errors)
    return fitted.location_, fitted.covariance_


def informative(covariance: np.ndarray, count: int) -> np.ndarray:
    """The `count` classes asked first, int64: each has the most variance after those before."""
    variance, chosen = covariance.diagonal().copy(), []
    rows = np.zeros((0, len(covariance)))
    for _ in range(count):
        chosen.append(int(variance.argmax()))
        rest = covariance[chosen[-1]] - rows[:, chosen[-1]] @ rows
        rows = np.vstack([rows, rest / np.sqrt(rest[chosen[-1]])])
        variance -= rows[-1] ** 2
        variance[chosen] = -np.inf
    return np.array(chosen, "int64")


def conditioned(
    mean: np.ndarray, covariance: np.ndarray, asked: np.ndarray, errors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """m and v of all classes of an image, `(class,)`, given the `errors` of the classes `asked`."""
    from scipy.linalg import cho_factor, cho_solve

    across = covariance[:, asked]  # (class, asked)
    gain = cho_solve(cho_factor(covariance[np.ix_(asked, asked)]), across.T).T
    expected = mean + gain @ (errors - mean[asked])
    variance = (covariance.diagonal() - (gain * across).sum(axis=1)).clip(min=0)
    expected[asked], variance[asked] = errors, 0
    return expected, variance


def ask(
    measure: Measure, mean: np.ndarray, covariance: np.ndarray, images: int, count: int
) -> np.ndarray:
    """The scores m of all classes, float64 `(image, class)`, of which `count` are asked."""
    count = min(count, len(mean))
    first = informative(covariance, (count + 1) // 2)
    asked = np.tile(first, (images, 1))
    errors = measure(asked)
    for part in np.array_split(np.zeros(count - len(first)), ROUNDS):
        if len(part):
            new = np.stack(
                [
                    _most_promising(*conditioned(mean, covariance, *image), image[0], len(part))
                    for image in zip(asked, errors, strict=True)
                ]
            )
            asked, errors = np.hstack([asked, new]), np.hstack([errors, measure(new)])
    given = zip(asked, errors, strict=True)
    return np.stack([conditioned(mean, covariance, *image)[0] for image in given])


def _most_promising(
    expected: np.ndarray, variance: np.ndarray, asked: np.ndarray, count: int
) -> np.ndarray:
    """The `count` classes of lowest m - √v that were not asked, int64."""
    bound = expected - np.sqrt(variance)
    bound[asked] = np.inf
    return np.argsort(bound, kind="stable")[:count]


class CorrelatedSearch(Search):
    """The module's search; it asks about `asked` classes of an image, each at all `samples`."""

    keys: ClassVar = {"asked": {"type": "integer", "minimum": 2}}
    required: ClassVar = ("asked",)
    learns: ClassVar = True

    def scores(self) -> np.ndarray:
        learned, images = self.tools.learned, self.tools.mixtures.images
        engine = self.tools.mixtures.engine()

        def measure(classes: np.ndarray) -> np.ndarray:
            return self._errors(engine, classes)

        return ask(measure, learned["mean"], learned["covariance"], images, self.spec["asked"])

    def learn(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        every = np.tile(np.arange(self.tools.class_of.max() + 1), (len(labels), 1))
        errors = self._errors(self.tools.mixtures.engine(), every)
        mean, covariance = shrunk_covariance(errors)
        return {"mean": mean, "covariance": covariance}

    @classmethod
    def evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        return spec["samples"] * min(spec["asked"], classes)

    @classmethod
    def learning_evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        return spec["samples"] * classes

    def _errors(self, engine: Engine, classes: np.ndarray) -> np.ndarray:
        """The mean errors of `classes`, int64 `(image, number)`; a class's is its prompts' mean."""
        import pandas as pd  # checking a config imports this module, but not pandas

        class_of = self.tools.class_of
        image = np.indices(classes.shape)[0]
        wanted = pd.DataFrame(
            {"image": image.ravel(), "class": classes.ravel(), "cell": np.arange(classes.size)}
        )
        prompts = pd.DataFrame({"class": class_of, "prompt": np.arange(len(class_of))})
        pairs = wanted.merge(prompts, on="class").sort_values(["image", "prompt"])
        asked = pairs.assign(image=self.tools.images[pairs["image"]])[["image", "prompt"]]
        errors = engine.errors(asked.reset_index(drop=True), self.tools.samples)["l2"]
        sums = np.bincount(pairs["cell"], errors.mean(axis=1, dtype="float64"), classes.size)
        return (sums / np.bincount(pairs["cell"])).reshape(classes.shape)
