"""Stable Diffusion 3: tiny pipelines saved by diffusers, against diffusers' own use of them."""

import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
)
from family_pipelines import (
    CPU,
    brute_force,
    encode,
    l2_of,
    pictures,
    sd3,
)
from tiny_stable_diffusion import TWO

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import FAMILIES, family
from diffusion_classifier.denoisers.forward_process import FlowMatching
from diffusion_classifier.denoisers.model_folders import detect_family
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.weights.model_parts import check_model_folder


@pytest.fixture(scope="module")
def sd3_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sd3")
    return sd3(folder), str(folder)


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


def test_a_model_of_few_steps_is_measured_as_any_other(tmp_path):
    """A folder of the form of stable-diffusion-3.5-large-turbo, at the σ of its four steps."""
    pipeline = sd3(tmp_path, qk_norm="rms_norm")
    scheduler = {"num_train_timesteps": 1000, "shift": 3.0}
    (tmp_path / "scheduler" / "scheduler_config.json").write_text(
        json.dumps({"_class_name": "FlowMatchEulerDiscreteScheduler", **scheduler})
    )
    assert detect_family(str(tmp_path)) == "stable-diffusion-3"
    check_model_folder(tmp_path, FAMILIES["stable-diffusion-3"])
    calls = []

    def spy(module, args, kwargs, output):
        calls.append((kwargs["hidden_states"], kwargs["timestep"], output[0]))

    hook = pipeline.transformer.register_forward_hook(spy, with_kwargs=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline(
        TWO["prompt"][0], num_inference_steps=4, sigmas=[1.0, 0.75, 0.5, 0.25],
        guidance_scale=0.0, output_type="latent",
    )  # fmt: skip
    hook.remove()
    denoiser = family("stable-diffusion-3").load(str(tmp_path), CPU, torch.float32)
    condition = {name: value[:1] for name, value in encode("3", tmp_path).items()}
    for (x_t, timestep, velocity), number in zip(calls, (999, 749, 499, 249), strict=True):
        index, sigma = torch.tensor([number]), timestep.item() / 1000
        assert denoiser.process.sigmas[index].item() == pytest.approx(sigma, rel=1e-5)
        found, _ = denoiser.predict(x_t, index, condition)
        torch.testing.assert_close(found, x_t + (1 - sigma) * velocity, rtol=1e-4, atol=1e-5)
    errors = l2_of(family("stable-diffusion-3"), str(tmp_path))["l2"]
    assert np.isfinite(errors).all() and np.abs(errors[0] / errors[1] - 1).max() > 1e-3


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
