"""What is honoured of a model's configs, key by key: the numbers of diffusers' own pipelines."""

import json

import conventions as kinds
import pytest
import torch
from convention_pipelines import (
    ENCODERS,
    FLOWS,
    NETWORK,
    TEXTS,
    base_of,
    called,
    close,
    decoded,
    predicted,
    sample,
)
from diffusers import DDIMScheduler
from family_pipelines import CPU, LINEAR, pictures
from network_conventions import NETWORKS
from tiny_stable_diffusion import TWO, prompts

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import family as adapter_of
from diffusion_classifier.denoisers.vae import load_vae
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.one_step import decoder

# what a network's config says of a text encoder of another width
WIDTHS = {
    ("stable-diffusion", "hidden_size"): {"cross_attention_dim": 8},
    ("stable-diffusion-xl", "hidden_size"): {"cross_attention_dim": 16},
    ("stable-diffusion-xl", "projection_dim"): {"projection_class_embeddings_input_dim": 36},
    ("pixart", "d_model"): {"caption_channels": 8},
    ("flux", "hidden_size"): {"pooled_projection_dim": 8},
    ("flux", "d_model"): {"joint_attention_dim": 8},
}
LATENTS = [
    ("stable-diffusion-xl", {key: kinds.LATENTS[key] for key in ("latents_mean", "latents_std")}),
    *((family, {"shift_factor": 0.4}) for family in FLOWS),
    *((family, {"scaling_factor": 0.7}) for family in NETWORK),
]


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    return lambda family: base_of(family, tmp_path_factory)


def cases(table):
    """Of all keys to be honoured the name of their entry, the key and what is changed."""
    for name, entry in table.items():
        for key, value in entry["honoured"].items():
            changes = value if isinstance(value, dict) else {key: value}
            yield pytest.param(name, key, changes, id=f"{name} {key}")


@pytest.mark.parametrize(("family", "key", "changes"), cases(NETWORKS))
def test_a_networks_option_is_honoured(bases, tmp_path, family, key, changes):
    folder, pipeline = bases(family).changed(tmp_path / "model", NETWORK[family], changes)
    x_t, timestep, output = called(family, pipeline)
    if family in FLOWS:
        assert timestep.item() == 750  # of σ = 0.5, shifted by 3: the 500th of 1000 timesteps
        timestep, output = torch.tensor([499]), x_t + 0.25 * output
    for noise in predicted(family, folder, x_t, timestep)[1]:
        close(noise, output[:, :4])


def encoded(family, pipeline, texts):
    """What the pipeline makes of prompts, by the names that the family's adapter gives it."""
    if family == "stable-diffusion":
        return {"text": pipeline.encode_prompt(texts, "cpu", 1, False)[0]}
    if family == "pixart":
        text, mask, *_ = pipeline.encode_prompt(texts, False, device="cpu")
        longest = int(mask.sum(1).max())
        return {"text": text[:, :longest], "mask": mask[:, :longest]}
    if family == "flux":
        text, pooled, _ = pipeline.encode_prompt(texts, device="cpu", max_sequence_length=512)
        return {"text": text, "pooled": pooled, "guidance": torch.ones(len(texts))}
    options = {"device": "cpu", "do_classifier_free_guidance": False}
    if family == "stable-diffusion-3":
        options |= {"prompt_2": None, "prompt_3": None}
    text, _, pooled, _ = pipeline.encode_prompt(texts, **options)
    return {"text": text, "pooled": pooled}


def check_texts(family, folder, pipeline):
    with torch.no_grad():
        expected = encoded(family, pipeline, TWO["prompt"].tolist())
    found = adapter_of(family).encode_prompts(str(folder), TWO, CPU, torch.float32)
    assert set(found) == set(expected)
    for name, value in found.items():
        close(value, expected[name])
    return found["text"]


