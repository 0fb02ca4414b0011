"""Classifiers of raw pixels from scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.messages import InputError

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
    train_y = np.asarray(train_y)
    model = _model(kind, params)
    try:
        fit_converged(model, _flat(train_x), train_y)
        return {name: _predict(model, _flat(x)) for name, x in test_xs.items()}
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
