"""Tiny random denoisers, their inputs, and their errors one by one."""

import numpy as np
import pandas as pd
import torch
from diffusers import DiTTransformer2DModel, UNet2DConditionModel

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.samples import Sample

CPU = torch.device("cpu")
PROCESS = ForwardProcess(torch.linspace(0.999, 0.01, 1000))
SAMPLES = [Sample(10, 3), Sample(500, 0), Sample(990, 1)]
# images in any order and with different numbers of prompts, as late in a race
PAIRS = pd.DataFrame(
    [(7, 0), (7, 1), (7, 3), (2, 0), (2, 2), (5, 3), (9, 0), (9, 1), (9, 2), (9, 3)],
    columns=["image", "prompt"],
)
UNET = {
    "sample_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (16, 32),
    "norm_num_groups": 4,
    "cross_attention_dim": 12,
    "layers_per_block": 2,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
}
UNETS = {
    "SD 1.x": {"attention_head_dim": 2},
    "SD 2.x": {"attention_head_dim": (2, 4), "use_linear_projection": True},
    "two layers of attention": {"attention_head_dim": 4, "transformer_layers_per_block": 2},
    "a first block without attention": {
        "attention_head_dim": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    },
    "an odd size": {"attention_head_dim": 4, "sample_size": 7},
}


def unet_inputs(size=8):
    generator = torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(4, 4, size, size, generator=generator) for _ in range(2))
    text = torch.randn(4, 5, 12, generator=generator)
    return Inputs(latents, torch.tensor([2, 5, 7, 9]), {"text": text}, noise)


def dit_inputs():
    labels = torch.tensor([3, 0, 1, 2])
    inputs = unet_inputs()
    return Inputs(inputs.latents, inputs.images, {"class_labels": labels}, inputs.noise)


def unet(**changes):
    torch.manual_seed(0)
    return UNet2DConditionModel(**{**UNET, **changes}).eval()


def dit(**changes):
    torch.manual_seed(0)
    sizes = {"num_layers": 2, "num_attention_heads": 2, "attention_head_dim": 8, "patch_size": 2}
    channels = {"in_channels": 4, "out_channels": 8, "sample_size": 8, "num_embeds_ada_norm": 4}
    model = DiTTransformer2DModel(**{**sizes, **channels, **changes}).eval()
    for parameter in model.parameters():  # make sure that no modulation is zero
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def one_by_one(call, inputs, process=PROCESS):
    """L2 errors of a loop over pairs and samples, one evaluation at a time."""
    found = np.empty((len(PAIRS), len(SAMPLES)))
    numbers = inputs.images.tolist()
    for row, (image, prompt) in enumerate(PAIRS.to_numpy()):
        for column, (timestep, number, _) in enumerate(SAMPLES):
            x0, noise = inputs.latents[numbers.index(image)][None], inputs.noise[number][None]
            t = torch.tensor([timestep])
            with torch.no_grad():
                predicted = call(process.noised(x0, noise, t), t, prompt)
            found[row, column] = ((predicted - noise) ** 2).mean()
    return found
