"""Tiny pipelines of SDXL, PixArt, SD 3 and FLUX saved by diffusers, and their errors by hand."""

import numpy as np
import pandas as pd
import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from tiny_stable_diffusion import BETAS, TWO, tokenizer
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample

CPU = torch.device("cpu")
LINEAR = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
SAMPLES = [Sample(5, 0), Sample(500, 1), Sample(990, 2)]
PAIRS = pd.DataFrame({"image": [0, 0, 1, 1], "prompt": [0, 1, 0, 1]})
NAMES = {
    "xl": "stable-diffusion-xl",
    "pixart": "pixart",
    "3": "stable-diffusion-3",
    "flux": "flux",
}


def clip(width, seed, projected=True):
    torch.manual_seed(seed)
    tokens = tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokens), hidden_size=width, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=8, bos_token_id=tokens.bos_token_id,
        eos_token_id=tokens.eos_token_id, pad_token_id=tokens.pad_token_id, projection_dim=width,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval(), tokens


def t5():
    """T5 and a Unigram tokenizer of single letters."""
    torch.manual_seed(4)
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    vocabulary += [(letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokens = T5Tokenizer(vocab=vocabulary, extra_ids=0)
    config = T5Config(
        vocab_size=len(vocabulary), d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return T5EncoderModel(config).eval(), tokens


def vae(**options):
    torch.manual_seed(5)
    return AutoencoderKL(
        block_out_channels=(8, 8), latent_channels=4, norm_num_groups=4, sample_size=16,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
        scaling_factor=0.3, **options,
    ).eval()  # fmt: skip


def randomised(model):
    """`model` with no layer left at zero, so that every input has its effect."""
    torch.manual_seed(6)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return model.eval()


def sdxl(folder, prediction="epsilon"):
    (first, tokens), (second, tokens_2) = clip(8, 1, projected=False), clip(16, 2)
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=24, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=[1, 2],
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=16 + 6 * 4,
    )  # fmt: skip
    scheduler = EulerDiscreteScheduler(**BETAS, prediction_type=prediction, steps_offset=1)
    pipeline = StableDiffusionXLPipeline(
        vae(), first, second, tokens, tokens_2, randomised(unet), scheduler, add_watermarker=False
    )
    pipeline.save_pretrained(folder)
    return pipeline


def pixart(folder, kind=PixArtAlphaPipeline, learned=True, sizes=True):
    encoder, tokens = t5()
    transformer = PixArtTransformer2DModel(
        num_layers=1, num_attention_heads=2, attention_head_dim=6, in_channels=4,
        out_channels=8 if learned else 4, cross_attention_dim=12, caption_channels=16,
        sample_size=8, use_additional_conditions=sizes,
    )  # fmt: skip
    scheduler = DPMSolverMultistepScheduler(**LINEAR)
    pipeline = kind(tokens, encoder, vae(), randomised(transformer), scheduler)
    pipeline.save_pretrained(folder)
    return pipeline


def sd3(folder, with_t5=True, **network):
    (first, tokens), (second, tokens_2) = clip(4, 1), clip(8, 2)
    third, tokens_3 = t5() if with_t5 else (None, None)
    transformer = SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=4, out_channels=4, num_layers=1,
        attention_head_dim=4, num_attention_heads=2, joint_attention_dim=16,
        caption_projection_dim=8, pooled_projection_dim=12, pos_embed_max_size=8,
        **network,
    )  # fmt: skip
    pipeline = StableDiffusion3Pipeline(
        randomised(transformer), FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae(shift_factor=0.2, use_quant_conv=False, use_post_quant_conv=False),
        first, tokens, second, tokens_2, third, tokens_3,
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return pipeline


def flux(folder, guided=True, **levels):
    """As FLUX.1-dev, or (not `guided`) as FLUX.1-schnell; `levels` are keys of the scheduler."""
    (first, tokens), (second, tokens_2) = clip(4, 1, projected=False), t5()
    transformer = FluxTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=16, pooled_projection_dim=4,
        guidance_embeds=guided, axes_dims_rope=(2, 2, 4),
    )  # fmt: skip
    pipeline = FluxPipeline(
        FlowMatchEulerDiscreteScheduler(**{"shift": 3.0} | levels),
        vae(shift_factor=0.2, use_quant_conv=False, use_post_quant_conv=False),
        first, tokens, second, tokens_2, randomised(transformer),
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return pipeline


def encode(name, folder, asked=TWO, **options):
    return family(NAMES[name]).encode_prompts(str(folder), asked, CPU, torch.float32, **options)


def pictures():
    return [
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8))
        for i in range(2)
    ]


def l2_of(adapter, folder, dtype=torch.float32, batch=5):
    """The engine's L2 of PAIRS at SAMPLES, as the workflow's jobs compute it."""
    latents = encode_images(folder, Preprocess(size=16), pictures(), CPU, dtype)
    conditions = adapter.encode_prompts(folder, TWO, CPU, dtype)
    inputs = Inputs(latents, torch.arange(2), conditions, noise_bank((4, 8, 8), 3, seed=0))
    denoiser = adapter.load(folder, CPU, dtype)
    return epsilon_errors(denoiser, inputs, PAIRS, SAMPLES, batch, CPU, dtype)


@torch.no_grad()
def brute_force(pipeline, noised, predicted):
    """The same by hand, one at a time: VAE of the pipeline, `noised` and `predicted` ε."""
    bank, expected = noise_bank((4, 8, 8), 3, seed=0), np.empty((4, 3))
    config = pipeline.vae.config
    for row, pair in PAIRS.iterrows():
        pixels = pipeline.image_processor.preprocess(pictures()[pair["image"]])
        mode = pipeline.vae.encode(pixels).latent_dist.mode()
        x0 = (mode - (config.shift_factor or 0)) * config.scaling_factor
        for column, (t, index, _) in enumerate(SAMPLES):
            noise = bank[index : index + 1]
            x_t = noised(x0, noise, t)
            epsilon = predicted(x_t, t, pair["prompt"])
            expected[row, column] = (epsilon - noise).square().mean()
    return expected
