"""FLUX.1: flow matching on packed latents, told a text by T5 and CLIP (Black Forest Labs 2024).

The forward process is Stable Diffusion 3's, and what `stable_diffusion_3` says of its errors holds
here, too. Three things differ:

* The transformer reads squares of 2 × 2 latents as tokens of four times the channels, each with
  its row and column.
* The number of tokens of an image decides how the scheduler of FLUX.1-dev shifts its σ. Here they
  are those of 1024 pixels, the pipeline's default, whatever the size of the images: this decides
  only which σ the timesteps stand for, as the model is told σ itself.
* A model distilled from guidance (`guidance_embeds`, FLUX.1-dev) is told a scale of guidance. The
  paper's classifier compares the predictions for a prompt without guidance, so the default is
  GUIDANCE; a larger scale asks for what the pipeline samples with (by default 3.5).
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
"""The scale of guidance that means none: the prediction is that for the prompt alone."""
IMAGE_TOKENS = 64 * 64
"""Tokens of an image of 1024 × 1024 pixels, the default of diffusers' pipeline."""
TOKENS, TOKENS_SCHNELL = 512, 256
"""Tokens of a prompt that T5 reads for FLUX.1-dev and for FLUX.1-schnell, as they were trained."""


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
        # in float32: a sum in half precision would round away what prompts differ by
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

    Raises InputError if the model is not one of flow matching, is not whole, or takes more than
    the classifier has.
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
    """T5's hidden states, CLIP's pooled text and, for a model that is told it, `guidance`.

    `text` is (prompt, token, channel), `pooled` (prompt, channel) and `guidance` (prompt,), all
    float32. A prompt longer than CLIP or T5 reads is cut for it with `truncate`; without,
    InputError names it.
    """
    check_text_encoders(folder, FAMILIES["flux"])
    config = read_json(Path(folder) / "transformer" / "config.json")
    guided = config.get("guidance_embeds", False)
    texts = prompts["prompt"].tolist()
    pooled = clip_pooled(folder, "", texts, device, dtype, truncate)
    limit = TOKENS if guided else TOKENS_SCHNELL
    # FLUX was trained on T5's padding, too: nothing is masked
    text, _ = t5_states(folder, "_2", texts, device, dtype, truncate, limit, masked=False)
    scale = {"guidance": torch.full((len(texts),), float(guidance))} if guided else {}
    return {"text": text, "pooled": pooled, **scale}
