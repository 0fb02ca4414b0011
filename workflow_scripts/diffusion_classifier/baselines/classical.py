"""Classifiers of raw pixels from scikit-learn, and logistic regression fitted to convergence."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.messages import InputError

from .baseline import Baseline, Images

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CONVERGED = {"solver": "newton-cg", "tol": 1e-9, "max_iter": 1000}
"""Parameters of scikit-learn's LogisticRegression with which a fit ends at the optimum.

Newton steps reach this gradient of the mean loss in about 15 iterations, and the probabilities on
two processors agree to about 1e-6. The default (lbfgs, a gradient of 1e-4) stops at a distance of
0.02 from the optimum, in a place that depends on rounding.
"""


def fit_converged(model: Any, x: ArrayLike, labels: ArrayLike) -> None:
    """Fit a scikit-learn classifier in float64: `x` is `(image, feature)`, `labels` `(image,)`.

    Raises ValueError if the classifier warns that it did not converge, or refuses its parameters.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        # newton-cg also gives up with this warning
        warnings.filterwarnings("error", "Line Search failed", UserWarning)
        try:
            model.fit(np.asarray(x, dtype=np.float64), labels)
        except UserWarning as warning:
            reason = str(warning).partition("\n")[0].rstrip(".")
            raise ValueError(
                f"the fit with `tol` {model.tol} and `max_iter` {model.max_iter} did not converge "
                f"({reason})"
            ) from None


def fit(kind: str, params: dict[str, Any], images: ArrayLike, labels: ArrayLike) -> Any:
    """A classifier of scikit-learn, fitted to `images`; `predict` takes it.

    Images are `(image, ...)` in [-1, 1], as networks take them, and become flat pixels in [0, 1];
    `labels` is int64 `(image,)`. `params` go to the scikit-learn class. All is computed in float64.
    Raises InputError for an unknown `kind` or parameter, for a value that scikit-learn refuses and
    for a fit that does not converge.
    """
    model = _model(kind, params)
    with _explained_errors(kind, params):
        fit_converged(model, _flat(images), np.asarray(labels))
    return model


def predict(
    kind: str, params: dict[str, Any], model: Any, images: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, int64 `(image,)`, and scores, float32 `(image, class)`, the larger the likelier.

    Scores are log-probabilities of `logistic_regression`, shares of the votes of `k_nearest`.
    Raises InputError for a value of `params` that scikit-learn refuses only now.
    """
    with _explained_errors(kind, params):
        return _predict(model, _flat(images))


class Logistic(Baseline):
    """Logistic regression of pixels, fitted in the job that predicts; see `fit`."""

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
def _explained_errors(kind: str, params: dict[str, Any]) -> Iterator[None]:
    """Turn scikit-learn's ValueError into an InputError."""
    try:
        yield
    except ValueError as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"baseline of kind {kind!r}: found the `params` {params}: {reason}; correct them"
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
    # classes without a training image keep the lowest score
    scores = np.full((len(x), model.classes_.max() + 1), -np.inf if logistic else 0.0)
    scores[:, model.classes_] = known
    return scores.argmax(axis=1).astype(np.int64), scores.astype(np.float32)


def _flat(images: ArrayLike) -> np.ndarray:
    images = np.asarray(images, dtype=np.float64)
    return (images.reshape(len(images), -1) + 1) / 2
