"""The noise bank: the ε that all images and all classes share (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def noise_bank(shape: Sequence[int], size: int, seed: int) -> Tensor:
    """`size` standard normal noises of latent `shape` (c, h, w): `(noise, c, h, w)` float32.

    Drawn one by one on the CPU, so a noise depends on its index and the seed alone: the same
    on every machine, and the first ones stay when the bank grows.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randn(*shape, generator=generator) for _ in range(size)])
