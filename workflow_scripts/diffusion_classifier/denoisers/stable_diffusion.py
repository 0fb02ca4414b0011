"""Stable Diffusion 1.x and 2.x: a UNet on latents with CLIP's text (Rombach et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from diffusion_classifier.weights.model_parts import check_denoiser, check_text_encoders
from diffusion_classifier.weights.networks import load_network

from .denoiser import Query
from .families import FAMILIES
from .fast.comparison import same_as_plain
from .fast.shared_unet import KeyValue, SharedUNet, can_share
from .forward_process import ForwardProcess
from .scheduler import read_scheduler
from .text import clip_config, last_states, token_limit, tokenized

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import UNet2DConditionModel


class StableDiffusion:
    """The denoiser of `stabilityai/stable-diffusion-2-base` and its kind; see `Denoiser`.

    `prediction` is the network's output, one of PREDICTIONS, which is converted to ε. With
    `share`, work that evaluations have in common is done once, if `can_share` of the network.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        process: ForwardProcess,
        prediction: str = "epsilon",
        share: bool = True,
    ) -> None:
        self.network = unet.eval().requires_grad_(False)
        self.process = process.to(unet.device)
        self.prediction = prediction
        self.shared = SharedUNet(self.network) if share and can_share(unet) else None

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, None]:
        """See `Denoiser.predict`; the condition is `text`, `(batch, token, channel)`."""
        text = condition["text"].to(x_t.dtype)
        output = self.network(x_t, timestep, encoder_hidden_states=text, return_dict=False)[0]
        return self.process.predicted_noise(output, x_t, timestep, self.prediction), None

    def predict_shared(
        self, query: Query, prepared: dict[nn.Module, KeyValue] | Tensor
    ) -> tuple[Tensor, None]:
        """See `Denoiser`; `prepared` is the result of `SharedUNet.prepare`."""
        output = self.shared(query, prepared)
        x_t, timestep = query.x_t[query.row], query.timestep[query.row]
        return self.process.predicted_noise(output, x_t, timestep, self.prediction), None


def load(folder: str, device: torch.device, dtype: torch.dtype) -> StableDiffusion:
    """Read unet/ (safetensors only) and the noise schedule of scheduler/.

    Raises InputError for a scheduler that `read_scheduler` refuses, and for a model that is
    incomplete or needs other inputs than the classifier has.
    """
    from diffusers import UNet2DConditionModel

    check_denoiser(folder, FAMILIES["stable-diffusion"])
    unet = load_network(UNet2DConditionModel, folder, "unet", dtype)
    # channels last, as GPUs prefer it; `speed.accelerate` may change it
    unet = unet.to(device, memory_format=torch.channels_last)
    schedule = read_scheduler(folder)
    return StableDiffusion(unet, *schedule, _may_share(StableDiffusion(unet, *schedule), folder))


def _may_share(denoiser: StableDiffusion, folder: str) -> bool:
    """Whether the denoiser can share work, with the same output as its UNet; for a small image."""
    if denoiser.shared is None:
        return False
    config = denoiser.network.config
    generator = torch.Generator().manual_seed(0)
    width = denoiser.shared.cross[0].to_k.in_features
    text = torch.randn(2, 8, width, generator=generator)
    side = 2 ** len(config.block_out_channels)
    return same_as_plain(denoiser, {"text": text}, (config.in_channels, side, side), folder)


@torch.inference_mode()
def encode_prompts(
    folder: str,
    prompts: pd.DataFrame,
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool = False,
) -> dict[str, Tensor]:
    """CLIP's last hidden states of each padded prompt: `text`, (prompt, token, channel) float32.

    As in diffusers' pipeline, no token attends to the padding if the text encoder's config has
    `use_attention_mask`. A prompt longer than tokenizer and text encoder allow is cut with
    `truncate`; otherwise InputError names it.
    """
    from transformers import CLIPTextModel, CLIPTokenizer

    check_text_encoders(folder, FAMILIES["stable-diffusion"])
    config = clip_config(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
    limit = token_limit(tokenizer, config.max_position_embeddings)
    tokens, mask = tokenized(tokenizer, prompts["prompt"].tolist(), limit, truncate)
    encoder = load_network(CLIPTextModel, folder, "text_encoder", dtype).to(device)
    masked = getattr(config, "use_attention_mask", False)
    return {"text": last_states(encoder, tokens, mask if masked else None)}
