"""Stable Diffusion 1.x and 2.x: a UNet on latents, told a text by CLIP (Rombach et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..forward_process import ForwardProcess
from ..weights.networks import load_network
from ..weights.parts import check_denoiser, check_text_encoders
from .base import Query
from .scheduler import read_scheduler
from .shared_unet import KeyValue, SharedUNet, can_share
from .text import check_lengths

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import UNet2DConditionModel


class StableDiffusion:
    """The denoiser of `stabilityai/stable-diffusion-2-base` and its kind; see `Denoiser`.

    `prediction` is `epsilon` or `v_prediction`; the latter's answer is converted to ε.
    """

    def __init__(
        self, unet: UNet2DConditionModel, process: ForwardProcess, prediction: str = "epsilon"
    ) -> None:
        self.network = unet.eval().requires_grad_(False)
        self.process = process.to(unet.device)
        self.prediction = prediction
        self.shared = SharedUNet(self.network) if can_share(unet) else None

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, None]:
        """See `Denoiser.predict`; the condition is `text`, `(batch, token, channel)`."""
        text = condition["text"].to(x_t.dtype)
        output = self.network(x_t, timestep, encoder_hidden_states=text, return_dict=False)[0]
        return self._noise(output, x_t, timestep), None

    def predict_shared(
        self, query: Query, prepared: dict[nn.Module, KeyValue] | Tensor
    ) -> tuple[Tensor, None]:
        """See `Denoiser`; `prepared` is what `SharedUNet.prepare` returned."""
        output = self.shared(query, prepared)
        return self._noise(output, query.x_t[query.row], query.timestep[query.row]), None

    def _noise(self, output: Tensor, x_t: Tensor, timestep: Tensor) -> Tensor:
        """ε from what the network put out."""
        if self.prediction == "v_prediction":
            # in float32: at large t, ε is a small difference that half precision would lose
            return self.process.noise_from_velocity(x_t.float(), output.float(), timestep)
        return output


def load(folder: str, device: torch.device, dtype: torch.dtype) -> StableDiffusion:
    """Read unet/ (safetensors only) and the noise schedule of scheduler/.

    Raises InputError if the model predicts neither ε nor the velocity, is not whole, or takes more
    than the classifier has.
    """
    from diffusers import UNet2DConditionModel

    check_denoiser(folder, "stable-diffusion")
    unet = load_network(UNet2DConditionModel, folder, "unet", dtype)
    # channels last, as GPUs want it; what `speed.accelerate` is told goes before
    unet = unet.to(device, memory_format=torch.channels_last)
    return StableDiffusion(unet, *read_scheduler(folder, ("epsilon", "v_prediction")))


@torch.inference_mode()
def encode_prompts(
    folder: str,
    prompts: pd.DataFrame,
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool = False,
) -> dict[str, Tensor]:
    """CLIP's last hidden states of each prompt, padded: `text`, (prompt, token, channel) float32.

    A prompt longer than the tokenizer takes is cut with `truncate`; without, InputError names it.
    """
    from transformers import CLIPTextModel, CLIPTokenizer

    check_text_encoders(folder, "stable-diffusion")
    tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
    texts = prompts["prompt"].tolist()
    if not truncate:
        check_lengths(tokenizer, texts)
    encoder = load_network(CLIPTextModel, folder, "text_encoder", dtype).to(device)
    length = tokenizer.model_max_length
    tokens = tokenizer(
        texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    parts = tokens.input_ids.to(device).split(64)
    return {"text": torch.cat([encoder(part)[0].float().cpu() for part in parts])}
