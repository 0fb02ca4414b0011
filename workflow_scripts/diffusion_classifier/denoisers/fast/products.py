"""Linear layers and attention, written as they are fastest on the device at hand.

All give what diffusers' own modules give, up to rounding.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALL = 1024
"""Pairs of tokens up to which attention is fastest as two products, on a CPU."""
BLOCK = 16
"""Keys of which PyTorch's fused kernel likes whole blocks on a CPU: 24 take twice as long as 32."""
_GELU = 2 * math.sqrt(2 / math.pi)


def heads(projected: Tensor, count: int) -> Tensor:
    """`(batch, token, head · channel)` → `(batch, head, token, channel)`."""
    return projected.unflatten(2, (count, -1)).transpose(1, 2)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Each `(batch, head, token, channel)`; of few tokens on a CPU without the fused kernel.

    That one is made for long rows, and for keys in whole blocks: 16 tokens that look at 24 take it
    twice as long as two products. In float32 the softmax is taken over the outer axis, as a loop
    over it does many rows at once; in bfloat16 the products this needs cost more than it saves.
    """
    few = query.shape[2] * key.shape[2] <= SMALL
    fits = key.shape[2] % BLOCK == 0 and not torch.compiler.is_compiling()
    if query.is_cuda or fits or not few:
        return F.scaled_dot_product_attention(query, key, value)
    query = query * query.shape[-1] ** -0.5
    if query.dtype == torch.float32:
        weights = torch.matmul(key, query.transpose(2, 3)).softmax(-2).transpose(2, 3)
    else:
        weights = torch.matmul(query, key.transpose(2, 3)).softmax(-1)
    return torch.matmul(weights, value)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.linear`; compiled for a CPU, the bias goes into the loop that reads the product.

    A product with a bias starts from a copy of it, which takes a tenth of the product's time, of
    64 channels to 512 a third.
    """
    if bias is None or x.is_cuda or not torch.compiler.is_compiling():
        return F.linear(x, weight, bias)
    return F.linear(x, weight) + bias


def feed_forward(network: nn.Module, x: Tensor) -> Tensor:
    """diffusers' `FeedForward` of a GELU or GEGLU, with `linear`; others as they are."""
    hidden = None
    if torch.compiler.is_compiling() and not network.training:
        hidden = _activated(network.net[0], x)
    if hidden is None:
        return network(x)
    return linear(hidden, network.net[2].weight, network.net[2].bias)


def _activated(activation: nn.Module, x: Tensor) -> Tensor | None:
    """A GELU is written as an exponential, as 0.5 + 0.5 tanh y = σ(2y).

    A compiled tanh takes three times as long on a CPU, in small models a quarter of all time.
    """
    kind = type(activation).__name__
    if kind == "GEGLU":
        hidden, gate = linear(x, activation.proj.weight, activation.proj.bias).chunk(2, dim=-1)
        return hidden * F.gelu(gate)
    if kind == "GELU" and activation.approximate == "tanh":
        hidden = linear(x, activation.proj.weight, activation.proj.bias)
        twice = hidden * (_GELU * (1 + 0.044715 * hidden * hidden))
        return hidden / (1 + torch.exp(-twice))
    return None
