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

λ is chosen by cross-validation within the few labelled items: the largest whose log loss is within
one standard error of the least (Breiman et al. 1984), as weights should differ only if the labels
say so. Errors are divided by a typical difference between candidates first, so that λ means the
same for every model and loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

PENALTIES = (np.inf, *(10.0**k for k in range(0, -7, -1)))
"""The values of λ that cross-validation chooses from, in descending order; ∞: equal weights."""
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


def learn(
    errors: np.ndarray,
    truth: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
    groups: np.ndarray | None = None,
) -> Weights:
    """Learn weights from the errors of labelled items.

    `penalties` are values of λ in descending order.
    `errors` is float `(item, candidate, timestep)` with timesteps in order; an item with fewer
    candidates than others has NaN at the end. `truth` is the position of the true candidate,
    `(item,)` int. Items take part in FOLDS folds in turn, so put items of a class next to each
    other. Items that depend on each other have one number in `groups`, `(item,)` int: they are in
    one fold, and count once in a standard error. Raises ValueError for fewer than two items or
    groups, and for an item with one candidate.

    >>> errors = np.array([[[1.0, 2.0], [1.0, 3.0]], [[2.0, 4.0], [2.0, 3.0]]])
    >>> learn(errors, np.array([0, 1])).values.round(1).tolist()
    [0.0, 2.0]
    """
    apart = differences(errors, truth)
    group = np.arange(len(apart)) if groups is None else _numbered(groups)
    if len(apart) < 2 or group.max() < 1:
        raise ValueError(
            f"items: found {group.max() + 1 if len(apart) else 0}, expected at least 2"
        )
    apart = apart / _typical(apart)
    fold = group % min(FOLDS, group.max() + 1)
    losses = np.empty((len(apart), len(penalties)))
    for k in np.unique(fold):
        found = None  # each minimum is near that of the next larger λ
        for j, penalty in enumerate(penalties):
            found = fit(apart[fold != k], penalty, found)
            losses[fold == k, j] = item_losses(found, apart[fold == k])[0]
    chosen = penalties[_one_standard_error(losses, group)]
    found = fit(apart, chosen)
    return Weights(
        found / found.mean() if found.any() else np.ones_like(found),
        chosen,
        dict(zip(penalties, losses.mean(axis=0).tolist(), strict=True)),
    )


def differences(errors: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Errors of other candidates minus those of the true one, `(item, candidate − 1, timestep)`.

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


def fit(apart: np.ndarray, penalty: float, start: np.ndarray | None = None) -> np.ndarray:
    """The weights `(timestep,)` that minimise `objective`, from `differences` of items.

    The solver is L-BFGS-B with the bounds w ≥ 0, begun at `start` (default: ones). With an
    infinite `penalty` one weight is found for all timesteps.
    """
    count = apart.shape[2]
    if np.isinf(penalty):
        return np.repeat(fit(apart.mean(axis=2, keepdims=True), 0.0), count)
    found = minimize(
        objective,
        np.ones(count) if start is None else start,
        (apart, penalty),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * count,
        options={"maxiter": 1000, "maxfun": 10_000, "ftol": 1e-11, "gtol": 1e-7},
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
    losses, probability = item_losses(weights, apart)
    filled = apart if probability.all() else np.nan_to_num(apart)
    gradient = -(probability.ravel() @ filled.reshape(-1, len(weights)))
    return float(losses.mean()), gradient / len(weights) / len(apart)


def item_losses(weights: np.ndarray, apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """−log P(true candidate) of each item, `(item,)`; P of the others, `(item, candidate − 1)`."""
    logits = -(apart @ weights) / len(weights)
    logits[np.isnan(logits)] = -np.inf  # an item with fewer candidates
    most = np.maximum(logits.max(axis=1), 0.0)  # the true one has the logit 0
    shares = np.exp(logits - most[:, None])
    total = np.exp(-most) + shares.sum(axis=1)
    return most + np.log(total), shares / total[:, None]


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


def _one_standard_error(losses: np.ndarray, group: np.ndarray) -> int:
    """The first column of `losses` `(item, penalty)` that is not clearly worse than the best."""
    best = losses.mean(axis=0).argmin()
    worse = np.zeros((group.max() + 1, losses.shape[1]))
    np.add.at(worse, group, losses - losses[:, [best]])
    error = worse.std(axis=0, ddof=1) / np.sqrt(len(worse))
    return int((worse.mean(axis=0) <= error).argmax())


def _numbered(groups: np.ndarray) -> np.ndarray:
    """Numbers of `groups` from 0 on, in order of appearance."""
    _, first, of = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[of]


def _typical(apart: np.ndarray) -> float:
    """The root mean square of differences between candidates, each averaged over timesteps."""
    return float(np.sqrt(np.nanmean(apart.mean(axis=2) ** 2))) or 1.0
