"""What the engine asks of a diffusion model; one adapter per model family provides it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ..forward_process import FlowMatching, ForwardProcess


class Denoiser(Protocol):
    """A conditional diffusion model ε_θ(x_t, t, c) on its device, in its dtype."""

    process: ForwardProcess | FlowMatching
    """The forward process it was trained for, on the model's device."""

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """ε_θ and, where it is learned, the raw variance channels, `(batch, c, h, w)` each.

        `timestep` is `(batch,)` int64; `condition` holds rows of what the family's
        `encode_prompts` returned, one per x_t.
        """
