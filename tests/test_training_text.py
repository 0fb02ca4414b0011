"""A CLIP, a VAE and a UNet of minimal size, trained on captioned images."""

import pytest
import torch
from trained_text import CLIP, SAID, TEXT, UNET, VAE

from diffusion_classifier.training import text_to_image
from diffusion_classifier.training.contrastive import train_clip
from diffusion_classifier.training.loop import Optimisation
from diffusion_classifier.training.text_to_image import posterior_means, train_unet, train_vae
from diffusion_classifier.training.tokenizer import (
    random_captions,
    text_config,
    token_ids,
    word_tokenizer,
)

COLOURS = {"red": (1, -1, -1), "blue": (-1, -1, 1), "black": (-1, -1, -1)}
STILL = Optimisation(1, 8, 1e-12)  # the model does not change


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer(SAID, 8)


def coloured(n, seed=0):
    """Images of one colour each and some noise, `(n, 3, 8, 8)`, and their captions."""
    generator = torch.Generator().manual_seed(seed)
    names = [list(COLOURS)[i % 3] for i in range(n)]
    plain = torch.tensor([COLOURS[name] for name in names], dtype=torch.float32)[..., None, None]
    images = plain + 0.1 * torch.randn(n, 3, 8, 8, generator=generator)
    return images.clamp(-1, 1), [[name, f"a {name} thing"] for name in names]


def same(one, other):
    """Whether two models have equal weights."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def contrastive_loss(model, tokenizer):
    """CLIP's pseudocode (Radford et al. 2021, figure 3) for one image and caption per colour."""
    images, captions = coloured(3, seed=9)
    with torch.inference_mode():
        text = token_ids(tokenizer, [texts[1] for texts in captions])
        output = model(input_ids=text, pixel_values=images)
        logits = model.logit_scale.exp() * output.image_embeds @ output.text_embeds.T
        by_image, by_text = logits.log_softmax(dim=1), logits.log_softmax(dim=0)
    return -float((by_image + by_text).diagonal().mean()) / 2, logits


def test_clip_learns_which_caption_belongs_to_an_image():
    images, captions = coloured(24)
    optimisation = Optimisation(60, 8, 0.01, warmup=5, ema=0)
    model, tokenizer, curve = train_clip(images, captions, CLIP, optimisation)
    assert not model.training
    assert curve[-1]["step"] == 60
    assert tokenizer.model_max_length == CLIP["tokens"]
    before, _ = contrastive_loss(*train_clip(images, captions, CLIP, STILL)[:2])
    after, logits = contrastive_loss(model, tokenizer)
    assert after < 0.2 * before
    assert logits.argmax(dim=1).tolist() == [0, 1, 2]


def test_clip_depends_on_its_seed_alone():
    images, captions = coloured(9)

    def trained(seed):
        return train_clip(images, captions, CLIP, Optimisation(3, 4, 0.01, seed=seed))[0]

    torch.manual_seed(5)
    first = trained(0)
    assert same(first, trained(0))
    assert not same(first, trained(1))


def test_a_vae_learns_to_restore_and_scales_its_latents_to_one():
    images, _ = coloured(24)
    optimisation = Optimisation(60, 8, 0.01, warmup=5, ema=0)
    vae, _ = train_vae(images, VAE, optimisation, kl_weight=1e-5)
    assert not vae.training
    start, _ = train_vae(images, VAE, STILL, kl_weight=1e-5)
    with torch.inference_mode():
        latents = vae.encode(images).latent_dist.mean
        restored = vae.decode(latents).sample
        at_first = start.decode(start.encode(images).latent_dist.mean).sample
    assert vae.config.scaling_factor == pytest.approx(1 / float(latents.std()), rel=1e-5)
    found, expected = ((x - images).square().mean() for x in (restored, at_first))
    assert float(found) < 0.5 * float(expected)
    torch.testing.assert_close(posterior_means(vae, images, batch=7), latents)


def test_the_vaes_prior_is_weighed_per_value():
    """The loss with and without it, against torch's own KL divergence."""
    images, _ = coloured(8)
    losses = [train_vae(images, VAE, STILL, weight)[1][-1]["loss"] for weight in (0.0, 2.0)]
    vae, _ = train_vae(images, VAE, STILL, 0.0)
    with torch.inference_mode():
        posterior = vae.encode(images).latent_dist
    of = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(of(posterior.mean, posterior.std), of(0.0, 1.0))
    assert losses[1] - losses[0] == pytest.approx(2 * float(kl.mean()), rel=1e-4)


