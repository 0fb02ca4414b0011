"""The Stable Diffusion adapter, against pipelines saved by diffusers and their own schedulers."""

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import (
    DDPMScheduler,
)
from PIL import Image
from tiny_stable_diffusion import BETAS, TWO, prompts, save_pipeline

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError

CPU = torch.device("cpu")


@pytest.fixture(
    scope="module",
    params=[(1, "epsilon"), (2, "epsilon"), (2, "v_prediction")],
    ids=lambda p: f"SD {p[0]}.x {p[1]}",
)
def saved(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    return save_pipeline(folder, *request.param), str(folder), request.param[1]


def test_prompts_are_encoded_as_the_pipeline_does(saved):
    pipeline, folder, _ = saved
    found = family("stable-diffusion").encode_prompts(folder, TWO, CPU, torch.float32)
    expected, _ = pipeline.encode_prompt(TWO["prompt"].tolist(), "cpu", 1, False)
    assert set(found) == {"text"}
    torch.testing.assert_close(found["text"], expected)
    assert not torch.allclose(found["text"][0], found["text"][1])


def test_errors_are_those_of_the_pipelines_parts(saved, tmp_path):
    """The engine's L2 by hand: VAE, text, UNet and scheduler of the pipeline, one at a time."""
    pipeline, folder, prediction = saved
    images = [
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8))
        for i in range(2)
    ]
    latents = encode_images(folder, Preprocess(size=16), images, CPU, torch.float32)
    adapter = family("stable-diffusion")
    conditions = adapter.encode_prompts(folder, TWO, CPU, torch.float32)
    noise = noise_bank(latents.shape[1:], 3, seed=0)
    samples = [Sample(5, 0), Sample(500, 1), Sample(990, 2)]
    pairs = pd.DataFrame({"image": [0, 0, 1, 1], "prompt": [0, 1, 0, 1]})
    denoiser = adapter.load(folder, CPU, torch.float32)
    inputs = Inputs(latents, torch.arange(2), conditions, noise)
    found = epsilon_errors(denoiser, inputs, pairs, samples, 5, CPU, torch.float32)
    assert set(found) == {"l1", "l2", "huber"}  # no learned variance
    scheduler = DDPMScheduler(**BETAS, prediction_type=prediction, clip_sample=False)
    text, _ = pipeline.encode_prompt(TWO["prompt"].tolist(), "cpu", 1, False)
    for row, pair in pairs.iterrows():
        pixels = pipeline.image_processor.preprocess(images[pair["image"]])
        x0 = pipeline.vae.encode(pixels).latent_dist.mode() * pipeline.vae.config.scaling_factor
        for column, (t, index, _) in enumerate(samples):
            x_t = scheduler.add_noise(x0, noise[index : index + 1], torch.tensor([t]))
            with torch.no_grad():
                output = pipeline.unet(x_t, t, text[pair["prompt"]][None]).sample
            # ε from x_t and the x0 that the scheduler's own step reconstructs
            x0_hat = scheduler.step(output, t, x_t).pred_original_sample
            alpha_bar = scheduler.alphas_cumprod[t]
            epsilon = (x_t - alpha_bar**0.5 * x0_hat) / (1 - alpha_bar) ** 0.5
            expected = (epsilon - noise[index]).square().mean().item()
            assert found["l2"][row, column] == pytest.approx(expected, rel=1e-3)


def test_a_prompt_too_long_is_named(saved):
    _, folder, _ = saved
    long = "a photo of a red circle of a blue square"
    with pytest.raises(InputError, match=f"found '{long}' with 12 tokens, expected at most 8"):
        family("stable-diffusion").encode_prompts(folder, prompts("a", long), CPU, torch.float32)


def test_a_prompt_too_long_is_cut_if_asked(saved):
    """To the start, six words and the end: what the first six words alone are encoded as."""
    pipeline, folder, _ = saved
    encode = family("stable-diffusion").encode_prompts
    asked = prompts("a photo of a red circle of a blue square", "a blue square")
    found = encode(folder, asked, CPU, torch.float32, truncate=True)["text"]
    cut = prompts("a photo of a red circle", "a blue square")
    short = encode(folder, cut, CPU, torch.float32)["text"]
    torch.testing.assert_close(found, short, rtol=0, atol=0)
    expected, _ = pipeline.encode_prompt(asked["prompt"].tolist(), "cpu", 1, False)
    torch.testing.assert_close(found, expected)
    with pytest.raises(InputError, match="shorten it, or let the model's key `truncate_prompts`"):
        encode(folder, asked, CPU, torch.float32)


def test_half_precision_stays_close(saved):
    _, folder, _ = saved
    adapter = family("stable-diffusion")
    conditions = adapter.encode_prompts(folder, TWO, CPU, torch.float32)
    noise = noise_bank((4, 8, 8), 2, seed=0)
    inputs = Inputs(torch.zeros(1, 4, 8, 8), torch.arange(1), conditions, noise)
    pairs = pd.DataFrame({"image": [0, 0], "prompt": [0, 1]})
    samples = [Sample(100, 0), Sample(900, 1)]
    errors = {}
    for dtype in (torch.float32, torch.bfloat16):
        denoiser = adapter.load(folder, CPU, dtype)
        found = epsilon_errors(denoiser, inputs, pairs, samples, 4, CPU, dtype)
        errors[dtype] = found["l2"]
        assert found["l2"].dtype == np.float32
    assert errors[torch.bfloat16] == pytest.approx(errors[torch.float32], rel=0.05)
