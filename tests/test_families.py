"""SDXL, PixArt and SD 3: tiny pipelines saved by diffusers, against diffusers' own use of them."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from test_stable_diffusion import BETAS, TWO, prompts, tokenizer
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from diffusion_classifier.denoisers import family
from diffusion_classifier.encoders import encode_images
from diffusion_classifier.errors import Inputs, epsilon_errors
from diffusion_classifier.forward_process import FlowMatching
from diffusion_classifier.messages import InputError
from diffusion_classifier.noise import noise_bank
from diffusion_classifier.preprocess import Preprocess
from diffusion_classifier.schedules import Sample

CPU = torch.device("cpu")
LINEAR = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
SAMPLES = [Sample(5, 0), Sample(500, 1), Sample(990, 2)]
PAIRS = pd.DataFrame({"image": [0, 0, 1, 1], "prompt": [0, 1, 0, 1]})
TWELVE = "a photo of a red circle of a blue square"
NAMES = {"xl": "stable-diffusion-xl", "pixart": "pixart", "3": "stable-diffusion-3"}


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


def sd3(folder, with_t5=True):
    (first, tokens), (second, tokens_2) = clip(4, 1), clip(8, 2)
    third, tokens_3 = t5() if with_t5 else (None, None)
    transformer = SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=4, out_channels=4, num_layers=1,
        attention_head_dim=4, num_attention_heads=2, joint_attention_dim=16,
        caption_projection_dim=8, pooled_projection_dim=12, pos_embed_max_size=8,
    )  # fmt: skip
    pipeline = StableDiffusion3Pipeline(
        randomised(transformer), FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae(shift_factor=0.2, use_quant_conv=False, use_post_quant_conv=False),
        first, tokens, second, tokens_2, third, tokens_3,
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return pipeline


@pytest.fixture(scope="module")
def xl_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xl")
    return sdxl(folder), str(folder)


@pytest.fixture(scope="module")
def pixart_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixart")
    return pixart(folder), str(folder)


@pytest.fixture(scope="module")
def sd3_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sd3")
    return sd3(folder), str(folder)


@pytest.fixture(scope="module", params=["xl", "pixart", "3"])
def saved(request, xl_folder, pixart_folder, sd3_folder):
    """Adapter and folder of each family."""
    folders = {"xl": xl_folder, "pixart": pixart_folder, "3": sd3_folder}
    return family(NAMES[request.param]), folders[request.param][1]


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


# Stable Diffusion XL


def xl_prompts(pipeline):
    text, _, pooled, _ = pipeline.encode_prompt(
        TWO["prompt"].tolist(), device="cpu", do_classifier_free_guidance=False
    )
    return text, pooled


def test_xl_prompts_are_encoded_as_the_pipeline_does(xl_folder):
    pipeline, folder = xl_folder
    found = encode("xl", folder)
    text, pooled = xl_prompts(pipeline)
    assert set(found) == {"text", "pooled"}
    torch.testing.assert_close(found["text"], text)
    torch.testing.assert_close(found["pooled"], pooled)
    assert not torch.allclose(pooled[0], pooled[1])


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_xl_errors_are_those_of_the_pipelines_parts(tmp_path, prediction):
    pipeline, scheduler = sdxl(tmp_path, prediction), DDPMScheduler(**BETAS)
    text, pooled = xl_prompts(pipeline)
    sizes = pipeline._get_add_time_ids((16, 16), (0, 0), (16, 16), torch.float32, 16)

    def predicted(x_t, t, prompt):
        added = {"text_embeds": pooled[prompt][None], "time_ids": sizes}
        output = pipeline.unet(x_t, t, text[prompt][None], added_cond_kwargs=added).sample
        alpha_bar = scheduler.alphas_cumprod[t]
        if prediction == "epsilon":
            return output
        x0 = alpha_bar**0.5 * x_t - (1 - alpha_bar) ** 0.5 * output
        return (x_t - alpha_bar**0.5 * x0) / (1 - alpha_bar) ** 0.5

    def noised(x0, noise, t):
        return scheduler.add_noise(x0, noise, torch.tensor([t]))

    found = l2_of(family("stable-diffusion-xl"), str(tmp_path))
    assert set(found) == {"l1", "l2", "huber"}
    assert found["l2"] == pytest.approx(brute_force(pipeline, noised, predicted), rel=1e-3)
    assert np.abs(found["l2"][0] / found["l2"][1] - 1).max() > 1e-3  # prompts do differ


def test_xl_calls_the_unet_as_the_pipeline_does(xl_folder):
    """What the pipeline's own loop passes to the UNet, and gets back, with the same x_t and t."""
    pipeline, folder = xl_folder
    calls = []

    def spy(module, args, kwargs, output):
        calls.append((args[0], args[1], kwargs["added_cond_kwargs"], output[0]))

    hook = pipeline.unet.register_forward_hook(spy, with_kwargs=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline(TWO["prompt"][0], num_inference_steps=2, guidance_scale=1.0, output_type="latent")
    hook.remove()
    x_t, t, added, expected = calls[0]
    denoiser = family("stable-diffusion-xl").load(folder, CPU, torch.float32)
    assert torch.equal(denoiser.time_ids, added["time_ids"])
    condition = {name: value[:1] for name, value in encode("xl", folder).items()}
    found, variance = denoiser.predict(x_t, t.reshape(1).long(), condition)
    assert variance is None
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_xl_refuses_a_refiner(xl_folder, tmp_path):
    _, folder = xl_folder
    copy = shutil.copytree(folder, tmp_path / "refiner")
    path = copy / "text_encoder_2" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"projection_dim": 20}))
    with pytest.raises(InputError, match=r"input_dim is 40, expected 44.* not a refiner"):
        family("stable-diffusion-xl").load(str(copy), CPU, torch.float32)


