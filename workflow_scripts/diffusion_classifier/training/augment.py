"""Light geometric augmentation of training images, the same for all models."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Ranges of a random similarity: ± degrees, ± relative scale, ± shift (of the width)."""

    degrees: float = 0.0
    scale: float = 0.0
    shift: float = 0.0

    def __call__(self, images: Tensor) -> Tensor:
        """Transform `(image, channel, height, width)`; the border's colour fills the gaps."""
        n = len(images)
        angle = _uniform(n) * math.radians(self.degrees)
        zoom = 1 / (1 + _uniform(n) * self.scale)
        cos, sin = angle.cos() * zoom, angle.sin() * zoom
        # affine_grid's coordinates run over [-1, 1], so a shift by the whole width is 2
        dx, dy = _uniform(n) * 2 * self.shift, _uniform(n) * 2 * self.shift
        theta = torch.stack([cos, -sin, dx, sin, cos, dy], dim=1).view(n, 2, 3)
        grid = F.affine_grid(theta.to(images), list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _uniform(n: int) -> Tensor:
    """Uniform in [-1, 1), `(n,)`."""
    return torch.rand(n) * 2 - 1
