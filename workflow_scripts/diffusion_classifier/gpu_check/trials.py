"""Experimental ways to make a network cheaper: 8-bit numbers and fewer tokens.

They need packages that the product does not need: torchao and tomesd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from torch import nn

from diffusion_classifier.denoisers.denoiser import Denoiser

MERGED = 0.5
"""The share of tokens that are merged before a self-attention."""


@dataclass(frozen=True)
class Trial:
    """A change of a network, which `change` makes in place.

    The second argument of `change` is the largest factor between latents and tokens at which tokens
    are merged. With `compiled` the network's blocks are compiled: 8-bit numbers are only faster if
    the conversion to them is fused.
    """

    name: str
    change: Callable[[nn.Module, int], None]
    compiled: bool
    package: str = ""

    @property
    def installed(self) -> bool:
        """Whether the package that makes the change is installed."""
        return not self.package or find_spec(self.package) is not None


def fp8(network: nn.Module, down_to: int) -> None:
    """Weights and activations of the blocks' linear layers in FP8, scaled row by row."""
    from torchao.quantization import Float8DynamicActivationFloat8WeightConfig, PerRow, quantize_

    config = Float8DynamicActivationFloat8WeightConfig(granularity=PerRow())
    quantize_(network, config, in_a_block)


def int8(network: nn.Module, down_to: int) -> None:
    """Weights and activations of the blocks' linear layers in int8, scaled row by row."""
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    quantize_(network, Int8DynamicActivationInt8WeightConfig(), in_a_block)


def int8_weights(network: nn.Module, down_to: int) -> None:
    """Only the weights in int8: this takes less memory, but the same number of products."""
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    quantize_(network, Int8WeightOnlyConfig(), in_a_block)


def merging(network: nn.Module, down_to: int) -> None:
    """Merge similar tokens before each self-attention (Bolya & Hoffman 2023), deterministically."""
    import tomesd

    tomesd.apply_patch(network, ratio=MERGED, max_downsample=down_to, use_rand=False)


def unchanged(network: nn.Module, down_to: int) -> None:
    """Leave the network as it is; the other trials are compared with this one."""


TRIALS = (
    Trial("bfloat16", unchanged, compiled=True),
    Trial("FP8", fp8, compiled=True, package="torchao"),
    Trial("int8", int8, compiled=True, package="torchao"),
    Trial("bfloat16", unchanged, compiled=False),
    Trial("token merging", merging, compiled=False, package="tomesd"),
    Trial("int8 weights", int8_weights, compiled=True, package="torchao"),
)
"""The most important first; each is compared with the `bfloat16` of the same `compiled`."""


def in_a_block(module: nn.Module, name: str) -> bool:
    """Whether this is a linear layer of a transformer block's attention or feed-forward network.

    The other layers, for timesteps and classes, have one row per evaluation and gain nothing.
    """
    inside = "transformer_blocks." in name and any(part in name for part in (".attn", ".ff."))
    return isinstance(module, nn.Linear) and inside


def apply(trial: Trial, denoiser: Denoiser, down_to: int, compiled: bool) -> None:
    """Change a denoiser's network as `trial` says, and run it without the engine's sharing.

    The engine's shared pass computes blocks itself and would not use the changed ones. With
    `compiled` every kind of block is compiled once. Raises all errors of the packages.
    """
    denoiser.shared = None
    trial.change(denoiser.network, down_to)
    if compiled:
        for module in list(denoiser.network.modules()):
            if "TransformerBlock" in type(module).__name__:
                module.compile()
