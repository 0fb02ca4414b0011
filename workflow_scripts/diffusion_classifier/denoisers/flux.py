"""FLUX.1: flow matching on packed latents with T5 and CLIP (Black Forest Labs 2024).

The forward process and the weighting of errors are those of `stable_diffusion_3`. Three things
differ:

* The tokens of the transformer are squares of 2 × 2 latents, with four times their channels, and
  each token has the position of its row and column.
* The scheduler of FLUX.1-dev shifts σ by the number of tokens of an image. Here this number is that
  of 1024 × 1024 pixels, the pipeline's default, whatever the size of the images. It determines only
  the σ of each timestep; the model gets σ itself as its input.
* A model distilled from guidance (`guidance_embeds`, FLUX.1-dev) has the scale of guidance as a
  further condition. The paper's classifier compares predictions without guidance, so the default is
  GUIDANCE; the pipeline samples with 3.5 by default.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffusion_classifier.files import read_json
from diffusion_classifier.weights.model_parts import check_denoiser, check_text_encoders
from diffusion_classifier.weights.networks import load_network

from .families import FAMILIES
from .forward_process import FlowMatching
from .noise_levels import read_noise_levels
from .text import clip_pooled, t5_states

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import FluxTransformer2DModel

GUIDANCE = 1.0
"""The scale that stands for no guidance: the prediction for the prompt alone."""
IMAGE_TOKENS = 64 * 64
"""Tokens of an image of 1024 × 1024 pixels, the default of diffusers' pipeline."""
TOKENS, TOKENS_SCHNELL = 512, 256
"""Tokens of a prompt for T5, in FLUX.1-dev and in FLUX.1-schnell (without `guidance_embeds`)."""


class Flux:
    """The denoiser of `black-forest-labs/FLUX.1-dev` and its kind; see `Denoiser`."""

    def __init__(self, transformer: FluxTransformer2DModel, process: FlowMatching) -> None:
        self.network = transformer.eval().requires_grad_(False)
        self.process = process.to(transformer.device)

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, None]:
        """See `Denoiser.predict`; the condition is that of `encode_prompts`."""
        rows, columns = x_t.shape[2] // 2, x_t.shape[3] // 2
        text = condition["text"].to(x_t.dtype)
        velocity = self.network(
            hidden_states=packed(x_t),
            timestep=self.process.sigmas[timestep],  # times 1000 in the network
            guidance=condition.get("guidance"),
            encoder_hidden_states=text,
            pooled_projections=condition["pooled"].to(x_t.dtype),
            txt_ids=text.new_zeros(text.shape[1], 3),
            img_ids=positions(rows, columns, x_t.device),
            return_dict=False,
        )[0]
        velocity = unpacked(velocity, rows, columns)
        # in float32, as a sum in half precision would round away the prompts' differences
        return self.process.noise_from_velocity(x_t.float(), velocity.float(), timestep), None


def packed(latents: Tensor) -> Tensor:
    """Tokens of 2 × 2 latents, row by row: `(batch, c, h, w)` to `(batch, h/2 · w/2, 4c)`.

    >>> packed(torch.arange(8).reshape(1, 1, 2, 4)).tolist()
    [[[0, 1, 4, 5], [2, 3, 6, 7]]]
    """
    batch, channels, height, width = latents.shape
    squares = latents.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, 4 * channels)


def unpacked(tokens: Tensor, rows: int, columns: int) -> Tensor:
    """The latents `(batch, c, 2 · rows, 2 · columns)` of tokens as `packed` makes them."""
    squares = tokens.reshape(len(tokens), rows, columns, -1, 2, 2)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(len(tokens), -1, 2 * rows, 2 * columns)


def positions(rows: int, columns: int, device: torch.device) -> Tensor:
    """The network's `img_ids`, `(rows · columns, 3)` float32: zero, row and column of each token.

    >>> positions(1, 2, torch.device("cpu")).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    row = torch.arange(rows, dtype=torch.float32, device=device)
    column = torch.arange(columns, dtype=torch.float32, device=device)
    return torch.cartesian_prod(torch.zeros(1, device=device), row, column)


def load(folder: str, device: torch.device, dtype: torch.dtype) -> Flux:
    """Read transformer/ (safetensors only) and the noise levels of scheduler/.

    Raises InputError for a model that is incomplete, was not trained by flow matching, or needs
    other inputs than the classifier has.
    """
    from diffusers import FluxTransformer2DModel

    check_denoiser(folder, FAMILIES["flux"])
    transformer = load_network(FluxTransformer2DModel, folder, "transformer", dtype)
    return Flux(transformer.to(device), read_noise_levels(folder, IMAGE_TOKENS))


def encode_prompts(
    folder: str,
    prompts: pd.DataFrame,
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool = False,
    guidance: float = GUIDANCE,
) -> dict[str, Tensor]:
    """T5's hidden states, CLIP's pooled text and, for a model with `guidance_embeds`, the scale.

    `text` is (prompt, token, channel), `pooled` (prompt, channel) and `guidance` (prompt,), all
    float32. A prompt that is too long for CLIP or T5 is cut for it with `truncate`; otherwise
    InputError names it.
    """
    check_text_encoders(folder, FAMILIES["flux"])
    config = read_json(Path(folder) / "transformer" / "config.json")
    guided = config.get("guidance_embeds", False)
    texts = prompts["prompt"].tolist()
    pooled = clip_pooled(folder, "", texts, device, dtype, truncate)
    limit = TOKENS if guided else TOKENS_SCHNELL
    # FLUX was trained with T5's padding, so nothing is masked
    text, _ = t5_states(folder, "_2", texts, device, dtype, truncate, limit, masked=False)
    scale = {"guidance": torch.full((len(texts),), float(guidance))} if guided else {}
    return {"text": text, "pooled": pooled, **scale}
