"""Published networks, built from their configs with random weights.

The speed of a network does not depend on its weights, so nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class FullSize:
    """A published network: its family, its config, and the noise schedule of its training.

    text: shape `(token, channel)` of a prompt's text; pooled: channels of its pooled text (SDXL);
    prediction: the network's output, one of PREDICTIONS.
    """

    label: str
    family: str
    config: dict[str, Any]
    schedule: dict[str, Any]
    text: tuple[int, int] | None = None
    pooled: int | None = None
    prediction: str = "epsilon"


_STABLE_DIFFUSION = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
_UNET = {"sample_size": 64, "block_out_channels": (320, 640, 1280, 1280)}
_STABLE_DIFFUSION_2 = _UNET | {
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
_DIT = {
    "num_layers": 28,
    "num_attention_heads": 16,
    "attention_head_dim": 72,
    "patch_size": 2,
    "in_channels": 4,
    "out_channels": 8,
    "sample_size": 32,
    "num_embeds_ada_norm": 1000,
}
_LINEAR = {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}

FULL_SIZE = {
    # stable-diffusion-v1-5/stable-diffusion-v1-5
    "stable-diffusion-1.5": FullSize(
        "Stable Diffusion 1.5, full size",
        "stable-diffusion",
        _UNET | {"attention_head_dim": 8, "cross_attention_dim": 768},
        _STABLE_DIFFUSION,
        (77, 768),
    ),
    # stabilityai/stable-diffusion-2-base
    "stable-diffusion-2": FullSize(
        "Stable Diffusion 2, full size",
        "stable-diffusion",
        _STABLE_DIFFUSION_2,
        _STABLE_DIFFUSION,
        (77, 1024),
    ),
    # stabilityai/stable-diffusion-2-1
    "stable-diffusion-2.1": FullSize(
        "Stable Diffusion 2.1 at 768 pixels, full size",
        "stable-diffusion",
        _STABLE_DIFFUSION_2 | {"sample_size": 96, "upcast_attention": True},
        _STABLE_DIFFUSION,
        (77, 1024),
        prediction="v_prediction",
    ),
    # stabilityai/stable-diffusion-xl-base-1.0
    "stable-diffusion-xl": FullSize(
        "Stable Diffusion XL, full size",
        "stable-diffusion-xl",
        {
            "sample_size": 128,
            "block_out_channels": (320, 640, 1280),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 10),
            "attention_head_dim": (5, 10, 20),
            "cross_attention_dim": 2048,
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
        _STABLE_DIFFUSION,
        (77, 2048),
        1280,
    ),
    # facebook/DiT-XL-2-256
    "dit-xl-2": FullSize("DiT-XL/2, full size", "dit", _DIT, _LINEAR),
    # facebook/DiT-XL-2-512
    "dit-xl-2-512": FullSize(
        "DiT-XL/2 at 512 pixels, full size", "dit", _DIT | {"sample_size": 64}, _LINEAR
    ),
}


def tiny(spec: FullSize) -> FullSize:
    """A network of the same class and config keys that takes milliseconds, for rehearsals."""
    if spec.family == "dit":
        small = {"num_layers": 2, "num_attention_heads": 2, "attention_head_dim": 16}
        small |= {"sample_size": 8, "num_embeds_ada_norm": 10}
        return replace(spec, config=spec.config | small)
    blocks = len(spec.config["block_out_channels"])
    heads = spec.config["attention_head_dim"]
    small = {
        "sample_size": 8,
        "block_out_channels": (16, 32, 32, 32)[:blocks],
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "attention_head_dim": 4 if isinstance(heads, int) else (2, 4, 4, 4)[:blocks],
        "cross_attention_dim": 32,
    }
    pooled = None
    if spec.pooled is not None:
        pooled = 32
        small |= {"transformer_layers_per_block": (1, 1, 2), "addition_time_embed_dim": 8}
        small |= {"projection_class_embeddings_input_dim": 6 * 8 + pooled}
    return replace(spec, config=spec.config | small, text=(16, 32), pooled=pooled)