# PixArt


@pytest.mark.parametrize("kind, limit", [(PixArtAlphaPipeline, 120), (PixArtSigmaPipeline, 300)])
def test_pixart_prompts_are_encoded_as_the_pipeline_does(tmp_path, kind, limit):
    pipeline = pixart(tmp_path, kind)
    asked = prompts("A photo of a red CIRCLE ", "a blue square")
    found = encode("pixart", tmp_path, asked)
    text, mask, _, _ = pipeline.encode_prompt(asked["prompt"].tolist(), False, device="cpu")
    assert text.shape[1] == limit
    longest = int(mask.sum(1).max())
    assert torch.equal(found["mask"], mask[:, :longest])
    torch.testing.assert_close(found["text"], text[:, :longest])
    fits, long = "a" * (limit - 2), "a" * (limit - 1)  # and a word's start, and the end
    assert encode("pixart", tmp_path, prompts(fits))["text"].shape[1] == limit
    with pytest.raises(InputError, match=f"with {limit + 1} tokens, expected at most {limit}"):
        encode("pixart", tmp_path, prompts(long))


@pytest.mark.parametrize("learned, sizes", [(True, True), (False, False)])
def test_pixart_errors_are_those_of_the_pipelines_parts(tmp_path, learned, sizes):
    pipeline, scheduler = pixart(tmp_path, learned=learned, sizes=sizes), DDPMScheduler(**LINEAR)
    text, mask, _, _ = pipeline.encode_prompt(TWO["prompt"].tolist(), False, device="cpu")
    added = {"resolution": torch.tensor([[16.0, 16.0]]), "aspect_ratio": torch.tensor([[1.0]])}

    def predicted(x_t, t, prompt):
        return pipeline.transformer(
            x_t, text[prompt][None], torch.tensor([t]), added,
            encoder_attention_mask=mask[prompt][None],
        ).sample[:, :4]  # fmt: skip

    def noised(x0, noise, t):
        return scheduler.add_noise(x0, noise, torch.tensor([t]))

    found = l2_of(family("pixart"), str(tmp_path))
    assert ("vlb" in found) == learned
    assert found["l2"] == pytest.approx(brute_force(pipeline, noised, predicted), rel=1e-3)
    assert np.abs(found["l2"][0] / found["l2"][1] - 1).max() > 1e-3


