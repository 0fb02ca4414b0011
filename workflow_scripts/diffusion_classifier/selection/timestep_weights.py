"""Non-negative weights of timesteps, learned from a few labelled items.

The score of a candidate c (a class, a caption) is minus its weighted mean error,
s(c) = −1/T Σ_t w_t e_t(c) with w_t ≥ 0. Equal weights are the paper's classifier (equation 6). The
probability that c is the true candidate is a conditional logit over the candidates of the item
(McFadden 1974), P(c) = exp s(c) / Σ_k exp s(k), so the log loss is convex in w. To it are added two
quadratic penalties, so the minimum is unique:

* λ ∫ w′(u)² du over u = t / T in [0, 1], the squared slope of the weights. It makes neighbouring
  timesteps alike, and with λ → ∞ all weights become equal;
* a small multiple of the squared mean weight. It keeps weights finite where the few items are
  classified without a mistake.

λ is chosen by cross-validation within the few labelled items (`learn`). Errors are divided by a
typical difference between candidates first, so that λ means the same for every model and loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

PENALTIES = (np.inf, 100.0, 10.0, 1.0, 0.1, 0.01, 0.001, 0.0001)
"""The values of λ that cross-validation chooses from; infinity stands for equal weights."""
MEAN_PENALTY = 1e-3
"""The multiple of the squared mean weight."""
FOLDS = 5
BINS = 50
"""The most weights: of more timesteps, neighbours share a weight."""


@dataclass(frozen=True)
class Weights:
    """The weights of bins of timesteps, `(bin,)` float64 with mean 1, and how they were chosen.

    `penalty` is the chosen λ. `log_losses` has the cross-validated mean log loss of every λ in
    PENALTIES, in nats per item.
    """

    values: np.ndarray
    penalty: float
    log_losses: dict[float, float]


def learn(errors: np.ndarray, truth: np.ndarray, penalties: Sequence[float] = PENALTIES) -> Weights:
    """Learn weights from the errors of labelled items.

    `errors` is float `(item, candidate, timestep)` with timesteps in order; an item with fewer
    candidates than others has NaN at the end. `truth` is the position of the true candidate,
    `(item,)` int. Items take part in FOLDS folds in turn, so put items of a class next to each
    other. Raises ValueError for fewer than two items or an item with one candidate.

    >>> errors = np.array([[[1.0, 2.0], [1.0, 3.0]], [[2.0, 4.0], [2.0, 3.0]]])
    >>> learn(errors, np.array([0, 1])).values.round(1).tolist()
    [0.0, 2.0]
    """
    apart = differences(errors, truth)
    if len(apart) < 2:
        raise ValueError(f"items: found {len(apart)}, expected at least 2")
    apart = apart / _typical(apart)
    fold = np.arange(len(apart)) % min(FOLDS, len(apart))
    every = [_fold_losses(apart[fold != k], apart[fold == k], penalties) for k in np.unique(fold)]
    losses = np.average(every, axis=0, weights=np.bincount(fold))
    chosen = penalties[int(losses.argmin())]  # of equal losses the strongest penalty
    found = fit(apart, chosen)
    equal = np.ones_like(found)
    return Weights(
        found / found.mean() if found.any() else equal,
        chosen,
        dict(zip(penalties, losses.tolist(), strict=True)),
    )


def differences(errors: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Errors of the other candidates minus those of the true one, `(item, candidate − 1, timestep)`.

    NaN where an item has fewer candidates. Raises ValueError for an item with one candidate.
    """
    items = np.arange(len(errors))
    others = np.ones(errors.shape[:2], bool)
    others[items, truth] = False
    apart = errors[others].reshape(len(errors), -1, errors.shape[2])
    apart = apart - errors[items, truth][:, None]
    alone = np.isnan(apart).all(axis=(1, 2))
    if alone.any():
        raise ValueError(f"candidates: found 1 for item {alone.argmax()}, expected at least 2")
    return apart


def fit(apart: np.ndarray, penalty: float) -> np.ndarray:
    """The weights `(timestep,)` that minimise `objective`, from `differences` of items.

    The solver is L-BFGS-B with the bounds w ≥ 0. With an infinite `penalty` one weight is found for
    all timesteps.
    """
    count = apart.shape[2]
    if np.isinf(penalty):
        return np.repeat(fit(apart.mean(axis=2, keepdims=True), 0.0), count)
    found = minimize(
        objective,
        np.ones(count),
        (apart, penalty),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * count,
        options={"maxiter": 1000, "maxfun": 10_000, "ftol": 1e-12, "gtol": 1e-8},
    )
    return found.x


def objective(weights: np.ndarray, apart: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
    """The penalised mean log loss at `weights`, and its gradient `(timestep,)`."""
    count = len(weights)
    loss, gradient = log_loss(weights, apart)
    slopes = np.diff(weights)
    bend = np.diff(np.concatenate([[0.0], slopes, [0.0]]))
    loss += penalty * count * slopes @ slopes + MEAN_PENALTY * weights.mean() ** 2
    gradient = gradient - 2 * penalty * count * bend
    return loss, gradient + 2 * MEAN_PENALTY * weights.mean() / count


def log_loss(weights: np.ndarray, apart: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of −log P(true candidate) in nats, and its gradient `(timestep,)`."""
    count = len(weights)
    present = ~np.isnan(apart[..., 0])
    filled = np.where(present[..., None], apart, 0.0)
    logits = np.where(present, -(filled @ weights) / count, -np.inf)
    logits = np.concatenate([np.zeros((len(logits), 1)), logits], axis=1)  # the true one first
    total = logsumexp(logits, axis=1)
    probability = np.exp(logits - total[:, None])[:, 1:]
    gradient = -np.einsum("ic,ict->t", probability, filled) / count / len(apart)
    return float(total.mean()), gradient


def binned(errors: np.ndarray, most: int = BINS) -> np.ndarray:
    """`errors` `(…, timestep)` in bins of neighbouring timesteps, `(…, bin)`; see `bins`.

    Bins are sums, scaled so that their mean is the mean over timesteps.
    """
    of = bins(errors.shape[-1], most)
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    return np.add.reduceat(errors, starts, axis=-1) * (len(starts) / len(of))


def bins(timesteps: int, most: int = BINS) -> np.ndarray:
    """The bin of each of so many timesteps, `(timestep,)` int64: at most `most` of about one size.

    >>> bins(5, 2).tolist()
    [0, 0, 0, 1, 1]
    """
    return np.arange(timesteps) * min(timesteps, most) // timesteps


def _fold_losses(
    apart: np.ndarray, left_out: np.ndarray, penalties: Sequence[float]
) -> list[float]:
    """The mean log loss of the items left out, for each λ."""
    return [log_loss(fit(apart, penalty), left_out)[0] for penalty in penalties]


def _typical(apart: np.ndarray) -> float:
    """The root mean square of differences between candidates, each averaged over timesteps."""
    return float(np.sqrt(np.nanmean(apart.mean(axis=2) ** 2))) or 1.0
