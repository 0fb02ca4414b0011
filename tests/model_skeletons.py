"""Folders of models with true configs and empty weights, and how they are refused."""

import json

UNET = {"_class_name": "UNet2DConditionModel", "in_channels": 4, "out_channels": 4}
CLIP = {"model_type": "clip_text_model"}
T5 = {"model_type": "t5", "d_model": 4096}
VAE = {"_class_name": "AutoencoderKL", "latent_channels": 4, "in_channels": 3}
# configs as of published models
CONFIGS = {
    "stable-diffusion": {
        "unet": UNET | {"cross_attention_dim": 768},
        "vae": VAE,
        "text_encoder": CLIP | {"hidden_size": 768},
    },
    "stable-diffusion-xl": {
        "unet": UNET
        | {
            "sample_size": 128,
            "cross_attention_dim": 2048,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
        "vae": VAE,
        "text_encoder": CLIP | {"hidden_size": 768, "projection_dim": 768},
        "text_encoder_2": CLIP | {"hidden_size": 1280, "projection_dim": 1280},
    },
    "stable-diffusion-3": {
        "transformer": {"_class_name": "SD3Transformer2DModel", "in_channels": 16}
        | {"joint_attention_dim": 4096, "pooled_projection_dim": 2048, "out_channels": 16},
        "vae": VAE | {"latent_channels": 16},
        "text_encoder": CLIP | {"hidden_size": 768, "projection_dim": 768},
        "text_encoder_2": CLIP | {"hidden_size": 1280, "projection_dim": 1280},
        "text_encoder_3": T5,
    },
    "flux": {
        "transformer": {"_class_name": "FluxTransformer2DModel", "in_channels": 64}
        | {"patch_size": 1, "num_layers": 19, "num_single_layers": 38, "guidance_embeds": True}
        | {"attention_head_dim": 128, "num_attention_heads": 24}
        | {"joint_attention_dim": 4096, "pooled_projection_dim": 768},
        "vae": VAE | {"latent_channels": 16, "scaling_factor": 0.3611, "shift_factor": 0.1159},
        "text_encoder": CLIP | {"hidden_size": 768, "projection_dim": 768},
        "text_encoder_2": T5,
    },
    "pixart": {
        "transformer": {"_class_name": "PixArtTransformer2DModel", "in_channels": 4}
        | {"out_channels": 8, "caption_channels": 4096, "cross_attention_dim": 1152},
        "vae": VAE,
        "text_encoder": T5,
    },
    "dit": {
        "transformer": {"_class_name": "DiTTransformer2DModel", "in_channels": 4}
        | {"out_channels": 8, "num_embeds_ada_norm": 1000},
        "vae": VAE,
    },
}
PIPELINES = {
    "stable-diffusion": "StableDiffusionPipeline",
    "stable-diffusion-xl": "StableDiffusionXLPipeline",
    "stable-diffusion-3": "StableDiffusion3Pipeline",
    "flux": "FluxPipeline",
    "pixart": "PixArtAlphaPipeline",
    "dit": "DiTPipeline",
}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def save(folder, family, index=True):
    """A folder of `family`: configs as they are published, and empty files for all the rest."""
    parts = CONFIGS[family]
    for part, config in parts.items():
        write(folder / part / "config.json", config)
        stem = "model" if "text" in part else "diffusion_pytorch_model"
        write(folder / part / f"{stem}.safetensors", "")
        if "text" in part:
            tokenizer = folder / part.replace("text_encoder", "tokenizer")
            names = ["spiece.model"] if config is T5 else ["vocab.json", "merges.txt"]
            for name in names:
                write(tokenizer / name, "")
    name = "FlowMatchEuler" if family in ("stable-diffusion-3", "flux") else "Euler"
    scheduler = {"_class_name": f"{name}DiscreteScheduler"}
    write(folder / "scheduler" / "scheduler_config.json", scheduler)
    named = {part: ["library", "Class"] for part in parts}
    if index:
        write(folder / "model_index.json", {"_class_name": PIPELINES[family], **named})
    return folder


def change(folder, part, **values):
    path = folder / part / "config.json"
    write(path, json.loads(path.read_text()) | values)
