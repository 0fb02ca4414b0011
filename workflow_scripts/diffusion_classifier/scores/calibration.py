"""Probabilities of classes from errors or scores, fitted to calibration images by likelihood.

The paper's posterior (section 3.2) is exp(-D · error), normalised over classes, with D the number
of values of a latent. It is not calibrated, and after pruning or a race the error of a class that
left early is known less precisely than that of the best class. Here

    p(c | x) ∝ p(c) (1 + v β d_c · n_c / (n_c + κ))^(-1/v),

where d_c is the paired difference of `selection.evidence` and n_c the effective number of samples
behind it. β replaces D: T = D / β is a temperature (Guo et al. 2017). κ shrinks a difference that
rests on few samples towards 0: if true differences spread with variance τ² around 0 and those of
single samples with σ² around the true one, n / (n + σ²/τ²) · d is the posterior mean (James & Stein
1961), so κ = σ²/τ². v says that images differ in temperature: if β is drawn for each image from a
Gamma distribution with this mean and the variance v β², the formula is the expectation of
exp(-β d n / (n + κ)), its limit for v = 0. So a large difference counts less than its number says.
All are fitted by maximum likelihood with Platt's targets (1999): each image counts as its own class
with 1 - 1/(N + 2) and as any class otherwise, which keeps β finite where N calibration images have
no mistake. A method with scores instead of errors has one parameter, its temperature. p(c) is
uniform unless given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, minimize
from scipy.special import log_softmax

from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.evidence import Evidence

FLOOR = 1e-6
"""The least probability of a method that gives probabilities, such as shares of votes."""
_RANGE = 12.0
"""β is sought within a factor of exp(12) of where it starts."""
_FEW, _MANY = 1e-6, 1e6
"""The range of κ, in samples."""
_STARTS = 9
"""The number of values of κ from which the search begins."""
_VARIANCES = (1e-3, 1.0)
"""The range of v; at its lower end, v hardly matters."""


@dataclass(frozen=True)
class Calibration:
    """Fitted parameters: `scale` β, in nats per unit of error; `half` κ, in samples; `variance` v.

    `images` is the number of calibration images.
    """

    scale: float
    half: float = 0.0
    images: int = 0
    variance: float = 0.0


def of_scores(images: np.ndarray, scores: np.ndarray) -> Evidence:
    """The evidence in scores `(image, class)` of a method without errors, for classes 0, 1, ….

    Scores are logits, log-probabilities or, if every row consists of numbers from 0 on with the sum
    1, probabilities. NaN and -inf, of a class that the method does not know, become NaN.

    >>> of_scores(np.array([7]), np.array([[2.0, 3.5]])).difference.tolist()
    [[1.5, 0.0]]
    """
    scores = np.where(np.isneginf(scores), np.nan, np.asarray(scores, "float64"))
    if (np.nan_to_num(scores) >= 0).all() and np.allclose(np.nansum(scores, axis=1), 1, atol=1e-5):
        scores = np.log(np.maximum(scores, FLOOR))
    difference = np.nanmax(scores, axis=1, keepdims=True) - scores
    endless = np.where(np.isnan(difference), 0.0, np.inf)
    return Evidence(images, np.arange(scores.shape[1]), difference, endless)


def log_posterior(
    found: Evidence, calibration: Calibration, prior: Sequence[float] | None = None
) -> np.ndarray:
    """log p(c | x) in nats, float64 `(image, class)`, by the formula of the module.

    `prior` is p(c) in the order of `found.classes`, uniform by default; it need not sum to 1. A
    class that was never measured, as a prior method had left it out, counts like the least likely
    of those that were. Raises InputError for a prior of another length or with a number below 0.

    >>> two = of_scores(np.array([0]), np.array([[2.0, 1.0]]))
    >>> np.exp(log_posterior(two, Calibration(1.0))).round(3).tolist()
    [[0.731, 0.269]]
    """
    return log_softmax(_logits(found, calibration, prior), axis=1)


def fit(
    found: Evidence,
    labels: np.ndarray,
    start: float = 1.0,
    prior: Sequence[float] | None = None,
) -> Calibration:
    """The calibration of greatest likelihood for images with `labels`, `(image,)` class indices.

    `start` is the scale of the uncalibrated posterior, D for errors and 1 for logits. κ is only
    fitted if classes have different numbers of samples, and v only for errors. Raises InputError
    for fewer than two images and for a label that is none of the classes.
    """
    truth = positions(found, labels)
    if len(truth) < 2:
        raise InputError(
            f"calibration: found {len(truth)} image(s), expected at least 2; give more"
        )
    names, first = ["scale"], np.log(start)
    ranges = {
        "scale": (first - _RANGE, first + _RANGE),
        "half": (np.log(_FEW), np.log(_MANY)),
        "variance": tuple(np.log(_VARIANCES)),
    }

    def loss(parameters: np.ndarray) -> float:
        tried = Calibration(**dict(zip(names, np.exp(parameters), strict=True)))
        return _mean_loss(log_posterior(found, tried, prior), truth)

    def search(begin: Sequence[float]) -> OptimizeResult:
        return minimize(loss, begin, method="L-BFGS-B", bounds=[ranges[name] for name in names])

    best = search([first])
    if unequal(found):  # the likelihood may have several maxima in κ
        names.append("half")
        halves, counts = np.linspace(*ranges["half"], _STARTS), np.median(found.samples)
        begins = [[best.x[0] + np.log1p(np.exp(half) / counts), half] for half in halves]
        best = min(map(search, begins), key=lambda one: one.fun)
    if np.isfinite(found.samples).all():
        names.append("variance")
        begins = [[*best.x, np.log(variance)] for variance in (0.01, 0.1, 0.5)]
        best = min(map(search, begins), key=lambda one: one.fun)
    values = dict(zip(names, np.exp(best.x).tolist(), strict=True))
    return Calibration(**values, images=len(truth))


def _mean_loss(logs: np.ndarray, truth: np.ndarray) -> float:
    """The mean of -log p with Platt's targets."""
    slip = 1 / (len(truth) + 2)
    return -((1 - slip) * logs[np.arange(len(truth)), truth] + slip * logs.mean(axis=1)).mean()


