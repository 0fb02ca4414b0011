"""PixArt-α and PixArt-Σ: diffusion transformers with T5's text (Chen et al. 2023, 2024)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffusion_classifier.files import read_json
from diffusion_classifier.weights.model_parts import check_denoiser, check_text_encoders
from diffusion_classifier.weights.networks import load_network

from .families import FAMILIES
from .forward_process import ForwardProcess
from .model_folders import vae_scale_factor
from .scheduler import read_scheduler
from .text import t5_states

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import PixArtTransformer2DModel

TOKENS_ALPHA, TOKENS_SIGMA = 120, 300
"""Tokens per prompt in the training of PixArt-α and PixArt-Σ."""


class PixArt:
    """The denoiser of `PixArt-alpha/PixArt-XL-2-512x512` and its kind; see `Denoiser`.

    The second half of the output's channels, if it exists, is the variance between β̃_t and β_t,
    trained as DiT's (IDDPM's "learned range", in the authors' code). Distilled models (LCM, DMD)
    have these channels without training them, so their `vlb` means nothing. `size` is the images'
    (height, width) in pixels: models of 1024 pixels take it and the aspect ratio as inputs (α's
    section 2.4). `prediction` is the network's output, one of PREDICTIONS, which is converted to ε.
    """

    def __init__(
        self,
        transformer: PixArtTransformer2DModel,
        process: ForwardProcess,
        size: tuple[int, int],
        prediction: str = "epsilon",
    ) -> None:
        self.network = transformer.eval().requires_grad_(False)
        self.process = process.to(transformer.device)
        self.prediction = prediction
        channels = transformer.config.in_channels
        self.learned_variance = transformer.out_channels == 2 * channels
        self.size = torch.tensor([size], dtype=torch.float32).to(transformer.device)

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """See `Denoiser.predict`; the condition is that of `encode_prompts`."""
        output = self.network(
            x_t,
            encoder_hidden_states=condition["text"].to(x_t.dtype),
            encoder_attention_mask=condition["mask"],
            timestep=timestep,
            added_cond_kwargs=self._sizes(len(x_t)),
            return_dict=False,
        )[0]
        return self.process.noise_and_variance(output, x_t, timestep, self.prediction)

    def _sizes(self, batch: int) -> dict[str, Tensor | None]:
        """`resolution` (batch, 2) and `aspect_ratio` (batch, 1); None if they are no inputs."""
        if not self.network.use_additional_conditions:
            return {"resolution": None, "aspect_ratio": None}
        ratio = self.size[:, :1] / self.size[:, 1:]
        return {
            "resolution": self.size.expand(batch, -1),
            "aspect_ratio": ratio.expand(batch, -1),
        }


def load(folder: str, device: torch.device, dtype: torch.dtype) -> PixArt:
    """Read transformer/ (safetensors only) and the noise schedule of scheduler/.

    Raises InputError for a scheduler that `read_scheduler` refuses, and for a model that is
    incomplete or needs other inputs than the classifier has.
    """
    from diffusers import PixArtTransformer2DModel

    check_denoiser(folder, FAMILIES["pixart"])
    transformer = load_network(PixArtTransformer2DModel, folder, "transformer", dtype)
    learned = transformer.out_channels == 2 * transformer.config.in_channels
    process, prediction = read_scheduler(folder, learned)
    edge = transformer.config.sample_size * vae_scale_factor(folder)
    return PixArt(transformer.to(device), process, (edge, edge), prediction)


def encode_prompts(
    folder: str,
    prompts: pd.DataFrame,
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool = False,
) -> dict[str, Tensor]:
    """T5's last hidden states of each prompt, and which tokens are not padding.

    `text` is (prompt, token, channel) float32, `mask` (prompt, token) int64; tokens that are
    padding in every prompt are left out, as no token attends to them. Prompts are made lower case
    and stripped but not cleaned further, as by `encode_prompt` of diffusers' pipelines. A prompt of
    more than 120 tokens (of a `PixArtSigmaPipeline`, 300) is cut with `truncate`; otherwise
    InputError names it.
    """
    check_text_encoders(folder, FAMILIES["pixart"])
    texts = [text.lower().strip() for text in prompts["prompt"]]
    limit = _tokens(folder)
    text, mask = t5_states(folder, "", texts, device, dtype, truncate, limit, masked=True)
    longest = int(mask.sum(1).max())
    # copies, as a view would be written to disk with all of its storage
    return {"text": text[:, :longest].clone(), "mask": mask[:, :longest].clone()}


def _tokens(folder: str) -> int:
    """Tokens per prompt in the model's training, which only the pipeline's name reveals."""
    index = Path(folder) / "model_index.json"
    name = read_json(index)["_class_name"] if index.is_file() else ""
    return TOKENS_SIGMA if "Sigma" in name else TOKENS_ALPHA
