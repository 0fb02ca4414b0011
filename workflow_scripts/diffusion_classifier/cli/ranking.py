"""The classes of every image, best first, with differences, their standard errors and posteriors.

The error e(x, c) of an image x and a class c is the mean of the loss over the class's prompts and
the evaluated samples (t, ε); the loss is a mean over the D values of a latent. The class with the
lowest error wins (paper, algorithm 1), after pruning in stages (algorithm 2) and races. The
posterior is that of `scores.calibration`, by default the paper's approximation (section 3.2),

    p(c | x) = exp(-E ‖ε - ε_θ(x_t, t, c)‖²) / Σ_j exp(-E ‖ε - ε_θ(x_t, t, c_j)‖²),

where the squared norm is a sum over the latent's D values, D · e(x, c). Another loss than `l2`
replaces the squared norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.scores.calibration import Calibration, log_posterior
from diffusion_classifier.selection.evidence import (
    evidence_in,
    measured_errors,
    paired_differences,
    weighted_means,
)

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = [
    *("image", "rank", "class", "error", "difference", "standard_error"),
    *("posterior", "samples"),
]


def ranking(
    stages: Sequence[xr.Dataset],
    class_of: np.ndarray,
    loss: str,
    calibration: Calibration,
    prior: Sequence[float] | None = None,
) -> pd.DataFrame:
    """The classes of every image, best first: the columns of COLUMNS.

    `rank` counts from 1; `error` is the mean over the class's evaluated samples, `difference` that
    to the best class and `standard_error` its own, `samples` their number. Classes come before
    those that were dropped earlier. The difference is paired: its mean is over
    the samples of the class, all of which the best class has too. So it can be compared between
    classes that were dropped at different times, unlike the error. Its standard error is, for equal
    weights, the standard deviation (n - 1) of the differences / √n, NaN if n = 1; it treats the
    samples as independent, although their timesteps are evenly spaced. `prior` is p(c), in order of
    class. The posterior is the softmax of -D · error if no class was dropped and nothing fitted.
    """
    measured = measured_errors(stages, class_of, loss)
    (images, classes, errors), weights = measured.grid(), measured.weights
    counts = (~np.isnan(errors)).sum(axis=2)
    means = weighted_means(errors, weights)
    order = np.lexsort([np.broadcast_to(classes, means.shape), means, -counts], axis=-1)
    best = errors[np.arange(len(images)), order[:, 0]]
    difference, standard_error, _ = paired_differences(errors, best[:, None], weights)
    posterior = np.exp(log_posterior(evidence_in(measured), calibration, prior))
    table = {
        "image": np.repeat(images, len(classes)),
        "rank": np.tile(np.arange(1, 1 + len(classes)), len(images)),
        "class": classes[order].ravel(),
        "error": means,
        "difference": difference,
        "standard_error": standard_error,
        "posterior": posterior,
        "samples": counts,
    }
    ranked = {
        name: np.take_along_axis(values, order, axis=1).ravel() if values.ndim == 2 else values
        for name, values in table.items()
    }
    frame = pd.DataFrame(ranked)
    return frame[frame["samples"] > 0].reset_index(drop=True)


def class_labels(prompts: pd.DataFrame) -> dict[int, str]:
    """The text for each class: its prompt, or its name if it has several prompts."""
    labels = {}
    for index, rows in prompts.groupby("classidx"):
        name = f"{rows['classname'].iloc[0] or f'class {index}'} ({len(rows)} prompts)"
        labels[index] = rows["prompt"].iloc[0] if len(rows) == 1 else name
    return labels
