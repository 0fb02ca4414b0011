"""Attention and feed-forward networks, written for speed, against PyTorch's and diffusers'."""

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.attention import FeedForward

from diffusion_classifier.denoisers.fast import products

TOLERANCE = {torch.float32: 1e-6, torch.bfloat16: 2e-2}


def traced(function):
    """`function` as it is written when it is compiled, but run by PyTorch as usual."""
    return torch.compile(function, backend="eager", fullgraph=True)


@pytest.mark.parametrize("how", [lambda function: function, traced], ids=["as it is", "compiled"])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("keys", [1, 16, 24, 2 * products.SMALL])
def test_attention_is_pytorchs(keys, dtype, how):
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 2, length, 8).to(dtype) for length in (16, keys, keys))
    found = how(products.attention)(query, key, value)
    expected = F.scaled_dot_product_attention(query.double(), key.double(), value.double())
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("activation", ["geglu", "gelu-approximate", "gelu", "linear-silu"])
def test_a_compiled_feed_forward_is_diffusers(activation):
    torch.manual_seed(0)
    network = FeedForward(16, activation_fn=activation).double().eval()
    tokens = 3 * torch.randn(5, 4, 16, dtype=torch.float64)
    with torch.inference_mode():
        found = traced(products.feed_forward)(network, tokens)
        torch.testing.assert_close(found, network(tokens), rtol=1e-9, atol=1e-12)