def test_pixarts_padding_has_no_effect(pixart_folder):
    """Beside a longer prompt, a prompt is padded, but predicted as if alone."""
    _, folder = pixart_folder
    denoiser = family("pixart").load(folder, CPU, torch.float32)
    x_t, t = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([9])
    both, alone = encode("pixart", folder), encode("pixart", folder, TWO[1:])
    assert alone["text"].shape[1] < both["text"].shape[1]
    padded = {name: value[1:] for name, value in both.items()}
    for found, expected in zip(
        denoiser.predict(x_t, t, padded), denoiser.predict(x_t, t, alone), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_pixarts_variance_is_the_second_half(pixart_folder):
    pipeline, folder = pixart_folder
    denoiser = family("pixart").load(folder, CPU, torch.float32)
    condition = encode("pixart", folder)
    x_t, t = torch.ones(2, 4, 8, 8), torch.tensor([3, 700])
    noise, variance = denoiser.predict(x_t, t, condition)
    with torch.no_grad():
        expected = pipeline.transformer(
            x_t, condition["text"], t,
            {"resolution": torch.full((2, 2), 16.0), "aspect_ratio": torch.ones(2, 1)},
            encoder_attention_mask=condition["mask"],
        ).sample  # fmt: skip
    torch.testing.assert_close(torch.cat([noise, variance], 1), expected)


def test_a_tokenizer_nothing_can_read_is_named(pixart_folder, tmp_path, monkeypatch):
    """The published PixArt folders have only SentencePiece's format."""
    monkeypatch.setattr("diffusion_classifier.denoisers.text.find_spec", lambda name: None)
    copy = shutil.copytree(pixart_folder[1], tmp_path / "old")
    (copy / "tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"tokenizer: found no tokenizer\.json.* put the"):
        encode("pixart", copy)


# Stable Diffusion 3


@pytest.mark.parametrize("with_t5", [True, False])
def test_sd3_prompts_are_encoded_as_the_pipeline_does(tmp_path, with_t5):
    pipeline = sd3(tmp_path, with_t5)
    found = encode("3", tmp_path)
    texts = TWO["prompt"].tolist()
    text, _, pooled, _ = pipeline.encode_prompt(
        texts, None, None, device="cpu", do_classifier_free_guidance=False
    )
    assert set(found) == {"text", "pooled"}
    torch.testing.assert_close(found["text"], text)
    torch.testing.assert_close(found["pooled"], pooled)
    assert bool(found["text"][:, 8:].any()) == with_t5
    denoiser = family("stable-diffusion-3").load(str(tmp_path), CPU, torch.float32)
    assert denoiser.predict(torch.ones(2, 4, 8, 8), torch.tensor([1, 2]), found)[0].isfinite().all()


def test_sd3_errors_are_those_of_the_pipelines_parts(sd3_folder):
    pipeline, folder = sd3_folder
    scheduler = pipeline.scheduler
    text, _, pooled, _ = pipeline.encode_prompt(
        TWO["prompt"].tolist(), None, None, device="cpu", do_classifier_free_guidance=False
    )

    def predicted(x_t, t, prompt):
        sigma, timestep = scheduler.sigmas[999 - t], scheduler.timesteps[999 - t]
        velocity = pipeline.transformer(
            x_t, text[prompt][None], pooled[prompt][None], timestep[None]
        ).sample
        x0 = x_t - sigma * velocity  # where a single Euler step to σ = 0 leads
        return (x_t - (1 - sigma) * x0) / sigma

    def noised(x0, noise, t):
        return scheduler.scale_noise(x0, scheduler.timesteps[999 - t][None], noise)

    found = l2_of(family("stable-diffusion-3"), folder)
    assert set(found) == {"l1", "l2", "huber"}
    assert found["l2"] == pytest.approx(brute_force(pipeline, noised, predicted), rel=1e-3)
    assert np.abs(found["l2"][0] / found["l2"][1] - 1).max() > 1e-3


def test_sd3_calls_the_transformer_as_the_pipeline_does(sd3_folder):
    """The pipeline's loop at a step whose σ is one of training: the same timestep, and answer."""
    pipeline, folder = sd3_folder
    calls = []

    def spy(module, args, kwargs, output):
        calls.append((kwargs["hidden_states"], kwargs["timestep"], output[0]))

    hook = pipeline.transformer.register_forward_hook(spy, with_kwargs=True)
    pipeline.set_progress_bar_config(disable=True)
    sigmas = [1.0, 0.5]  # shifted by the scheduler: 1 and 0.75
    pipeline(
        TWO["prompt"][0], num_inference_steps=2, sigmas=sigmas, guidance_scale=1.0,
        output_type="latent",
    )  # fmt: skip
    hook.remove()
    # as it was: sampling left its own noise levels there
    pipeline.scheduler = FlowMatchEulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    x_t, timestep, velocity = calls[1]
    denoiser = family("stable-diffusion-3").load(folder, CPU, torch.float32)
    index = torch.tensor([499])  # the 500th of 1000 noise levels
    told = denoiser.process.sigmas[index] * 1000
    assert told.item() == pytest.approx(timestep.item()) == pytest.approx(750)
    condition = {name: value[:1] for name, value in encode("3", folder).items()}
    found, _ = denoiser.predict(x_t, index, condition)
    torch.testing.assert_close(found, x_t + 0.25 * velocity, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_matching_noises_as_the_scheduler_does(sd3_folder, tmp_path, shift):
    copy = shutil.copytree(sd3_folder[1], tmp_path / "copy")
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.save_pretrained(copy / "scheduler")
    process = family("stable-diffusion-3").load(str(copy), CPU, torch.float32).process
    assert process.timesteps == 1000
    assert (process.sigmas.diff() > 0).all() and process.sigmas[0] > 0 and process.sigmas[-1] == 1
    assert torch.equal(process.sigmas * process.timesteps, scheduler.timesteps.flip(0))
    x0, noise = torch.randn(2, 1000, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = scheduler.scale_noise(x0, scheduler.timesteps.flip(0), noise)
    torch.testing.assert_close(process.noised(x0, noise, torch.arange(1000)), expected)
    # a perfect velocity gives the noise back, at every timestep, and the noise x_0
    x_t, every = expected, torch.arange(1000)
    epsilon = process.noise_from_velocity(x_t, noise - x0, every)
    torch.testing.assert_close(epsilon, noise, rtol=0, atol=2e-6)
    x0_hat = process.predicted_x0(x_t, noise, every)
    torch.testing.assert_close(x0_hat[:900], x0[:900], rtol=1e-3, atol=1e-4)
    assert not x0_hat[-1].any()


def test_an_error_of_the_velocity_is_scaled_by_one_minus_sigma():
    """‖ε - ε_θ‖ = (1 - σ) ‖v - v_θ‖."""
    process = FlowMatching(torch.tensor([0.1, 0.5, 1.0]))
    x0, noise, wrong = torch.randn(3, 3, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    index = torch.arange(3)
    x_t = process.noised(x0, noise, index)
    epsilon = process.noise_from_velocity(x_t, noise - x0 + wrong, index)
    expected = (1 - process.sigmas) * wrong.flatten(1).norm(dim=1)
    torch.testing.assert_close((epsilon - noise).flatten(1).norm(dim=1), expected)


def test_the_vaes_shift_is_taken_off(sd3_folder):
    pipeline, folder = sd3_folder
    found = encode_images(folder, Preprocess(size=16), pictures(), CPU, torch.float32)
    pixels = pipeline.image_processor.preprocess(pictures())
    with torch.no_grad():
        expected = (pipeline.vae.encode(pixels).latent_dist.mode() - 0.2) * 0.3
    torch.testing.assert_close(found, expected)


# All


def test_neither_batch_nor_neighbours_matter(saved):
    adapter, folder = saved
    whole, single = l2_of(adapter, folder, batch=12), l2_of(adapter, folder, batch=1)
    for loss, values in whole.items():
        assert values == pytest.approx(single[loss], rel=1e-4), loss


def test_bfloat16_stays_close(saved):
    adapter, folder = saved
    found, expected = l2_of(adapter, folder, torch.bfloat16), l2_of(adapter, folder)
    assert found["l2"].dtype == np.float32
    # SD 3's errors at the last timesteps are as small as bfloat16's rounding of x_t squared
    assert found["l2"] == pytest.approx(expected["l2"], rel=0.1, abs=4e-6)


def test_a_prompt_too_long_is_named_or_cut(saved):
    adapter, folder = saved
    limit = 120 if adapter.__name__.endswith("pixart") else 8
    start = " ".join([TWELVE] * 5) if limit == 120 else TWELVE
    asked = prompts("a", start)
    with pytest.raises(InputError, match=rf"prompts: found '{start}' with .* at most {limit}, "):
        adapter.encode_prompts(folder, asked, CPU, torch.float32)
    found = adapter.encode_prompts(folder, asked, CPU, torch.float32, truncate=True)
    assert all(len(value) == 2 for value in found.values())
    # one more word at the end of what is cut changes nothing that CLIP (PixArt: T5) reads
    more = adapter.encode_prompts(
        folder, prompts("a", start + " red"), CPU, torch.float32, truncate=True
    )
    for name, value in found.items():
        seen = slice(None) if value.ndim == 2 else slice(0, limit)
        torch.testing.assert_close(value[:, seen], more[name][:, seen], rtol=0, atol=0)


def test_an_unknown_prediction_is_named(saved, tmp_path):
    adapter, folder = saved
    (copy := tmp_path / "copy").mkdir()
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    DDPMScheduler(prediction_type="sample").save_pretrained(copy / "scheduler")
    with pytest.raises(InputError, match=r"found .*prediction_type 'sample'.* expected .* choose"):
        adapter.load(str(copy), CPU, torch.float32)


def test_only_safetensors_are_read(saved, tmp_path):
    adapter, folder = saved
    copy = shutil.copytree(folder, tmp_path / "copy")
    for path in copy.rglob("*.safetensors"):
        torch.save({}, path.with_suffix(".bin"))
        path.unlink()
    with pytest.raises(OSError, match="safetensors"):
        adapter.load(str(copy), CPU, torch.float32)
    with pytest.raises(OSError, match="safetensors"):
        adapter.encode_prompts(str(copy), TWO, CPU, torch.float32)