@pytest.mark.parametrize(("model", "key", "changes"), cases(ENCODERS))
def test_a_text_encoders_option_is_honoured(bases, tmp_path, model, key, changes):
    family, part = model
    folder, pipeline = bases(family).changed(tmp_path / "model", part, changes)
    network = tmp_path / "model" / NETWORK[family]
    if (family, key) in WIDTHS:
        config = json.loads((network / "config.json").read_text()) | WIDTHS[family, key]
        weights = network.resolve() / "diffusion_pytorch_model.safetensors"
        network.unlink()
        network.mkdir()
        (network / "config.json").write_text(json.dumps(config))
        (network / weights.name).symlink_to(weights)
    check_texts(family, folder, pipeline)


@pytest.mark.parametrize(
    "family", ["stable-diffusion", "stable-diffusion-xl", "stable-diffusion-3"]
)
def test_padding_is_masked_where_the_pipeline_masks_it(bases, tmp_path, family):
    """`use_attention_mask` of the text encoder: read by Stable Diffusion's pipeline alone."""
    base = bases(family)
    pipeline = base.pipeline
    plain = check_texts(family, base.folder, pipeline)
    folder = base.with_config(tmp_path / "model", "text_encoder", {"use_attention_mask": True})
    pipeline.text_encoder.config.use_attention_mask = True
    masked = check_texts(family, folder, pipeline)
    del pipeline.text_encoder.config.use_attention_mask
    assert torch.allclose(plain, masked) == (family != "stable-diffusion")


@pytest.mark.parametrize("family", TEXTS)
def test_a_tokenizer_need_not_say_how_much_its_encoder_reads(bases, tmp_path, family):
    base = bases(family)
    folder = base.copy(tmp_path / "model", *(p.name for p in base.folder.glob("tokenizer*")))
    for path in base.folder.glob("tokenizer*/*"):
        copy = folder / path.parent.name / path.name
        copy.write_bytes(path.read_bytes())
        if path.name == "tokenizer_config.json":
            config = json.loads(path.read_text())
            config.pop("model_max_length", None)
            copy.write_text(json.dumps(config))
    check_texts(family, folder, base.pipeline)


@pytest.mark.parametrize("zeros", [True, False])
def test_the_unconditional_prompt_is_the_pipelines(bases, tmp_path, zeros):
    """`force_zeros_for_empty_prompt` of SDXL."""
    base = bases("stable-diffusion-xl")
    option = {"force_zeros_for_empty_prompt": zeros}
    folder = base.with_config(tmp_path / "model", ".", option, "model_index.json")
    pipeline = type(base.pipeline)(**base.pipeline.components, **option, add_watermarker=False)
    with torch.no_grad():
        first, empty, pooled, empty_pooled = pipeline.encode_prompt("a red circle", device="cpu")
    asked = prompts("", "a red circle")
    found = adapter_of(base.family).encode_prompts(folder, asked, CPU, torch.float32)
    close(found["text"], torch.cat([empty, first]))
    close(found["pooled"], torch.cat([empty_pooled, pooled]))
    assert bool(empty.any()) != zeros


