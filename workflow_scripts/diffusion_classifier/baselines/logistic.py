"""Logistic regression that is fitted to a tolerance: other processors fit the same classifier."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CONVERGED = {"solver": "newton-cg", "tol": 1e-9, "max_iter": 1000}
"""Parameters of scikit-learn's LogisticRegression with which a fit ends at the optimum.

Newton steps reach this gradient of the mean loss in about 15 iterations, and two processors agree
in probabilities to 1e-6 or so. Where the default stops (lbfgs, a gradient of 1e-4), they are still
0.02 from the optimum, at a place that depends on rounding.
"""


def fit_converged(model: Any, x: ArrayLike, labels: ArrayLike) -> None:
    """Fit a scikit-learn classifier in float64: `x` is `(image, feature)`, `labels` `(image,)`.

    Raises ValueError if the classifier warns that it did not converge, or refuses its parameters.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.filterwarnings("error", "Line Search failed", UserWarning)  # newton-cg's other end
        try:
            model.fit(np.asarray(x, dtype=np.float64), labels)
        except UserWarning as warning:
            said = str(warning).partition("\n")[0].rstrip(".")
            raise ValueError(
                f"the fit with `tol` {model.tol} and `max_iter` {model.max_iter} did not converge "
                f"({said})"
            ) from None
