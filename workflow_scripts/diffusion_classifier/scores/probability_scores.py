"""How true probabilities are: calibration error, Brier score, log-likelihood, with intervals.

Metrics of one method are scikit-learn's. An interval is a bootstrap's percentiles over images and,
if there are several, trainings; a difference is paired, on the same images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

BINS = 15
"""Bins of equal width in which confidence is compared with accuracy (Guo et al. 2017)."""
METRICS = {
    "accuracy": "Top-1 accuracy (%)",
    "ece": "Calibration error",
    "brier": "Brier score",
    "log_likelihood": "Log-likelihood (nats)",
}
DRAWS = 1000


@dataclass(frozen=True)
class Answers:
    """The probabilities of one method for the images of a data set.

    `logs` is log p, float64 `(training, image, class)`; `truth` `(image,)` int64 are the columns of
    the true classes.
    """

    logs: np.ndarray
    truth: np.ndarray

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class, `(training, image)`."""
        return np.exp(self.logs.max(axis=2))

    @property
    def correct(self) -> np.ndarray:
        """Whether the predicted class is the true one, bool `(training, image)`."""
        return self.logs.argmax(axis=2) == self.truth

    @property
    def log_likelihood(self) -> np.ndarray:
        """log p of the true class, in nats, `(training, image)`."""
        return self.logs[:, np.arange(len(self.truth)), self.truth]

    @property
    def brier(self) -> np.ndarray:
        """Σ_c (p_c - y_c)² (Brier 1950), `(training, image)`: 0 at best, 2 at worst."""
        true = np.eye(self.logs.shape[2])[self.truth]
        return ((np.exp(self.logs) - true) ** 2).sum(axis=2)


def measured(answers: Answers) -> dict[str, float]:
    """METRICS of `answers`, means over trainings, by scikit-learn's functions.

    The accuracy is in percent, the others are as in `Answers`. The calibration error is the mean
    over images of |accuracy - confidence| of their bin.

    >>> sure = np.log([[[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.8, 0.2]]])
    >>> round(measured(Answers(sure, np.array([0, 0, 0, 0, 1])))["ece"], 6)
    0.0
    """
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

    found = []
    classes = np.arange(answers.logs.shape[2])
    names = {"labels": classes}
    for logs, confidence, correct in zip(
        answers.logs, answers.confidence, answers.correct, strict=True
    ):
        shown = np.clip(confidence, 0, 1)
        share, mean = calibration_curve(correct, shown, n_bins=BINS)
        counts = np.bincount(_bin(shown), minlength=BINS)
        proba = np.exp(logs)
        found.append(
            {
                "accuracy": 100 * accuracy_score(answers.truth, logs.argmax(axis=1)),
                "ece": float(np.abs(share - mean) @ counts[counts > 0]) / len(correct),
                "brier": brier_score_loss(answers.truth, proba, scale_by_half=False, **names),
                "log_likelihood": -log_loss(answers.truth, proba, **names),
            }
        )
    return {name: float(np.mean([one[name] for one in found])) for name in METRICS}


def _bin(confidence: np.ndarray) -> np.ndarray:
    """The bin of each confidence, as scikit-learn's `calibration_curve` assigns them."""
    return np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence)


def replicates(answers: Answers, seed: int = 0, draws: int = DRAWS) -> dict[str, np.ndarray]:
    """METRICS of each redraw of images and trainings with replacement, `(draw,)`.

    The same `seed` draws the same images for every method, so that replicates are paired.
    """
    rng, (trainings, images) = np.random.default_rng(seed), answers.correct.shape
    counts = rng.multinomial(images, np.full(images, 1 / images), draws) / images
    chosen = rng.integers(trainings, size=(draws, trainings))
    rows = np.arange(draws)[:, None]
    values = {
        "accuracy": 100 * answers.correct,
        "brier": answers.brier,
        "log_likelihood": answers.log_likelihood,
    }
    found = {name: (counts @ value.T)[rows, chosen].mean(axis=1) for name, value in values.items()}
    errors = np.stack(
        [
            np.abs(counts @ ((correct - sure)[:, None] * np.eye(BINS)[_bin(sure)])).sum(axis=1)
            for correct, sure in zip(answers.correct, answers.confidence, strict=True)
        ],
        axis=1,
    )
    return found | {"ece": errors[rows, chosen].mean(axis=1)}


