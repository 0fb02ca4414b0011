"""How the cost of an image grows with the number of classes, in evaluations and in FLOPs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diffusion_classifier.scores.intervals import wilson_percent

from .summary import slope

if TYPE_CHECKING:
    import torch

    from diffusion_classifier.denoisers.denoiser import Denoiser

COLUMNS = [
    *("dataset", "classes", "policy", "images", "evaluations_per_image", "flops_per_image"),
    *("top1", "low", "high", "left", "ceiling"),
]


def class_row(
    predictions: pd.DataFrame, steps: int, flops: Mapping[str, float], ceiling: Mapping[str, Any]
) -> dict[str, Any]:
    """Cost and accuracy (percent, with Wilson's 95 % interval) of a policy on a data set.

    `predictions` are those of one loss. `steps` is the number of gradient steps among the
    evaluations, each counted as `flops["step_evaluations"]`. `flops` also has the FLOPs of an
    `evaluation` and of a `step`. `ceiling` (empty if no class is left out before the stages) has
    `left`, the mean number of classes left, and `value`, the accuracy's upper limit in percent.
    """
    correct = predictions["prediction"].eq(predictions["label"])
    top1, low, high = wilson_percent(correct.sum(), len(predictions))
    evaluations = predictions["evaluations"].mean()
    forward = evaluations - steps * flops["step_evaluations"]
    return {
        "images": len(predictions),
        "evaluations_per_image": evaluations,
        "flops_per_image": forward * flops["evaluation"] + steps * flops["step"],
        "top1": top1,
        "low": low,
        "high": high,
        "left": ceiling.get("left", np.nan),
        "ceiling": ceiling.get("value", np.nan),
    }


def class_exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Exponent of each policy, `policy, exponent`: slope of log evaluations over log classes.

    A policy with a single number of classes has none.
    """
    rows = [
        (policy, slope(rows["classes"], rows["evaluations_per_image"]))
        for policy, rows in table.groupby("policy", sort=False)
        if rows["classes"].nunique() > 1
    ]
    return pd.DataFrame(rows, columns=["policy", "exponent"])


def model_flops(
    denoiser: Denoiser, conditions: dict[str, torch.Tensor], shape: tuple[int, ...]
) -> dict[str, float]:
    """FLOPs of an `evaluation` and of a gradient `step` over all `conditions`, for one image.

    `shape` is that of a latent, `(c, h, w)`. PyTorch counts them: convolutions and matrix
    products, 2 per multiplication and addition.
    """
    import torch

    from diffusion_classifier.engine.engine import Inputs
    from diffusion_classifier.engine.mixtures import Mixtures
    from diffusion_classifier.engine.samples import Sample
    from diffusion_classifier.selection.gradient_search import COST

    from .flops import evaluation_flops, run_flops

    device = next(denoiser.network.parameters()).device
    first = {name: value[:1] for name, value in conditions.items()}
    prompts = len(next(iter(conditions.values())))
    inputs = Inputs(torch.zeros(1, *shape), torch.arange(1), conditions, torch.zeros(1, *shape))
    mixtures = Mixtures(denoiser, inputs, 1, device, torch.float32)
    weights = np.full((1, prompts), 1 / prompts)
    middle = Sample(denoiser.process.timesteps // 2, 0)
    return {
        "evaluation": float(evaluation_flops(denoiser.network, first)),
        "step": float(run_flops(lambda: mixtures.gradients(weights, middle), device)),
        "step_evaluations": COST,
    }
