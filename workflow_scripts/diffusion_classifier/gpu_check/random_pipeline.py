"""Write a model folder of Stable Diffusion 2 with random weights, which whole jobs can load."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from diffusion_classifier.benchmarks import timed_networks
from diffusion_classifier.benchmarks.full_size import FULL_SIZE, tiny

SPEC = FULL_SIZE["stable-diffusion-2"]
_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "latent_channels": 4,
}
_TEXT = {
    "vocab_size": 49408,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
}
_TINY_VAE = {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4}
_TINY_TEXT = {"intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def save(folder: Path, device: torch.device, small: bool, scenes: Path) -> int:
    """Write UNet, CLIP, VAE and schedule to `folder` in float16; return the images' side in pixels.

    `small` gives networks of the same classes that take milliseconds. The tokenizer and
    model_index.json come from `scenes`, the folder of the shipped scenes-sd, so prompts may have
    its words only.
    """
    from diffusers import AutoencoderKL, DDPMScheduler
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    spec = tiny(SPEC) if small else SPEC
    tokens, width = spec.text
    text = _TEXT | (_TINY_TEXT if small else {})
    config = CLIPTextConfig(hidden_size=width, max_position_embeddings=tokens, **text)
    with device:
        vae = AutoencoderKL(**_VAE | (_TINY_VAE if small else {}))
        encoder = CLIPTextModel(config)
    unet = timed_networks.full_size(spec, device, torch.float16).network
    parts = {"unet": unet, "vae": vae.half(), "text_encoder": encoder.half()}
    for name, network in parts.items():
        network.save_pretrained(folder / name)
    DDPMScheduler(**spec.schedule).save_pretrained(folder / "scheduler")
    tokenizer = CLIPTokenizer.from_pretrained(scenes / "tokenizer", model_max_length=tokens)
    tokenizer.save_pretrained(folder / "tokenizer")
    shutil.copyfile(scenes / "model_index.json", folder / "model_index.json")
    return timed_networks.pixels(unet)[0]
