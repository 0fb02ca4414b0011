"""Stable Diffusion XL: a UNet on latents with the text of two CLIPs (Podell et al. 2023)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffusion_classifier.weights.conventions import pipeline_config
from diffusion_classifier.weights.model_parts import check_denoiser, check_text_encoders
from diffusion_classifier.weights.networks import load_network

from .families import FAMILIES
from .forward_process import ForwardProcess
from .model_folders import vae_scale_factor
from .scheduler import read_scheduler
from .text import clip_states

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import UNet2DConditionModel


class StableDiffusionXL:
    """The denoiser of `stabilityai/stable-diffusion-xl-base-1.0` and its kind; see `Denoiser`.

    `prediction` is the network's output, one of PREDICTIONS, which is converted to ε. `size` is
    the images' (height, width) in pixels. SDXL takes the size and the crop of an image as inputs
    (Podell et al. 2023, section 2.2); here they are always the size in training, and no crop.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        process: ForwardProcess,
        prediction: str,
        size: tuple[int, int],
    ) -> None:
        self.network = unet.eval().requires_grad_(False)
        self.process = process.to(unet.device)
        self.prediction = prediction
        self.time_ids = torch.tensor([[*size, 0, 0, *size]], dtype=torch.float32).to(unet.device)

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, None]:
        """See `Denoiser.predict`; the condition is that of `encode_prompts`."""
        added = {
            "text_embeds": condition["pooled"].to(x_t.dtype),
            "time_ids": self.time_ids.expand(len(x_t), -1),
        }
        text = condition["text"].to(x_t.dtype)
        output = self.network(
            x_t,
            timestep,
            encoder_hidden_states=text,
            added_cond_kwargs=added,
            return_dict=False,
        )[0]
        return self.process.predicted_noise(output, x_t, timestep, self.prediction), None


def load(folder: str, device: torch.device, dtype: torch.dtype) -> StableDiffusionXL:
    """Read unet/ (safetensors only) and the noise schedule of scheduler/.

    Raises InputError for a scheduler that `read_scheduler` refuses, and for a model that is
    incomplete or needs other inputs than the classifier has, such as a refiner.
    """
    from diffusers import UNet2DConditionModel

    check_denoiser(folder, FAMILIES["stable-diffusion-xl"])
    process, prediction = read_scheduler(folder)
    unet = load_network(UNet2DConditionModel, folder, "unet", dtype)
    size = unet.config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    scale = vae_scale_factor(folder)
    return StableDiffusionXL(unet.to(device), process, prediction, (height * scale, width * scale))


def encode_prompts(
    folder: str,
    prompts: pd.DataFrame,
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool = False,
) -> dict[str, Tensor]:
    """Both CLIPs' last but one hidden states and the second's text embedding, float32.

    `text` is (prompt, token, channel), the channels of one CLIP after the other's; `pooled` is
    (prompt, channel). The empty prompt, the unconditional one, is zeros if the pipeline's config
    has `force_zeros_for_empty_prompt`. A prompt longer than a tokenizer allows is cut with
    `truncate`; otherwise InputError names it.
    """
    check_text_encoders(folder, FAMILIES["stable-diffusion-xl"])
    texts = prompts["prompt"].tolist()
    first, _ = clip_states(folder, "", texts, device, dtype, truncate, projected=False)
    second, pooled = clip_states(folder, "_2", texts, device, dtype, truncate)
    text = torch.cat([first, second], dim=-1)
    if pipeline_config(Path(folder)).get("force_zeros_for_empty_prompt", True):
        empty = torch.tensor([prompt == "" for prompt in texts])
        text, pooled = (
            text.masked_fill(empty[:, None, None], 0),
            pooled.masked_fill(empty[:, None], 0),
        )
    return {"text": text, "pooled": pooled}
