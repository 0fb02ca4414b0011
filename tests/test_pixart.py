"""PixArt: tiny pipelines saved by diffusers, against diffusers' own use of them."""

import shutil

import numpy as np
import pytest
import torch
from diffusers import (
    DDPMScheduler,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
)
from family_pipelines import (
    CPU,
    LINEAR,
    brute_force,
    encode,
    l2_of,
    pixart,
)
from tiny_stable_diffusion import TWO, prompts

from diffusion_classifier.denoisers.families import family
from diffusion_classifier.messages import InputError


@pytest.fixture(scope="module")
def pixart_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixart")
    return pixart(folder), str(folder)


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
    (copy / "tokenizer" / "tokenizer.json").rename(copy / "tokenizer" / "spiece.model")
    with pytest.raises(InputError, match=r"tokenizer: found no tokenizer\.json.* put the"):
        encode("pixart", copy)
