"""Classifiers of raw pixels from scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.messages import InputError

from .baseline import Baseline, Images
from .logistic import CONVERGED, fit_converged

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def fit(kind: str, params: dict[str, Any], images: ArrayLike, labels: ArrayLike) -> Any:
    """A classifier of scikit-learn that has learned `images`, to be asked by `predict`.

    Images are `(image, ...)` in [-1, 1], as networks take them, and become flat pixels in [0, 1];
    `labels` is int64 `(image,)`. `params` go to the scikit-learn class. All is computed in float64.
    Raises InputError for an unknown `kind` or parameter, for a value that scikit-learn refuses and
    for a fit that does not converge.
    """
    model = _model(kind, params)
    with _explaining(kind, params):
        fit_converged(model, _flat(images), np.asarray(labels))
    return model


def predict(
    kind: str, params: dict[str, Any], model: Any, images: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, int64 `(image,)`, and scores, float32 `(image, class)`, the larger the likelier.

    Scores are log-probabilities of `logistic_regression`, shares of the votes of `k_nearest`.
    Raises InputError for a value of `params` that scikit-learn refuses only now.
    """
    with _explaining(kind, params):
        return _predict(model, _flat(images))


class Logistic(Baseline):
    """Logistic regression of pixels, fitted anew in every run; see `fit`."""

    needs = ("params", "preprocess")
    learns = True
    varies = ""

    def fit(self, train: Images, validation: Images | None = None) -> None:
        x = train.pixels(self.spec["preprocess"])
        self.fitted = fit(self.spec["kind"], self.spec["params"], x, train.labels)

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        x = images.pixels(self.spec["preprocess"])
        return predict(self.spec["kind"], self.spec["params"], self.fitted, x)


class KNearest(Logistic):
    """The votes of the nearest training images."""

    at_most_images = ("n_neighbors",)


@contextmanager
def _explaining(kind: str, params: dict[str, Any]) -> Iterator[None]:
    """Raise InputError for what scikit-learn refuses."""
    try:
        yield
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise InputError(
            f"baseline of kind {kind!r}: found the `params` {params}: {said}; correct them"
        ) from error


def _model(kind: str, params: dict[str, Any]) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    kinds = {
        "logistic_regression": (LogisticRegression, {"C": 0.1, **CONVERGED}),
        "k_nearest": (KNeighborsClassifier, {"n_neighbors": 3, "weights": "distance"}),
    }
    if kind not in kinds:
        raise InputError(
            f"`kind` of a baseline: found {kind!r}, expected one of {', '.join(kinds)}; "
            "correct it in `baselines`"
        )
    model, defaults = kinds[kind]
    try:
        return model(**{**defaults, **params})
    except TypeError as error:
        raise InputError(f"baseline of kind {kind!r}: found {params}: {error}") from error


def _predict(model: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logistic = hasattr(model, "predict_log_proba")
    known = model.predict_log_proba(x) if logistic else model.predict_proba(x)
    # classes of which there was no training image keep the lowest score
    scores = np.full((len(x), model.classes_.max() + 1), -np.inf if logistic else 0.0)
    scores[:, model.classes_] = known
    return scores.argmax(axis=1).astype(np.int64), scores.astype(np.float32)


def _flat(images: ArrayLike) -> np.ndarray:
    images = np.asarray(images, dtype=np.float64)
    return (images.reshape(len(images), -1) + 1) / 2
