"""A tiny random Stable Diffusion in the layout of diffusers."""

import pandas as pd
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
WORDS = ["a", "red", "blue", "circle", "square", "photo", "of"]


def tokenizer(length=8):
    """CLIP's tokenizer with a vocabulary in which every one of WORDS is one token."""
    pieces, merges = ["<|startoftext|>", "<|endoftext|>"], []
    for word in WORDS:
        letters = [*word[:-1], word[-1] + "</w>"]
        merged = letters[0]
        for letter in letters[1:]:
            merges.append((merged, letter))
            merged += letter
            pieces.append(merged)
        pieces += [*letters, *word, f"{word[0]}</w>"]
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return CLIPTokenizer(vocab=numbers, merges=list(dict.fromkeys(merges)), model_max_length=length)


def save_pipeline(folder, version, prediction):
    """A tiny random pipeline in the layout of SD 1.x (PNDM) or 2.x (DDIM, linear projections)."""
    torch.manual_seed(0)
    tokens = tokenizer()
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, max_position_embeddings=8, bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id, pad_token_id=tokens.pad_token_id,
            hidden_act="quick_gelu" if version == 1 else "gelu",
        )
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=16, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=4 if version == 1 else [1, 2], use_linear_projection=version == 2,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 16), latent_channels=4, norm_num_groups=4, sample_size=16,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
        scaling_factor=0.3,
    )  # fmt: skip
    scheduler = (
        PNDMScheduler(**BETAS, skip_prk_steps=True, steps_offset=1, prediction_type=prediction)
        if version == 1
        else DDIMScheduler(**BETAS, clip_sample=False, steps_offset=1, prediction_type=prediction)
    )
    pipeline = StableDiffusionPipeline(
        vae, text, tokens, unet, scheduler, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder, safe_serialization=True)
    return pipeline


def prompts(*texts):
    return pd.DataFrame({"prompt": texts, "classname": texts, "classidx": range(len(texts))})


TWO = prompts("a photo of a red circle", "a blue square")
