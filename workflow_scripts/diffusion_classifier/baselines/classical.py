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


def fit_predict(
    kind: str,
    params: dict[str, Any],
    train_x: ArrayLike,
    train_y: ArrayLike,
    test_xs: dict[str, ArrayLike],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Train on one data set and classify others: name -> (predictions, scores).

    Images are `(image, ...)` in [-1, 1], as networks take them, and become flat pixels in [0, 1];
    `train_y` is int64 `(image,)`. Predictions are int64 `(image,)`; scores float32
    `(image, class)`, the larger the likelier: log-probabilities of `logistic_regression`, shares
    of the votes of `k_nearest`. `params` go to the scikit-learn class. All is computed in float64.
    Raises InputError for an unknown `kind` or parameter, for a value that scikit-learn refuses and
    for a fit that does not converge.
    """
    model = _fitted(kind, params, train_x, train_y)
    with _explaining(kind, params):
        return {name: _predict(model, _flat(x)) for name, x in test_xs.items()}


class Logistic(Baseline):
    """Logistic regression of pixels; see `fit_predict`, which does the same at once."""

    needs = ("params", "preprocess")
    learns = True
    varies = ""

    def fit(self, train: Images, validation: Images | None = None) -> None:
        x = train.pixels(self.spec["preprocess"])
        self.fitted = _fitted(self.spec["kind"], self.spec["params"], x, train.labels)

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        with _explaining(self.spec["kind"], self.spec["params"]):
            return _predict(self.fitted, _flat(images.pixels(self.spec["preprocess"])))


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


def _fitted(kind: str, params: dict[str, Any], x: ArrayLike, labels: ArrayLike) -> Any:
    model = _model(kind, params)
    with _explaining(kind, params):
        fit_converged(model, _flat(x), np.asarray(labels))
    return model


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
