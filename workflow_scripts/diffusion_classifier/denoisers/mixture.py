"""Mixtures of prompts: the network's condition is a weighted mean of the conditions of all prompts.

The error is then a differentiable function of the weights, so one backward pass says for every
prompt at once whether more of it would lower the error (`selection.gradient_search`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffusion_classifier.messages import InputError

from .denoiser import Denoiser


def predict_mixture(
    denoiser: Denoiser,
    x_t: Tensor,
    timestep: Tensor,
    conditions: dict[str, Tensor],
    weights: Tensor,
) -> Tensor:
    """ε_θ(x_t, t, Σ w_k c_k), `(batch, c, h, w)`, differentiable in `weights`.

    `weights` is float `(batch, prompt)`. `conditions` are what the family's `encode_prompts`
    returned for all prompts. A denoiser whose condition is an index has a method
    `predict_mixture` of its own, with the other arguments of this function; otherwise such a
    condition raises InputError.
    """
    own = getattr(denoiser, "predict_mixture", None)
    if own is not None:
        return own(x_t, timestep, conditions, weights)
    if not any(value.is_floating_point() for value in conditions.values()):
        raise InputError(
            f"search: found a model whose condition ({', '.join(conditions)}) is an index and "
            "cannot be mixed, expected a family with `predict_mixture`; leave `search` out"
        )
    mixed = {name: _mixed(value, weights) for name, value in conditions.items()}
    return denoiser.predict(x_t, timestep, mixed)[0]


def _mixed(value: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean over prompts, `(batch, …)`; a mask has every token that a prompt has."""
    if value.is_floating_point():
        return torch.tensordot(weights.to(value.dtype), value, dims=1)
    return value.amax(dim=0).expand(len(weights), *value.shape[1:])
