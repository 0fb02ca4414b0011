"""A tiny class-conditional model and images of its size."""

import numpy as np
import pandas as pd
import torch
from diffusers import DDPMScheduler, DiTTransformer2DModel
from PIL import Image

from diffusion_classifier.denoisers.dit import load
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.samples import Sample


def save_dit(folder):
    """Write a tiny random DiT of 4 classes on 1 x 8 x 8 pixels into `folder`."""
    torch.manual_seed(0)
    model = DiTTransformer2DModel(
        num_layers=1, num_attention_heads=2, attention_head_dim=8, patch_size=4, sample_size=8,
        in_channels=1, out_channels=2, num_embeds_ada_norm=4, norm_num_groups=2,
    )  # fmt: skip
    for weight in model.parameters():  # diffusers starts some layers at zero
        torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder / "transformer")
    DDPMScheduler(beta_schedule="linear").save_pretrained(folder / "scheduler")


def grey_images():
    """Three of 8 x 8 random pixels."""
    values = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    return [Image.fromarray(image) for image in values]


def tiny_engine(folder, journal=None):
    """An engine on the model of `save_dit` and random images; pairs and samples to ask it about."""
    cpu, generator = torch.device("cpu"), torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(5, 1, 8, 8, generator=generator) for _ in range(2))
    inputs = Inputs(latents, torch.arange(5), {"class_labels": torch.arange(4)}, noise)
    pairs = pd.DataFrame([(i, c) for i in range(5) for c in range(4)], columns=["image", "prompt"])
    samples = [Sample(50 + 150 * n, n) for n in range(5)]
    denoiser = load(str(folder), cpu, torch.float32)
    return Engine(denoiser, inputs, 64, cpu, torch.float32, journal), pairs, samples
