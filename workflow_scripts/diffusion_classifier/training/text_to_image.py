"""Train a miniature Stable Diffusion: a VAE, then a UNet on its latents with a text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.network_time import in_network

from .loop import Optimisation, fit
from .tokenizer import caption_ids, random_captions, token_ids

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer


def train_vae(
    images: Tensor, architecture: dict, optimisation: Optimisation, kl_weight: float
) -> tuple[AutoencoderKL, list[dict[str, float]]]:
    """Train `AutoencoderKL(**architecture)` on `images` in [-1, 1], `(n, c, h, w)`.

    The loss is the mean squared error plus `kl_weight` times the KL divergence per image and
    value. `scaling_factor` becomes 1 / standard deviation of the latents (Rombach et al. 2022,
    appendix G). Returns the VAE in evaluation mode and the loss curve.
    """
    from diffusers import AutoencoderKL
    from diffusers.models.resnet import ResnetBlock2D

    torch.manual_seed(optimisation.seed)
    vae = AutoencoderKL(**architecture)
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):  # starting as the identity trains twice as fast
            nn.init.zeros_(module.conv2.weight)
            nn.init.zeros_(module.conv2.bias)
    vae = vae.to(images.device).train()

    def batch_loss(indices: Tensor) -> Tensor:
        posterior = vae.encode(images[indices]).latent_dist
        decoded = vae.decode(posterior.sample()).sample
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        return F.mse_loss(decoded, images[indices]) + kl_weight * kl

    curve = fit(vae, batch_loss, len(images), optimisation)
    vae.register_to_config(scaling_factor=float(1 / posterior_means(vae.eval(), images).std()))
    return vae, curve


@torch.inference_mode()
@in_network()
def posterior_means(vae: AutoencoderKL, images: Tensor, batch: int = 256) -> Tensor:
    """The mean of the posterior of every image, unscaled, `(n, c, h, w)`."""
    return torch.cat([vae.encode(part).latent_dist.mean for part in images.split(batch)])


def train_unet(
    latents: Tensor,
    captions: Sequence[Sequence[str]],
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    architecture: dict,
    scheduler: dict,
    optimisation: Optimisation,
    empty_share: float = 0.1,
) -> tuple[UNet2DConditionModel, DDPMScheduler, list[dict[str, float]]]:
    """Train `UNet2DConditionModel(**architecture)` and, with it, `text_encoder`.

    `latents` `(n, c, h, w)` are scaled. `scheduler` has the arguments of a `DDPMScheduler`, whose
    `prediction_type` decides the target: ε or the velocity (Salimans & Ho 2022). Timesteps are
    uniform. Returns the UNet (both models in evaluation mode), the scheduler and the loss curve.
    """
    from diffusers import DDPMScheduler, UNet2DConditionModel

    torch.manual_seed(optimisation.seed)
    noise_scheduler = DDPMScheduler(**scheduler)
    unet = UNet2DConditionModel(**architecture).to(latents.device).train()
    text_encoder = text_encoder.to(latents.device).train()
    process = ForwardProcess(noise_scheduler.alphas_cumprod).to(latents.device)
    ids = caption_ids(tokenizer, captions).to(latents.device)
    empty = token_ids(tokenizer, [""])[0].to(latents.device)
    is_velocity = noise_scheduler.config.prediction_type == "v_prediction"

    def batch_loss(indices: Tensor) -> Tensor:
        x0 = latents[indices]
        noise = torch.randn_like(x0)
        timestep = torch.randint(process.timesteps, (len(x0),), device=x0.device)
        x_t = process.noised(x0, noise, timestep)
        text = text_encoder(random_captions(ids[indices], empty, empty_share))[0]
        predicted = unet(x_t, timestep, encoder_hidden_states=text, return_dict=False)[0]
        target = noise_scheduler.get_velocity(x0, noise, timestep) if is_velocity else noise
        return F.mse_loss(predicted, target)

    both = nn.ModuleDict({"unet": unet, "text": text_encoder})
    curve = fit(both, batch_loss, len(latents), optimisation)
    text_encoder.eval()
    return unet.eval(), noise_scheduler, curve
