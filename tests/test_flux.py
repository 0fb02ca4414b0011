"""FLUX.1: tiny pipelines saved by diffusers, against diffusers' own use of them."""

import numpy as np
import pytest
import torch
from diffusers import FluxPipeline
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from family_pipelines import CPU, brute_force, encode, flux, l2_of, pictures
from tiny_stable_diffusion import TWO, prompts

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.denoisers.flux import packed, positions, unpacked
from diffusion_classifier.denoisers.model_folders import detect_family, input_form
from diffusion_classifier.engine.encoders import encode_images

TOKENS = {True: 512, False: 256}
"""Of a prompt, with guidance (dev) and without (schnell), as diffusers documents them."""


@pytest.fixture(scope="module", params=[True, False], ids=["dev", "schnell"])
def saved(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flux")
    return flux(folder, request.param), str(folder), request.param


def load(folder):
    return family("flux").load(str(folder), CPU, torch.float32)


@torch.no_grad()
def encoded(pipeline, guided, asked=TWO):
    texts = asked["prompt"].tolist()
    return pipeline.encode_prompt(texts, device="cpu", max_sequence_length=TOKENS[guided])


def test_prompts_are_encoded_as_the_pipeline_does(saved):
    pipeline, folder, guided = saved
    found, (text, pooled, _) = encode("flux", folder), encoded(pipeline, guided)
    assert set(found) == {"text", "pooled"} | ({"guidance"} if guided else set())
    torch.testing.assert_close(found["text"], text)
    torch.testing.assert_close(found["pooled"], pooled)
    assert text.shape[1] == TOKENS[guided] and not torch.allclose(pooled[0], pooled[1])
    if guided:
        assert found["guidance"].tolist() == [1, 1]


def test_errors_are_those_of_the_pipelines_parts(saved):
    pipeline, folder, guided = saved
    scheduler, (text, pooled, text_ids) = pipeline.scheduler, encoded(pipeline, guided)

    def predicted(x_t, t, prompt):
        sigma, timestep = scheduler.sigmas[999 - t], scheduler.timesteps[999 - t]
        velocity = pipeline.transformer(
            pipeline._pack_latents(x_t, 1, 4, 8, 8),
            text[prompt][None], pooled[prompt][None], timestep[None] / 1000,
            pipeline._prepare_latent_image_ids(1, 4, 4, CPU, torch.float32), text_ids,
            torch.ones(1) if guided else None,
        ).sample  # fmt: skip
        velocity = pipeline._unpack_latents(velocity, 16, 16, pipeline.vae_scale_factor)
        x0 = x_t - sigma * velocity  # where a single Euler step to σ = 0 leads
        return (x_t - (1 - sigma) * x0) / sigma

    def noised(x0, noise, t):
        return scheduler.scale_noise(x0, scheduler.timesteps[999 - t][None], noise)

    found = l2_of(family("flux"), folder)
    assert set(found) == {"l1", "l2", "huber"}
    assert found["l2"] == pytest.approx(brute_force(pipeline, noised, predicted), rel=1e-3)
    assert np.abs(found["l2"][0] / found["l2"][1] - 1).max() > 1e-3


def test_the_transformer_is_told_what_the_pipeline_tells_it(saved):
    """Every argument, at a step of sampling whose σ is one of training; and its answer."""
    pipeline, folder, guided = saved
    calls = []

    def spy(module, args, kwargs, output):
        calls.append((kwargs, output[0]))

    hook = pipeline.transformer.register_forward_hook(spy, with_kwargs=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline(
        TWO["prompt"][0], num_inference_steps=2, sigmas=[1.0, 0.5], guidance_scale=1.0,
        output_type="latent", height=16, width=16, max_sequence_length=TOKENS[guided],
    )  # fmt: skip
    hook.remove()
    pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
    denoiser = load(folder)
    denoiser.network.register_forward_hook(spy, with_kwargs=True)
    (expected, velocity), x_t = calls[1], unpacked(calls[1][0]["hidden_states"], 4, 4)
    condition = {name: value[:1] for name, value in encode("flux", folder).items()}
    # the 500th of 1000 noise levels is σ = 0.5, shifted by 3 to 0.75
    found, _ = denoiser.predict(x_t, torch.tensor([499]), condition)
    told, _ = calls[-1]
    assert set(expected) - set(told) <= {"joint_attention_kwargs"}
    assert (told.pop("guidance") is not None) == guided
    assert expected["timestep"].item() == pytest.approx(0.75)
    for name in set(told) - {"return_dict"}:
        torch.testing.assert_close(told[name], expected[name], msg=name)
    torch.testing.assert_close(found, x_t + 0.25 * unpacked(velocity, 4, 4), rtol=1e-4, atol=1e-5)


def test_latents_are_packed_as_the_pipeline_does():
    latents = torch.randn(3, 5, 6, 8)
    tokens = FluxPipeline._pack_latents(latents, 3, 5, 6, 8)
    assert torch.equal(packed(latents), tokens)
    assert torch.equal(unpacked(tokens, 3, 4), latents)
    assert torch.equal(unpacked(tokens, 3, 4), FluxPipeline._unpack_latents(tokens, 48, 64, 8))
    expected = FluxPipeline._prepare_latent_image_ids(3, 3, 4, CPU, torch.float32)
    assert torch.equal(positions(3, 4, CPU), expected)


def test_only_a_model_distilled_from_guidance_is_told_its_scale(saved):
    _, folder, guided = saved
    condition = encode("flux", folder)
    assert encode("flux", folder, guidance=3)["text"].equal(condition["text"])
    x_t, timestep = torch.ones(2, 4, 8, 8), torch.tensor([300, 700])
    predict = load(folder).predict
    noise, _ = predict(x_t, timestep, condition)
    if guided:
        guidance = torch.cat(
            [condition["guidance"][:1], encode("flux", folder, guidance=3)["guidance"][:1]]
        )
        other, _ = predict(x_t, timestep, condition | {"guidance": guidance})
        assert guidance.tolist() == [1, 3]
        torch.testing.assert_close(other[0], noise[0])
        assert (other[1] - noise[1]).abs().max() > 1e-3
    else:
        assert "guidance" not in condition


@pytest.mark.parametrize("dynamic", [True, False])
def test_noise_levels_are_those_of_an_image_of_1024_pixels(tmp_path, dynamic):
    """As FLUX.1-dev's scheduler (dynamic) and FLUX.1-schnell's."""
    scheduler = flux(tmp_path, shift=1.0, use_dynamic_shifting=dynamic).scheduler
    process = load(tmp_path).process
    mu = calculate_shift((1024 // 16) ** 2)
    assert mu == pytest.approx(1.15)  # the largest of the config
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / 1000, 1000), mu=mu)
    torch.testing.assert_close(process.sigmas, scheduler.sigmas[:-1].flip(0))
    middle = np.exp(1.15) / (np.exp(1.15) + 1) if dynamic else 0.5
    assert process.sigmas[499].item() == pytest.approx(middle, rel=1e-4)


def test_the_folder_says_what_divides_an_images_edge(saved):
    """The VAE halves once, and 2 × 2 latents are a token; the size itself is not said."""
    pipeline, folder, _ = saved
    assert detect_family(folder) == "flux"
    assert input_form(folder, "flux") == (None, "RGB", 2 * pipeline.vae_scale_factor)


def test_the_vaes_shift_is_taken_off(saved):
    pipeline, folder, _ = saved
    found = encode_images(folder, Preprocess(size=16), pictures(), CPU, torch.float32)
    pixels = pipeline.image_processor.preprocess(pictures())
    with torch.no_grad():
        expected = (pipeline.vae.encode(pixels).latent_dist.mode() - 0.2) * 0.3
    torch.testing.assert_close(found, expected)


def test_t5_reads_on_where_clip_is_cut(saved):
    pipeline, folder, guided = saved
    long = prompts("a photo of a red circle of a blue square")
    found = encode("flux", folder, long, truncate=True)
    text, pooled, _ = encoded(pipeline, guided, long)
    torch.testing.assert_close(found["text"], text)
    torch.testing.assert_close(found["pooled"], pooled)
