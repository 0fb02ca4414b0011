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
    _check_mixable(conditions)
    mixed = {name: _mixed(value, weights) for name, value in conditions.items()}
    return denoiser.predict(x_t, timestep, mixed)[0]


def _mixed(value: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean over prompts, `(batch, …)`; a mask has every token that a prompt has."""
    if value.is_floating_point():
        return torch.tensordot(weights.to(value.dtype), value, dims=1)
    return value.amax(dim=0).expand(len(weights), *value.shape[1:])


def mixed_prompts(
    denoiser: Denoiser, conditions: dict[str, Tensor], weights: Tensor
) -> tuple[Denoiser, dict[str, Tensor]]:
    """A denoiser and conditions of which prompt k is the mixture `weights[k]` of all prompts.

    `weights` is float `(mixture, prompt)`. A denoiser whose condition is an index has a method
    `mixed_prompts` of its own, with the other arguments of this function; otherwise such a
    condition raises InputError.
    """
    own = getattr(denoiser, "mixed_prompts", None)
    if own is not None:
        return own(conditions, weights)
    _check_mixable(conditions)
    return denoiser, {name: _mixed(value, weights) for name, value in conditions.items()}


def prompt_features(denoiser: Denoiser, conditions: dict[str, Tensor]) -> Tensor:
    """What the network is told of each prompt, as a vector: `(prompt, feature)` float.

    Two prompts with near vectors are alike to the network. These are the encoded prompts, or the
    class embeddings of a denoiser with a method `prompt_features`; otherwise a condition that is an
    index raises InputError.
    """
    own = getattr(denoiser, "prompt_features", None)
    if own is not None:
        return own(conditions)
    _check_mixable(conditions)
    parts = [value.flatten(1) for value in conditions.values() if value.is_floating_point()]
    return torch.cat(parts, dim=1)


def _check_mixable(conditions: dict[str, Tensor]) -> None:
    if not any(value.is_floating_point() for value in conditions.values()):
        raise InputError(
            f"search: found a model whose condition ({', '.join(conditions)}) is an index and "
            "cannot be mixed, expected a family with `predict_mixture`; leave `search` out"
        )
