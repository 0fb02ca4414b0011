"""SDXL: a tiny pipeline saved by diffusers, against diffusers' own use of it."""

import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import (
    DDPMScheduler,
)
from family_pipelines import (
    CPU,
    brute_force,
    encode,
    l2_of,
    sdxl,
)
from tiny_stable_diffusion import BETAS, TWO

from diffusion_classifier.denoisers.families import family
from diffusion_classifier.messages import InputError


@pytest.fixture(scope="module")
def xl_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xl")
    return sdxl(folder), str(folder)


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
