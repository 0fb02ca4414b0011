"""The DiT adapter: reads what diffusers writes and answers as diffusers' own model does."""

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DiTTransformer2DModel

from diffusion_classifier.denoisers.families import FAMILIES, family
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError

CPU = torch.device("cpu")
SCHEDULE = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}


def tiny(out_channels=4):
    torch.manual_seed(0)
    model = DiTTransformer2DModel(
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        patch_size=4,
        sample_size=8,
        in_channels=2,
        out_channels=out_channels,
        num_embeds_ada_norm=3,
        norm_num_groups=2,
    )
    for weight in model.parameters():  # diffusers starts some layers at zero
        torch.nn.init.normal_(weight, std=0.2)
    return model.eval()


@pytest.fixture(scope="module", params=[4, 2], ids=["learned variance", "fixed variance"])
def saved(request, tmp_path_factory):
    """A tiny model, and the folder diffusers saved it in."""
    folder = tmp_path_factory.mktemp("model")
    model = tiny(request.param)
    model.save_pretrained(folder / "transformer")
    DDPMScheduler(**SCHEDULE).save_pretrained(folder / "scheduler")
    return model, folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny().save_pretrained(folder / "transformer")
    DDPMScheduler(**SCHEDULE).save_pretrained(folder / "scheduler")
    return folder


def batch():
    generator = torch.Generator().manual_seed(1)
    x_t = torch.randn(5, 2, 8, 8, generator=generator)
    return x_t, torch.tensor([0, 1, 500, 998, 999]), {"class_labels": torch.tensor([0, 1, 2, 1, 0])}


def load(folder, dtype=torch.float32):
    return family("dit").load(str(folder), CPU, dtype)


def test_predicts_as_diffusers_does(saved):
    model, folder = saved
    x_t, timestep, condition = batch()
    noise, variance = load(folder).predict(x_t, timestep, condition)
    with torch.no_grad():
        expected = model(x_t, timestep, class_labels=condition["class_labels"]).sample
    assert torch.equal(noise, expected[:, :2])
    if model.config.out_channels == 4:
        assert torch.equal(variance, expected[:, 2:])
    else:
        assert variance is None


def test_each_row_is_its_own(folder):
    """No row of a batch is told of another's class or timestep."""
    x_t, timestep, condition = batch()
    denoiser = load(folder)
    together, _ = denoiser.predict(x_t, timestep, condition)
    for row in range(5):
        told = {"class_labels": condition["class_labels"][[row]]}
        alone, _ = denoiser.predict(x_t[[row]], timestep[[row]], told)
        torch.testing.assert_close(alone[0], together[row], rtol=1e-4, atol=1e-5)
    other, _ = denoiser.predict(
        x_t, timestep, {"class_labels": (condition["class_labels"] + 1) % 3}
    )
    assert ((other - together).flatten(1).abs().amax(dim=1) > 1e-3).all()


@pytest.mark.parametrize("scheduler", [DDPMScheduler, DDIMScheduler])
def test_the_forward_process_is_the_schedulers(folder, tmp_path, scheduler):
    """Other schedulers' configs are read too: the noise schedule is all that is taken."""
    saved = scheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    saved.save_pretrained(tmp_path / "scheduler")
    (tmp_path / "transformer").symlink_to(folder / "transformer")
    process = load(tmp_path).process
    torch.testing.assert_close(process.alphas_cumprod, saved.alphas_cumprod)


def test_a_model_that_predicts_something_else_is_refused(folder, tmp_path):
    saved = DDPMScheduler(**SCHEDULE, prediction_type="trigflow")
    saved.save_pretrained(tmp_path / "scheduler")
    (tmp_path / "transformer").symlink_to(folder / "transformer")
    with pytest.raises(InputError) as error:
        load(tmp_path)
    for words in (str(tmp_path), "'trigflow'", "expected 'epsilon'", "choose"):
        assert words in str(error.value)


def test_a_model_in_bfloat16_is_near_the_full_one(folder):
    x_t, timestep, condition = batch()
    exact, _ = load(folder).predict(x_t, timestep, condition)
    rough, _ = load(folder, torch.bfloat16).predict(x_t.bfloat16(), timestep, condition)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).abs().mean() < 0.05 * exact.abs().mean()


def test_prompts_are_class_indices(folder):
    prompts = pd.DataFrame({"prompt": ["a", "b", "c", "d"], "classidx": [2, 0, 1, 2]})
    found = family("dit").encode_prompts(str(folder), prompts, CPU, torch.bfloat16)
    assert found["class_labels"].tolist() == [2, 0, 1, 2]
    assert found["class_labels"].dtype == torch.int64


@pytest.mark.parametrize("classes", [[0, 1, 3], [-1, 0], [1000]])
def test_a_class_the_model_does_not_know_is_refused(folder, classes):
    """Index 3 is the embedding of "no class", which must not be taken for one."""
    prompts = pd.DataFrame({"classidx": classes})
    with pytest.raises(InputError) as error:
        family("dit").encode_prompts(str(folder), prompts, CPU, torch.float32)
    for words in (f"from {min(classes)} to {max(classes)}", "classes 0 to 2", "use"):
        assert words in str(error.value)


def test_pickled_weights_are_not_read(tmp_path):
    model = tiny()
    model.save_pretrained(tmp_path / "transformer", safe_serialization=False)
    DDPMScheduler(**SCHEDULE).save_pretrained(tmp_path / "scheduler")
    assert list((tmp_path / "transformer").glob("*.bin"))
    with pytest.raises(InputError, match="a pickle is never opened"):
        load(tmp_path)


def test_an_unknown_family_is_refused():
    for name in ("unet", "base", "../dit", ""):
        with pytest.raises(InputError) as error:
            family(name)
        for words in (repr(name), *FAMILIES, "correct it"):
            assert words in str(error.value)


def test_the_engine_runs_on_it(saved):
    """The whole chain, against the loss of one evaluation computed by hand with diffusers."""
    model, folder = saved
    latents, noise = noise_bank([2, 8, 8], 2, seed=1), noise_bank([2, 8, 8], 3, seed=2)
    prompts = pd.DataFrame({"classidx": [2, 0]})
    conditions = family("dit").encode_prompts(str(folder), prompts, CPU, torch.float32)
    pairs = pd.DataFrame({"image": [9, 9, 4], "prompt": [0, 1, 0]})
    samples = [Sample(100, 0), Sample(700, 2)]
    inputs = Inputs(latents, torch.tensor([4, 9]), conditions, noise)
    errors = epsilon_errors(load(folder), inputs, pairs, samples, 4, CPU, torch.float32)
    scheduler = DDPMScheduler(**SCHEDULE)
    x_t = scheduler.add_noise(latents[[1]], noise[[2]], torch.tensor([700]))
    with torch.no_grad():
        output = model(x_t, torch.tensor([700]), class_labels=torch.tensor([0])).sample[:, :2]
    assert errors["l2"][1, 1] == pytest.approx(((output - noise[2]) ** 2).mean().item(), rel=1e-5)
    assert ("vlb" in errors) == (model.config.out_channels == 4)
    assert all(np.isfinite(values).all() for values in errors.values())