def test_a_vae_depends_on_its_seed_alone():
    images, _ = coloured(9)

    def trained(seed):
        return train_vae(images, VAE, Optimisation(3, 4, 0.01, seed=seed), 1e-5)[0]

    torch.manual_seed(5)
    first = trained(0)
    assert same(first, trained(0))
    assert not same(first, trained(1))


def two_latents(n):
    """Latents `(n, 2, 4, 4)` all of one value each, 1 or -1, and captions that say which."""
    signs = torch.tensor([1.0 if i % 2 else -1.0 for i in range(n)])
    captions = [["red"] if sign > 0 else ["blue"] for sign in signs]
    return signs.view(-1, 1, 1, 1).expand(-1, 2, 4, 4).contiguous(), captions


def text_encoder(tokenizer):
    from transformers import CLIPTextModel

    torch.manual_seed(3)
    return CLIPTextModel(text_config(tokenizer, TEXT))


def trained_unet(tokenizer, prediction, optimisation):
    latents, captions = two_latents(16)
    encoder, scheduler = text_encoder(tokenizer), {"prediction_type": prediction}
    unet, noise_scheduler, _ = train_unet(
        latents, captions, tokenizer, encoder, UNET, scheduler, optimisation
    )
    assert not unet.training
    assert not encoder.training
    assert noise_scheduler.config.prediction_type == prediction
    return unet, encoder, noise_scheduler


def unet_error(unet, encoder, scheduler, tokenizer, texts):
    """Mean squared error for `two_latents` under `texts`, of ε or of v by its definition.

    v = √ᾱ ε - √(1 - ᾱ) x0 (Salimans & Ho 2022, appendix D).
    """
    x0, _ = two_latents(32)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(x0.shape, generator=generator)
    timestep = torch.randint(1000, (32,), generator=generator)
    alpha_bar = scheduler.alphas_cumprod[timestep].view(-1, 1, 1, 1)
    signal, spread = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    is_velocity = scheduler.config.prediction_type == "v_prediction"
    target = signal * noise - spread * x0 if is_velocity else noise
    with torch.inference_mode():
        text = encoder(token_ids(tokenizer, texts)).last_hidden_state
        found = unet(signal * x0 + spread * noise, timestep, encoder_hidden_states=text).sample
    return float((found - target).square().mean())


@pytest.mark.parametrize("prediction", ["v_prediction", "epsilon"])
def test_a_unet_learns_its_target_and_to_listen(tokenizer, prediction):
    optimisation = Optimisation(60, 16, 0.01, warmup=10, ema=0)
    parts = trained_unet(tokenizer, prediction, optimisation)
    right, wrong = ["blue", "red"] * 16, ["red", "blue"] * 16
    at_first = unet_error(*trained_unet(tokenizer, prediction, STILL), tokenizer, right)
    error = unet_error(*parts, tokenizer, right)
    assert error < 0.5 * at_first
    if prediction == "v_prediction":  # at large t, ε is x_t for any text
        assert unet_error(*parts, tokenizer, wrong) > 1.2 * error


def test_the_text_encoder_is_trained_too_and_all_depends_on_the_seed(tokenizer):
    optimisation = Optimisation(3, 8, 0.01, ema=0)
    torch.manual_seed(5)
    unet, encoder, _ = trained_unet(tokenizer, "v_prediction", optimisation)
    again, encoder_again, _ = trained_unet(tokenizer, "v_prediction", optimisation)
    assert same(unet, again)
    assert same(encoder, encoder_again)
    start = dict(text_encoder(tokenizer).named_parameters())
    learned = {n for n, p in encoder.named_parameters() if not torch.equal(p, start[n])}
    assert len(learned) > len(start) / 2


def test_a_tenth_of_the_captions_is_left_empty(tokenizer, monkeypatch):
    """Ho & Salimans (2022) train models like this for sampling with guidance."""
    shares = []

    def recorded(ids, empty, share):
        assert torch.equal(empty, token_ids(tokenizer, [""])[0])
        shares.append(share)
        return random_captions(ids, empty, share)

    monkeypatch.setattr(text_to_image, "random_captions", recorded)
    trained_unet(tokenizer, "epsilon", STILL)
    assert shares == [0.1]
