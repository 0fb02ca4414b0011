"""A tiny pipeline and a LoRA of it."""

import torch
from diffusers import (
    AutoencoderKL,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)


def text_encoder(kind=CLIPTextModel, layers=2):
    return kind(
        CLIPTextConfig(
            vocab_size=6, hidden_size=16, intermediate_size=32, num_hidden_layers=layers,
            num_attention_heads=2, max_position_embeddings=4, projection_dim=16,
            bos_token_id=0, eos_token_id=1, pad_token_id=1,
        )
    )  # fmt: skip


def unet(**options):
    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        **{"cross_attention_dim": 16, "attention_head_dim": 4, **options},
    )  # fmt: skip


def save_pipeline(folder, xl=False):
    torch.manual_seed(0)
    words = {"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2, "b</w>": 3, "a": 4, "b": 5}
    tokenizer = CLIPTokenizer(vocab=words, merges=[], model_max_length=4)
    vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=2, latent_channels=4)
    parts = {
        "vae": vae,
        "text_encoder": text_encoder(),
        "tokenizer": tokenizer,
        "scheduler": PNDMScheduler(),
    }
    if xl:
        model = unet(
            cross_attention_dim=32, addition_embed_type="text_time", addition_time_embed_dim=2,
            projection_class_embeddings_input_dim=28,
        )  # fmt: skip
        pipeline = StableDiffusionXLPipeline(
            **parts, unet=model, tokenizer_2=tokenizer, text_encoder_2=text_encoder(
                CLIPTextModelWithProjection
            ),
        )  # fmt: skip
    else:
        pipeline = StableDiffusionPipeline(
            **parts, unet=unet(), safety_checker=None, feature_extractor=None,
            requires_safety_checker=False,
        )  # fmt: skip
    pipeline.save_pretrained(folder)
    return folder


def kohya(layers, seed=3):
    """A file of kohya's: for each layer (its name, its out and in, rank, alpha), and its deltas."""
    torch.manual_seed(seed)
    tensors, deltas = {}, {}
    for name, (outputs, *inputs), rank, alpha in layers:
        down = torch.randn(rank, *inputs)
        up = torch.randn(outputs, rank, *[1] * len(inputs[1:]))
        prefix, path = name.split(":")
        key = f"{prefix}_{path.replace('.', '_')}"
        tensors |= {
            f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up,
            f"{key}.alpha": torch.tensor(float(alpha)),
        }  # fmt: skip
        deltas[path] = alpha / rank * torch.tensordot(up.flatten(1), down, 1)
    return tensors, deltas


ATTENTION = "down_blocks.0.attentions.0.transformer_blocks.0"
KOHYA = [
    (f"lora_unet:{ATTENTION}.attn1.to_q", (8, 8), 2, 1),
    (f"lora_unet:{ATTENTION}.attn2.to_k", (8, 16), 4, 2),
    ("lora_unet:up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_v", (8, 8), 4, 7),
    (f"lora_unet:{ATTENTION}.ff.net.0.proj", (64, 8), 3, 4),
    ("lora_unet:down_blocks.0.attentions.0.proj_in", (8, 8, 1, 1), 2, 3),
    ("lora_unet:down_blocks.0.resnets.0.conv1", (8, 8, 3, 3), 2, 5),
    ("lora_te:text_model.encoder.layers.0.self_attn.q_proj", (16, 16), 4, 2),
    ("lora_te:text_model.encoder.layers.1.self_attn.q_proj", (16, 16), 4, 5),
    ("lora_te:text_model.encoder.layers.1.mlp.fc1", (32, 16), 2, 1),
]
