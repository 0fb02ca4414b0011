"""The noise bank: the ε that all images and all classes share (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def noise_bank(shape: Sequence[int], size: int, seed: int) -> Tensor:
    """`size` standard normal noises of latent `shape` (c, h, w): `(noise, c, h, w)` float32.

    Noises are drawn one by one on the CPU, so each depends only on its index and the seed: it is
    the same on every machine and in a larger bank.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randn(*shape, generator=generator) for _ in range(size)])
