"""PixArt-α and PixArt-Σ: diffusion transformers told a text by T5 (Chen et al. 2023, 2024)."""

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
"""Tokens of a prompt that PixArt-α and PixArt-Σ were trained to read."""


class PixArt:
    """The denoiser of `PixArt-alpha/PixArt-XL-2-512x512` and its kind; see `Denoiser`.

    Its second half of channels, if there, is the variance between β̃_t and β_t, trained as DiT's
    (IDDPM's "learned range", in the authors' code); distilled descendants (LCM, DMD) have the
    channels but did not train them, so their `vlb` means nothing. `size` is the images' (height,
    width) in pixels: models of 1024 pixels are told it and the aspect ratio (α's section 2.4).
    `prediction` is what the network predicts, one of PREDICTIONS; it is converted to ε.
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
        self.channels = transformer.config.in_channels
        self.learned_variance = transformer.out_channels == 2 * self.channels
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
        variance = None
        if self.learned_variance:
            output, variance = output.split(self.channels, dim=1)
        return self.process.predicted_noise(output, x_t, timestep, self.prediction), variance

    def _sizes(self, batch: int) -> dict[str, Tensor | None]:
        """`resolution` (batch, 2) and `aspect_ratio` (batch, 1), of a model that wants them."""
        if not self.network.use_additional_conditions:
            return {"resolution": None, "aspect_ratio": None}
        ratio = self.size[:, :1] / self.size[:, 1:]
        return {
            "resolution": self.size.expand(batch, -1),
            "aspect_ratio": ratio.expand(batch, -1),
        }


def load(folder: str, device: torch.device, dtype: torch.dtype) -> PixArt:
    """Read transformer/ (safetensors only) and the noise schedule of scheduler/.

    Raises InputError for a scheduler that `read_scheduler` refuses, or if the model is not whole or
    takes more than the classifier has.
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
    """T5's last hidden states of each prompt in lower case, and which of them are not padding.

    `text` is (prompt, token, channel) float32, `mask` (prompt, token) int64; tokens that are
    padding in every prompt are left out, as no token sees them. As `encode_prompt` of diffusers'
    pipelines does by default, a prompt is not cleaned beyond that. One of more than 120 tokens
    (300 of a `PixArtSigmaPipeline`) is cut with `truncate`; without, InputError names it.
    """
    check_text_encoders(folder, FAMILIES["pixart"])
    texts = [text.lower().strip() for text in prompts["prompt"]]
    limit = _tokens(folder)
    text, mask = t5_states(folder, "", texts, device, dtype, truncate, limit, masked=True)
    longest = int(mask.sum(1).max())
    # copies, as a view of the rest would be written to disk with it
    return {"text": text[:, :longest].clone(), "mask": mask[:, :longest].clone()}


def _tokens(folder: str) -> int:
    """What the model was trained to read, of which only the pipeline's name tells."""
    index = Path(folder) / "model_index.json"
    name = read_json(index)["_class_name"] if index.is_file() else ""
    return TOKENS_SIGMA if "Sigma" in name else TOKENS_ALPHA
