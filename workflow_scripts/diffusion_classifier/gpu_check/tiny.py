"""A tiny random network of every family, to check that sharing work does not change results."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.dit import DiT
from diffusion_classifier.denoisers.forward_process import FlowMatching, ForwardProcess
from diffusion_classifier.denoisers.pixart import PixArt
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.denoisers.stable_diffusion_3 import StableDiffusion3
from diffusion_classifier.denoisers.stable_diffusion_xl import StableDiffusionXL
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.noise_bank import noise_bank

PROMPTS, TOKENS, WIDTH, SIZE = 3, 5, 16, 16
_UNET = {
    "sample_size": SIZE,
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "cross_attention_dim": WIDTH,
    "attention_head_dim": (2, 4),
    "use_linear_projection": True,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
}
_TRANSFORMER = {"num_layers": 2, "num_attention_heads": 2, "in_channels": 4, "sample_size": SIZE}


def denoiser(family: str, device: torch.device, dtype: torch.dtype, seed: int = 0) -> Denoiser:
    """The family's denoiser with a tiny network for 4 × 16 × 16 latents, drawn from `seed`."""
    return NETWORKS[family](device, dtype, seed)


def inputs(images: int, noises: int) -> Inputs:
    """Random inputs for all families; each network uses the conditions of its family."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    conditions = {
        "class_labels": torch.arange(PROMPTS),
        "text": normal(PROMPTS, TOKENS, WIDTH),
        "pooled": normal(PROMPTS, WIDTH),
        "mask": (torch.arange(TOKENS) < 1 + torch.arange(PROMPTS)[:, None]).long(),
    }
    shape = (4, SIZE, SIZE)
    noise = noise_bank(shape, noises, seed=0)
    return Inputs(normal(images, *shape), torch.arange(images), conditions, noise)


def _unet(device: torch.device, dtype: torch.dtype, seed: int) -> Denoiser:
    from diffusers import UNet2DConditionModel

    network = _random(UNet2DConditionModel(**_UNET), device, dtype, seed)
    return StableDiffusion(network, _process(), "v_prediction")


def _unet_xl(device: torch.device, dtype: torch.dtype, seed: int) -> Denoiser:
    from diffusers import UNet2DConditionModel

    network = UNet2DConditionModel(
        **_UNET,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=WIDTH + 6 * 8,
    )
    size = (8 * SIZE, 8 * SIZE)
    return StableDiffusionXL(_random(network, device, dtype, seed), _process(), "epsilon", size)


def _dit(device: torch.device, dtype: torch.dtype, seed: int) -> Denoiser:
    from diffusers import DiTTransformer2DModel

    network = DiTTransformer2DModel(
        **_TRANSFORMER, attention_head_dim=8, patch_size=2, out_channels=8, num_embeds_ada_norm=10
    )
    return DiT(_random(network, device, dtype, seed), _process())


def _pixart(device: torch.device, dtype: torch.dtype, seed: int) -> Denoiser:
    from diffusers import PixArtTransformer2DModel

    network = PixArtTransformer2DModel(
        **_TRANSFORMER,
        attention_head_dim=12,
        patch_size=2,
        out_channels=8,
        cross_attention_dim=24,
        caption_channels=WIDTH,
        use_additional_conditions=False,
    )
    size = (8 * SIZE, 8 * SIZE)
    return PixArt(_random(network, device, dtype, seed), _process(), size)


def _sd3(device: torch.device, dtype: torch.dtype, seed: int) -> Denoiser:
    from diffusers import SD3Transformer2DModel

    network = SD3Transformer2DModel(
        **_TRANSFORMER,
        attention_head_dim=8,
        patch_size=2,
        out_channels=4,
        joint_attention_dim=WIDTH,
        caption_projection_dim=16,
        pooled_projection_dim=WIDTH,
        pos_embed_max_size=SIZE,
    )
    sigmas = torch.linspace(0.001, 1, 1000)
    return StableDiffusion3(_random(network, device, dtype, seed), FlowMatching(sigmas))


NETWORKS: dict[str, Callable[[torch.device, torch.dtype, int], Denoiser]] = {
    "dit": _dit,
    "pixart": _pixart,
    "stable-diffusion": _unet,
    "stable-diffusion-3": _sd3,
    "stable-diffusion-xl": _unet_xl,
}


def _random(network: nn.Module, device: torch.device, dtype: torch.dtype, seed: int) -> nn.Module:
    """Fill all weights with random numbers, the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.1, generator=generator)
    network = network.eval().to(device)
    return network if dtype == torch.float32 else network.to(dtype)


def _process() -> ForwardProcess:
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    return ForwardProcess((1 - betas).cumprod(0).float())