@pytest.mark.parametrize("zero_snr", [False, True])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("family", ["stable-diffusion", "stable-diffusion-xl", "pixart", "dit"])
def test_what_is_predicted_becomes_the_schedulers_noise(
    bases, tmp_path, family, prediction, zero_snr
):
    """ε of x_t and the x_0 that the scheduler makes of the network's output."""
    base = bases(family)
    options = {"rescale_betas_zero_snr": zero_snr, "prediction_type": prediction}
    scheduler = DDIMScheduler(**LINEAR, clip_sample=False, **options)
    if zero_snr and family in ("pixart", "dit"):  # whose variance could not be learned
        base = bases(f"{family} of fixed variance")
    raw = base.replaced(tmp_path / "raw", scheduler=DDIMScheduler(**LINEAR))[0]
    folder, _ = base.replaced(tmp_path / "model", scheduler=scheduler)
    scheduler.set_timesteps(1000)
    timesteps = torch.tensor([0, 500, 998])
    x0, noise = torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    x_t = scheduler.add_noise(x0, noise, timesteps)
    output = predicted(family, raw, x_t, timesteps)[1][0]
    denoiser, found = predicted(family, folder, x_t, timesteps)
    close(denoiser.process.noised(x0, noise, timesteps), x_t)
    for row, t in enumerate(timesteps.tolist()):
        # in float64: what is compared differs by a small difference of large numbers
        noised = x_t[row].double()
        x0_hat = scheduler.step(output[row].double(), t, noised).pred_original_sample
        alpha_bar = scheduler.alphas_cumprod[t].double()
        expected = ((noised - alpha_bar**0.5 * x0_hat) / (1 - alpha_bar) ** 0.5).float()
        for predicted_noise in found:
            close(predicted_noise[row], expected)
    if zero_snr and prediction != "epsilon":  # of pure noise all that is left is noise
        last = torch.full((3,), 999)
        assert torch.equal(predicted(family, folder, noise, last)[1][0], noise)


def test_a_dit_may_have_more_than_a_thousand_timesteps(bases, tmp_path):
    scheduler = DDIMScheduler(**LINEAR, num_train_timesteps=2000)
    folder, pipeline = bases("dit").replaced(tmp_path / "model", scheduler=scheduler)
    x_t, timestep = torch.ones(1, 4, 8, 8), torch.tensor([1990])
    denoiser, found = predicted("dit", folder, x_t, timestep)
    assert denoiser.process.timesteps == 2000 and len(found) == 2
    with torch.no_grad():
        output = pipeline.transformer(x_t, timestep, class_labels=torch.tensor([1])).sample
    for noise in found:
        close(noise, output[:, :4])


def check_latents(base, tmp_path, changes, preprocess):
    """Latents as the pipeline decodes them, and images as its VAE encodes them."""
    folder, pipeline = base.changed(tmp_path / "model", "vae", changes)
    decode = decoder(folder, CPU, torch.float32, base.family)
    with decoded(pipeline) as calls:
        sample(base.family, pipeline, "np")
    z, image = calls[-1]
    if base.family == "dit":  # whose pipeline keeps its latents to itself
        latents = z * pipeline.vae.config.scaling_factor
    else:
        latents = sample(base.family, pipeline, "latent")
    close(decode(latents), (image / 2 + 0.5).clamp(0, 1))
    found = encode_images(folder, preprocess, pictures(), CPU, torch.float32, base.family)
    pixels = torch.stack([preprocess(picture) for picture in pictures()])
    with torch.no_grad():
        back = pipeline.vae.decode(pipeline.vae.encode(pixels).latent_dist.mode()).sample
    close(decode(found), (back / 2 + 0.5).clamp(0, 1))
    assert torch.equal(encode_images(folder, preprocess, pictures(), CPU, torch.float32), found)


@pytest.mark.parametrize(("name", "key", "changes"), cases({"VAE": kinds.VAE}))
def test_a_vaes_option_is_honoured(bases, tmp_path, name, key, changes):
    mode = "L" if key == "in_channels" else "RGB"
    check_latents(bases("stable-diffusion"), tmp_path, changes, Preprocess(mode=mode, size=16))


@pytest.mark.parametrize(("family", "changes"), LATENTS, ids=lambda value: str(value)[:30])
def test_latents_are_scaled_as_the_pipeline_does(bases, tmp_path, family, changes):
    check_latents(bases(family), tmp_path, changes, Preprocess(size=16))


@pytest.mark.parametrize("upcast", [True, False])
def test_a_vae_that_would_overflow_is_not_run_in_float16(bases, tmp_path, upcast):
    folder, _ = bases("stable-diffusion-xl").changed(
        tmp_path / "model", "vae", {"force_upcast": upcast}
    )
    vae, _ = load_vae(folder, CPU, torch.float16)
    assert vae.dtype == (torch.float32 if upcast else torch.float16)