def interval(replicated: np.ndarray) -> tuple[float, float]:
    """The 95 % percentiles of replicates, or of the difference of two methods' replicates.

    >>> interval(np.arange(1001.0))
    (25.0, 975.0)
    """
    low, high = np.quantile(replicated, [0.025, 0.975])
    return float(low), float(high)


def ece_if_true(answers: Answers, seed: int = 0, draws: int = 300) -> np.ndarray:
    """The calibration error of redrawn labels if all probabilities were true, `(draw,)`.

    Few images alone cause such an error (consistency resampling, Bröcker & Smith 2007).
    """
    rng, images = np.random.default_rng(seed), answers.correct.shape[1]
    uniform = rng.random((draws, images))
    found = [
        np.abs(((uniform < sure) - sure) @ np.eye(BINS)[_bin(sure)]).sum(axis=1) / images
        for sure in answers.confidence
    ]
    return np.mean(found, axis=0)


def ece_interval(value: float, replicated: np.ndarray, if_true: np.ndarray) -> tuple[float, float]:
    """A 95 % interval of the calibration error; it contains `value`.

    `replicated` are its replicates, `if_true` is `ece_if_true`. Few images in a bin raise the
    error, and those of a redraw raise it once more, so percentiles lie too high. The lower bound is
    therefore that of the basic bootstrap, 2 value - high (Davison & Hinkley 1997, section 5.2), and
    0 where true probabilities would often have as large an error; the upper bound remains the
    percentile.

    >>> ece_interval(0.03, np.linspace(0.02, 0.04, 1001), np.linspace(0.0, 0.02, 1001))
    (0.0205, 0.0395)
    """
    _, high = interval(replicated)
    low = 0.0 if value <= np.quantile(if_true, 0.975) else max(0.0, 2 * value - high)
    return round(low, 12), max(high, value)


def reliability(answers: Answers) -> pd.DataFrame:
    """Confidence and accuracy in bins: `bin, images, confidence, accuracy, low, high`.

    All trainings together; bins without an image are left out. Bounds are Wilson's, for the number
    of different images.
    """
    from .intervals import wilson

    trainings = len(answers.correct)
    sure, correct = answers.confidence.ravel(), answers.correct.ravel()
    table = pd.DataFrame({"bin": _bin(sure), "confidence": sure, "accuracy": correct})
    found = table.groupby("bin").agg(
        images=("accuracy", "size"), confidence=("confidence", "mean"),
        accuracy=("accuracy", "mean"),
    ).reset_index()  # fmt: skip
    independent = found["images"] / trainings
    low, high = wilson(found["accuracy"] * independent, independent)
    return found.assign(low=low, high=high)


def coverage(answers: Answers, shares: Sequence[float] | None = None) -> pd.DataFrame:
    """Accuracy if the least sure images are left unanswered: `coverage, accuracy` (fractions).

    At each coverage, the images of highest confidence of each training; the mean over trainings.
    """
    shares = np.linspace(0.05, 1, 20) if shares is None else np.asarray(shares)
    images = answers.correct.shape[1]
    order = np.argsort(-answers.confidence, axis=1, kind="stable")
    right = np.take_along_axis(answers.correct, order, axis=1).cumsum(axis=1)
    kept = np.maximum(1, np.rint(shares * images).astype(int))
    return pd.DataFrame({"coverage": shares, "accuracy": (right[:, kept - 1] / kept).mean(axis=0)})
