"""Benchmarks: the loop gives the authors' numbers, FLOPs equal published ones, growth is known."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn

from diffusion_classifier.benchmarks import flops, growth, summary, timed_networks
from diffusion_classifier.benchmarks import plain_loop as loop
from diffusion_classifier.benchmarks.flops import evaluation_flops, forward_flops, run_flops
from diffusion_classifier.benchmarks.full_size import FULL_SIZE, tiny
from diffusion_classifier.benchmarks.subjects import Subject
from diffusion_classifier.benchmarks.throughput import (
    all_pairs,
    check_same,
    compare,
    measured,
    spaced_samples,
)
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError

CPU = torch.device("cpu")
SHIPPED = {"dit": "digits-dit", "stable-diffusion": "scenes-sd"}


def shipped(root, name, dtype=torch.float32):
    """A shipped model with normal latents, noises and texts: 3 images, 5 prompts."""
    folder = str(root / "resources/models" / SHIPPED[name])
    plain = timed_networks.plain_model(name, folder, CPU, dtype)
    config, generator = plain.network.config, torch.Generator().manual_seed(0)
    shape = (config.in_channels, config.sample_size, config.sample_size)
    text = {"text": torch.randn(5, 24, config.get("cross_attention_dim") or 1, generator=generator)}
    inputs = Inputs(
        torch.randn(3, *shape, generator=generator),
        torch.tensor([4, 7, 8]),
        {"class_labels": torch.arange(5)} if name == "dit" else text,
        torch.randn(20, *shape, generator=generator),
    )
    denoiser = family(name).load(folder, CPU, dtype)
    return Subject(plain, denoiser, inputs, 7, CPU, dtype)


# --- the loop


def test_the_loop_finds_the_errors_of_the_authors(golden):
    tensors = load_file(golden / "inputs.safetensors")
    network = UNet2DConditionModel.from_config(
        json.loads((golden / "unet_config.json").read_text())
    )
    network.load_state_dict(load_file(golden / "unet.safetensors"))
    process = ForwardProcess(tensors["alphas_cumprod"])
    model = loop.PlainModel(network.eval(), process, "stable-diffusion")
    texts = {"text": tensors["text_embeddings"]}
    inputs = Inputs(tensors["latents"], torch.arange(3), texts, tensors["noise"])
    expected = json.loads((golden / "expected.json").read_text())["eval_error"]
    samples = list(map(Sample, expected["timestep"], expected["noise"]))
    pairs = pd.DataFrame({"image": expected["image"], "prompt": expected["prompt"]})
    found = loop.plain_errors(model, inputs, pairs, samples, CPU, torch.float32)
    for loss in ("l1", "l2", "huber"):
        # the golden data pairs the n-th prompt with the n-th sample
        assert np.diag(found[loss]) == pytest.approx(expected[loss], rel=1e-5)


@pytest.mark.parametrize("name", FULL_SIZE)
def test_loop_and_engine_find_the_same_of_published_architectures(name):
    spec = tiny(FULL_SIZE[name])
    plain = timed_networks.full_size(spec, CPU, torch.float32)
    inputs = timed_networks.random_inputs(spec, 2, 3, 4)
    subject = Subject(plain, timed_networks.adapted(plain), inputs, 7, CPU, torch.float32)
    found = compare(subject, all_pairs([0, 1], 3), spaced_samples(4), repeats=1)
    assert found["difference"] < 2e-5 and found["between_prompts"] > 1e-4


@pytest.mark.parametrize("name", SHIPPED)
def test_loop_and_engine_find_the_same(root, name):
    subject = shipped(root, name)
    # neither sorted nor complete: 11 pairs × 9 samples, so batches end within an image
    pairs = all_pairs([8, 4, 7], 5).sample(11, random_state=0).reset_index(drop=True)
    plain, engine = (run() for run in subject.runs(pairs, spaced_samples(9)).values())
    assert set(plain) == {"l1", "l2", "huber"} | ({"vlb"} if name == "dit" else set())
    for loss, values in plain.items():
        assert values.shape == (11, 9) and values.dtype == np.float32
        assert engine[loss] == pytest.approx(values, rel=2e-5)
    spread = np.ptp(plain["l2"], axis=0) / plain["l2"].mean(axis=0)
    assert spread.min() > 1e-3  # pairs do differ


def test_the_loop_goes_image_by_image_in_batches_of_32(root, monkeypatch):
    subject, seen = shipped(root, "dit"), []
    forward = subject.plain.network.forward

    def counting(x_t, **given):
        seen.append(len(x_t))
        return forward(x_t, **given)

    monkeypatch.setattr(subject.plain.network, "forward", counting)
    subject.runs(all_pairs([4, 7], 5), spaced_samples(8))["plain"]()
    assert seen == [32, 8, 32, 8]


# --- the comparison


def test_a_comparison_of_different_numbers_fails():
    errors = {"l2": np.array([[1.0, 2.0]], "float32")}
    off = {"l2": np.array([[1.0, 2.001]], "float32")}
    assert check_same(errors, errors, torch.float32) == 0
    assert check_same(errors, off, torch.bfloat16) == pytest.approx(5e-4, rel=1e-3)
    with pytest.raises(FloatingPointError, match=r"l2 errors differ .* up to 0\.0005 .* float32"):
        check_same(errors, off, torch.float32)
    with pytest.raises(FloatingPointError, match="differ"):
        check_same(errors, {"l2": np.full((1, 2), np.nan, "float32")}, torch.bfloat16)
    with pytest.raises(FloatingPointError, match="losses differ"):
        check_same(errors, errors | {"l1": errors["l2"]}, torch.float32)


def test_an_engine_that_mistakes_one_prompt_for_another_is_caught(root):
    subject = shipped(root, "stable-diffusion")
    predict = subject.denoiser.predict_shared
    subject.denoiser.predict_shared = lambda query, prepared: predict(
        replace(query, prompt=torch.zeros_like(query.prompt)), prepared
    )
    with pytest.raises(FloatingPointError, match="differ from the plain loop's"):
        compare(subject, all_pairs([4], 2), spaced_samples(2), repeats=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_record_has_what_the_table_needs(root, dtype, monkeypatch):
    monkeypatch.setattr(flops, "matmul_peak", lambda *_: 1e11)
    monkeypatch.setattr("diffusion_classifier.benchmarks.throughput.matmul_peak", lambda *_: 1e11)
    subject = shipped(root, "dit", dtype)
    record = measured("DiT", subject, all_pairs([4], 5), spaced_samples(2), repeats=2)
    record = json.loads(json.dumps(record))
    assert {name: len(s) for name, s in record["seconds"].items()} == {"plain": 2, "engine": 2}
    assert record["evaluations"] == 10 and record["difference"] <= record["tolerance"]
    assert list(summary.rates([record])["engine"]) == ["plain", "engine"]


def test_rates_are_medians_of_interleaved_repeats():
    record = {
        "model": "m", "dtype": "float32", "evaluations": 100, "flops": 2e9, "peak": 1e12,
        "seconds": {"plain": [2.0, 4.0, 8.0], "engine": [1.0, 2.5, 2.0]},
    }  # fmt: skip
    rows = summary.rates([record]).set_index("engine")
    assert list(summary.rates([record])[summary.COLUMNS]) == [
        "model", "dtype", "engine", "evaluations_per_second", "ratio", "share_of_peak",
    ]  # fmt: skip
    assert rows.loc["plain", "evaluations_per_second"] == 25 and rows.loc["plain", "ratio"] == 1
    engine = rows.loc["engine"]
    assert engine["evaluations_per_second"] == 50
    # ratios of repeats are 2, 1.6, 4; the median is not that of medians or sums
    assert list(engine[["ratio", "ratio_low", "ratio_high"]]) == [2, 1.6, 4]
    assert engine["share_of_peak"] == pytest.approx(50 * 2e9 / 1e12)
    assert engine["share_of_peak_high"] == pytest.approx(100 * 2e9 / 1e12)


# --- FLOPs and peak


def test_flops_of_products_are_2mnk():
    assert flops.matmul_flops(3, 5, 7) == 2 * 3 * 5 * 7
    linear = nn.Linear(30, 50)
    assert forward_flops(linear, torch.zeros(4, 30)) == flops.matmul_flops(4, 50, 30)
    convolution = nn.Conv2d(8, 16, 3, padding=1)
    of_each_output = 2 * 8 * 3 * 3
    assert forward_flops(convolution, torch.zeros(1, 8, 10, 10)) == 16 * 10 * 10 * of_each_output


def empty(name):
    """A network of FULL_SIZE without data."""
    spec = FULL_SIZE[name]
    with torch.device("meta"):
        return timed_networks.network_class(spec.family)(**spec.config).to("meta").eval()


@pytest.fixture(scope="module")
def stable_diffusion_2():
    return empty("stable-diffusion-2")


def by_hand(unet, text):
    """FLOPs of convolutions and linear layers, and of attention, computed from shapes."""
    layers, attention = [], []

    def layer(module, _, output):
        kernel = getattr(module, "kernel_size", (1, 1))
        inputs = getattr(module, "in_channels", None) or module.in_features
        layers.append(2 * output.numel() * inputs * kernel[0] * kernel[1])

    def products(module, args, kwargs, _):
        hidden, told = args[0], kwargs.get("encoder_hidden_states")
        keys = hidden if told is None else told
        # Q·K and its product with V
        attention.append(2 * 2 * hidden.shape[1] * keys.shape[1] * module.inner_dim)

    for module in unet.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(layer)
        elif type(module).__name__ == "Attention":
            module.register_forward_hook(products, with_kwargs=True)
    with torch.inference_mode():
        latent = torch.empty(1, 4, 64, 64, device="meta")
        unet(latent, torch.zeros(1, device="meta"), encoder_hidden_states=text.to("meta"))
    return sum(layers), sum(attention)


def test_flops_of_stable_diffusion_2_counted_by_hand(stable_diffusion_2):
    assert sum(p.numel() for p in stable_diffusion_2.parameters()) == 865_910_724  # the release's
    text = torch.empty(1, 77, 1024)
    counted = evaluation_flops(stable_diffusion_2, {"text": text})
    assert counted == sum(by_hand(stable_diffusion_2, text))
    assert counted == pytest.approx(0.8e12, rel=0.01)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("stable-diffusion-1.5", 859_520_964),
        ("stable-diffusion-2.1", 865_910_724),
        ("stable-diffusion-xl", 2_567_463_684),
    ],
)
def test_networks_are_as_large_as_the_published(name, parameters):
    assert sum(p.numel() for p in empty(name).parameters()) == parameters


def test_flops_are_the_published_ones():
    """SD 1.4: BK-SDM's count (issue 53), without attention's products; DiT: Peebles & Xie 2023."""
    layers, _ = by_hand(empty("stable-diffusion-1.5"), torch.empty(1, 77, 768))
    assert layers / 2 == pytest.approx(338_749_194_240, rel=1e-3)
    for name, published in (("dit-xl-2", 118.6e9), ("dit-xl-2-512", 524.6e9)):
        label = {"class_labels": torch.zeros(1, dtype=torch.int64)}
        assert evaluation_flops(empty(name), label) / 2 == pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize("name", ["dit-xl-2", "stable-diffusion-xl"])
def test_flops_of_a_run_are_those_of_its_evaluations(name):
    spec = tiny(FULL_SIZE[name])
    plain = timed_networks.full_size(spec, CPU, torch.float32)
    inputs = timed_networks.random_inputs(spec, 1, 3, 2)
    condition = {key: value[:1] for key, value in inputs.conditions.items()}
    run = Subject(plain, timed_networks.adapted(plain), inputs, 7, CPU, torch.float32).runs(
        all_pairs([0], 3), spaced_samples(2)
    )["plain"]
    assert run_flops(run, CPU) == 6 * evaluation_flops(plain.network, condition)


def test_the_peak_is_no_lower_than_any_product():
    found = flops.matmul_peak(CPU, torch.float32, sizes=(64, 256), repeats=3)
    assert 1e8 < found < 1e15


# --- growth


def test_exponents_of_known_growth():
    rows = [
        (varied, count, engine, repeat, count, factor * count**power * (1 + repeat))
        for varied, power in (("classes", 1.0), ("images", 0.5))
        for engine, factor in (("plain", 3.0), ("engine", 1.0))
        for count in (1, 4, 16)
        for repeat in range(3)
    ]
    found = summary.exponents(pd.DataFrame(rows, columns=growth.COLUMNS))
    found = found.set_index(["varied", "engine"])["exponent"]
    assert found["classes", "plain"] == pytest.approx(1)
    assert found["images", "engine"] == pytest.approx(0.5)


def test_growth_measures_what_it_says(root):
    subject = shipped(root, "dit")
    counts = {"classes": [1, 5], "images": [1, 3], "timesteps": [1, 2]}
    found = growth.growth(subject, counts, repeats=2)
    assert list(found.columns) == growth.COLUMNS and len(found) == 3 * 2 * 2 * 2
    # the others at the larger of two counts
    expected = {("classes", 1): 6, ("classes", 5): 30, ("images", 1): 10, ("timesteps", 1): 15}
    of = found.drop_duplicates(["varied", "count"]).set_index(["varied", "count"])["evaluations"]
    assert {key: of[key] for key in expected} == expected
    with pytest.raises(InputError, match=r"benchmark.growth.classes: found 6, .* the 5 prompts"):
        growth.growth(subject, counts | {"classes": [6]}, repeats=1)
    with pytest.raises(InputError, match=r"benchmark.growth.images: found 9, .* the 3 images"):
        growth.growth(subject, counts | {"images": [9]}, repeats=1)
