"""Stable Diffusion 3 and 3.5: flow matching with two CLIPs and T5 (Esser et al. 2024).

The model predicts the velocity v = ε - x_0 of x_t = (1 - σ) x_0 + σ ε, from which
ε_θ = x_t + (1 - σ) v_θ. The engine's integer timestep i is the i-th smallest σ of the model's own
scheduler; its input is σ·T, as in the pipeline. Two things follow for the classifier:

* ‖ε - ε_θ‖ = (1 - σ) ‖v - v_θ‖, so the paper's uniform mean over timesteps of the ε errors is not
  that of the velocity errors: it weighs them by (1 - σ)², and a timestep near T counts for
  next to nothing (at σ = 1 the error is zero whatever the prompt). Moreover, the scheduler's
  `shift` (3 in SD 3) crowds the timesteps at high noise: the middle one has σ = 0.75. In bfloat16
  the rounding of x_t, about 2e-6 in the squared error and the same for every prompt, is as large
  as what is left at the last few timesteps.
* Noising as for an ε-model, x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε, gives low accuracy: at the same timestep
  it is another share of noise at another scale than the path the model was trained on, so that
  input and timestep contradict each other, and v_θ is no longer the velocity of anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.conventions import scheduler_config
from diffusion_classifier.weights.model_parts import check_denoiser, check_text_encoders
from diffusion_classifier.weights.networks import load_network

from .families import FAMILIES
from .forward_process import FlowMatching
from .text import clip_states, t5_states

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import SD3Transformer2DModel

NOISE_LEVELS = (
    "num_train_timesteps",
    "shift",
    "use_dynamic_shifting",
    "base_shift",
    "max_shift",
    "base_image_seq_len",
    "max_image_seq_len",
    "time_shift_type",
)
"""The keys of a scheduler's config that determine σ."""
T5_TOKENS = 256
"""Tokens of a prompt for T5, the default of diffusers' pipeline."""


class StableDiffusion3:
    """The denoiser of `stabilityai/stable-diffusion-3.5-medium` and its kind; see `Denoiser`."""

    def __init__(self, transformer: SD3Transformer2DModel, process: FlowMatching) -> None:
        self.network = transformer.eval().requires_grad_(False)
        self.process = process.to(transformer.device)

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, None]:
        """See `Denoiser.predict`; the condition is that of `encode_prompts`."""
        velocity = self.network(
            hidden_states=x_t,
            timestep=self.process.sigmas[timestep] * self.process.timesteps,
            encoder_hidden_states=condition["text"].to(x_t.dtype),
            pooled_projections=condition["pooled"].to(x_t.dtype),
            return_dict=False,
        )[0]
        # in float32, as a sum in half precision would round away the prompts' differences
        return self.process.noise_from_velocity(x_t.float(), velocity.float(), timestep), None


def load(folder: str, device: torch.device, dtype: torch.dtype) -> StableDiffusion3:
    """Read transformer/ (safetensors only) and the noise levels of scheduler/.

    Raises InputError for a model that is incomplete, was not trained by flow matching, or needs
    other inputs than the classifier has.
    """
    from diffusers import SD3Transformer2DModel

    check_denoiser(folder, FAMILIES["stable-diffusion-3"])
    transformer = load_network(SD3Transformer2DModel, folder, "transformer", dtype)
    tokens = (transformer.config.sample_size // transformer.config.patch_size) ** 2
    process = _read_scheduler(folder, tokens)
    return StableDiffusion3(transformer.to(device), process)


def _read_scheduler(folder: str, tokens: int) -> FlowMatching:
    """The σ of training, ascending: evenly spaced, then shifted by the scheduler's config.

    A dynamic shift depends on the number of `tokens` of an image of the size in training. Settings
    for sampling only (Karras' spacing, a terminal σ) do not matter. Raises InputError for levels
    that do not rise from above 0 to at most 1.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler

    config, _ = scheduler_config(Path(folder))
    levels = {key: config[key] for key in NOISE_LEVELS if key in config}
    try:
        scheduler = FlowMatchEulerDiscreteScheduler(**levels)
        sigmas = scheduler.sigmas.flip(0)
        if scheduler.config.use_dynamic_shifting:
            sigmas = scheduler.time_shift(_dynamic_shift(scheduler.config, tokens), 1.0, sigmas)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(
            f"{folder}/scheduler: found noise levels that cannot be made ({error}), expected "
            "those of diffusers' FlowMatchEulerDiscreteScheduler; correct "
            "scheduler_config.json"
        ) from None
    if not (sigmas[0] > 0 and sigmas[-1] <= 1 and (sigmas.diff() > 0).all()):
        raise InputError(
            f"{folder}/scheduler: found noise levels from {sigmas[0]:.3g} to "
            f"{sigmas[-1]:.3g}, expected them to rise from above 0 to at most 1; correct `shift` "
            "in scheduler_config.json"
        )
    return FlowMatching(sigmas)


def _dynamic_shift(config: Mapping[str, float], tokens: int) -> float:
    """μ, linear in an image's number of tokens, as diffusers' pipeline computes it."""
    slope = (config["max_shift"] - config["base_shift"]) / (
        config["max_image_seq_len"] - config["base_image_seq_len"]
    )
    return tokens * slope + config["base_shift"] - slope * config["base_image_seq_len"]


def encode_prompts(
    folder: str,
    prompts: pd.DataFrame,
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool = False,
) -> dict[str, Tensor]:
    """Both CLIPs' hidden states, T5's after them, and the CLIPs' text embeddings, float32.

    `text` is (prompt, token, channel): first the CLIPs' last but one hidden states, side by side
    and padded with zeros to T5's channels, then T5's tokens, which are zeros if the folder has no
    text_encoder_3/. `pooled` is (prompt, channel). A prompt longer than an encoder allows is cut
    for it with `truncate`; otherwise InputError names it.
    """
    check_text_encoders(folder, FAMILIES["stable-diffusion-3"])
    texts = prompts["prompt"].tolist()
    first, pooled = clip_states(folder, "", texts, device, dtype, truncate)
    # the pipeline cuts both CLIPs' prompts at the same length
    second, pooled_2 = clip_states(
        folder, "_2", texts, device, dtype, truncate, limit=first.shape[1]
    )
    clip = torch.cat([first, second], dim=-1)
    t5 = _t5(folder, texts, device, dtype, truncate)
    clip = F.pad(clip, (0, t5.shape[-1] - clip.shape[-1]))
    return {
        "text": torch.cat([clip, t5], dim=1),
        "pooled": torch.cat([pooled, pooled_2], dim=-1),
    }


def _t5(
    folder: str, texts: Sequence[str], device: torch.device, dtype: torch.dtype, truncate: bool
) -> Tensor:
    """T5's hidden states, `(prompt, T5_TOKENS, channel)`; zeros if the folder has no T5."""
    if not (Path(folder) / "text_encoder_3").is_dir():
        width = read_json(Path(folder) / "transformer" / "config.json")["joint_attention_dim"]
        return torch.zeros(len(texts), T5_TOKENS, width)
    # nothing is masked, as SD 3 was trained with T5's padding
    return t5_states(folder, "_3", texts, device, dtype, truncate, T5_TOKENS, masked=False)[0]