def fuse(log_a: np.ndarray, log_b: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Scale s and weight w of p(c | x) ∝ exp(s (log p_a + w log p_b)), fitted by likelihood.

    `log_a` and `log_b` are log-probabilities `(image, class)` of two methods for the same
    calibration images and classes, `truth` `(image,)` the columns of the true classes. Both results
    are at least 0; w = 0 leaves the first method alone.
    """

    def loss(parameters: np.ndarray) -> float:
        return _mean_loss(fused(log_a, log_b, *parameters), truth)

    fits = [
        minimize(loss, [1.0, weight], method="L-BFGS-B", bounds=[(1e-3, 1e3), (0.0, 1e3)])
        for weight in (0.0, 1.0)
    ]
    scale, weight = min(fits, key=lambda one: one.fun).x
    return float(scale), float(weight)


def fused(log_a: np.ndarray, log_b: np.ndarray, scale: float, weight: float) -> np.ndarray:
    """log p(c | x) of a fusion, `(image, class)`; see `fuse`."""
    return log_softmax(scale * (log_a + weight * log_b), axis=1)


def positions(found: Evidence, labels: np.ndarray) -> np.ndarray:
    """The column of each label in `found.classes`; raises InputError for another label."""
    labels = np.asarray(labels)
    unknown = ~np.isin(labels, found.classes)
    if unknown.any():
        raise InputError(
            f"labels: found the class {labels[unknown][0]}, expected one of "
            f"{', '.join(map(str, found.classes))}; correct it"
        )
    return np.searchsorted(found.classes, labels)


def unequal(found: Evidence) -> bool:
    """Whether classes have different numbers of samples."""
    measured = found.samples[found.samples > 0]
    return bool(np.ptp(measured) > 0) if np.isfinite(measured).all() else False


def _logits(found: Evidence, calibration: Calibration, prior: Sequence[float] | None) -> np.ndarray:
    # n / (n + κ), in a form that is 1 for n = ∞ and 0 for n = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk = found.difference / (1 + calibration.half / found.samples)
    logits, variance = -calibration.scale * shrunk, calibration.variance
    logits = logits if variance == 0 else -np.log1p(-variance * logits) / variance
    logits = np.where(np.isnan(logits), np.nanmin(logits, axis=1, keepdims=True), logits)
    return logits if prior is None else logits + _log_prior(prior, len(found.classes))


def _log_prior(prior: Sequence[float], classes: int) -> np.ndarray:
    values = np.asarray(prior, "float64")
    if values.shape != (classes,) or (values < 0).any() or not values.sum() > 0:
        raise InputError(
            f"prior: found {np.shape(values)} numbers from {values.min(initial=0):g} on, expected "
            f"{classes}, one for each class, none below 0 and not all 0; correct it"
        )
    with np.errstate(divide="ignore"):
        return np.log(values / values.sum())
