"""Tiny random CLIPs in the form of open_clip."""

import numpy as np
import open_clip
import torch
from family_pipelines import t5
from open_clip.model import set_model_preprocess_cfg
from open_clip.push_to_hf_hub import save_for_hf
from PIL import Image
from tiny_stable_diffusion import tokenizer

TEXT = {"context_length": 10, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
RESNET = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 4, "patch_size": None},
    "text_cfg": TEXT,
    "quick_gelu": True,
}
VIT = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": TEXT,
}
OWN = {
    "mean": (0.5, 0.4, 0.3),
    "std": (0.2, 0.3, 0.4),
    "interpolation": "bilinear",
    "resize_mode": "squash",
}


def build(config):
    """A random model in which every weight, also of batch norms, makes a difference."""
    torch.manual_seed(0)
    model = open_clip.CLIP(**config).eval()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith(("running_var", "bn1.weight", "bn2.weight", "bn3.weight")):
                value.uniform_(0.5, 1.5)
            elif name.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif value.ndim > 1:
                value.mul_(3)
        model.logit_scale.fill_(3.0)
    return model


def save(folder, config, preprocessing):
    """By open_clip's own function, with the tokenizer files and the pickle that the Hub has."""
    model = build(config)
    set_model_preprocess_cfg(model, preprocessing)
    save_for_hf(model, tokenizer(), config, folder, safe_serialization=True)
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"a pickle, not to be opened")
    return model


def random_images(count, size=(90, 70)):
    """Colour images; the last one is grey."""
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
    images = [Image.fromarray(array).resize(size) for array in arrays]
    return [*images[:-1], images[-1].convert("L")]


def siglip(folder):
    """A random SigLIP, saved by open_clip's own function; (model, tokenizer of transformers)."""
    _, tokens = t5()
    config = {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": 160, "timm_model_name": "test_vit", "timm_model_pretrained": False,
            "timm_pool": "map", "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": 32, "vocab_size": len(tokens), "width": 64, "heads": 2, "layers": 2,
            "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "no_causal_mask": True, "proj_bias": True, "pool_type": "last",
            "norm_kwargs": {"eps": 1e-6},
        },
    }  # fmt: skip
    torch.manual_seed(0)
    given = {key: value for key, value in config.items() if key != "custom_text"}
    model = open_clip.CustomTextCLIP(**given).eval()
    form = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}
    set_model_preprocess_cfg(model, form | {"resize_mode": "squash"})
    save_for_hf(model, tokens, config, folder, safe_serialization=True)
    return model, tokens
