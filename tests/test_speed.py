"""Ways to run a denoiser faster: the same errors, and when `auto` chooses which."""

from functools import partial

import pytest
import torch
from diffusers import DiTTransformer2DModel, UNet2DConditionModel
from tiny_networks import CPU, PAIRS, PROCESS, SAMPLES, UNET, UNETS, dit_inputs, unet_inputs

from diffusion_classifier.denoisers.dit import DiT
from diffusion_classifier.denoisers.speed import Speed, accelerate, precision
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.engine.engine import Engine
from diffusion_classifier.progress import Silence


def unet():
    torch.manual_seed(0)
    network = UNet2DConditionModel(**{**UNET, **UNETS["SD 2.x"], "layers_per_block": 1})
    return StableDiffusion(network, PROCESS, "epsilon"), unet_inputs()


def dit():
    torch.manual_seed(0)
    network = DiTTransformer2DModel(
        num_layers=2, num_attention_heads=2, attention_head_dim=8, patch_size=2, sample_size=8,
        in_channels=4, out_channels=8, num_embeds_ada_norm=4, norm_num_groups=2,
    )  # fmt: skip
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    return DiT(network, PROCESS), dit_inputs()


def errors(denoiser, inputs, batch=8):
    engine = Engine(denoiser, inputs, batch, CPU, torch.float32)
    return engine.errors(PAIRS, SAMPLES, Silence())


@pytest.fixture
def captured(monkeypatch):
    """Compilation that captures the network and runs what it captured as it is."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    yield torch._dynamo.utils.counters["stats"]
    torch._dynamo.reset()


@pytest.fixture(autouse=True)
def attention_as_it_was():
    yield
    accelerate(unet()[0], Speed(), 1)


@pytest.mark.parametrize("model", [unet, dit])
@pytest.mark.parametrize(
    "speed",
    [Speed(True, compile=False), Speed(False, "plain", False), Speed(False, compile=True)],
    ids=["channels last", "plain attention", "compiled"],
)
def test_errors_stay_the_same(model, speed, captured):
    captured.clear()
    expected = errors(*model())
    denoiser, inputs = model()
    assert accelerate(denoiser, speed, 1) == speed
    found = errors(denoiser, inputs)
    for loss, values in expected.items():
        assert found[loss] == pytest.approx(values, rel=1e-5, abs=1e-6), loss
    assert (captured["unique_graphs"] > 0) == speed.compile


@pytest.mark.parametrize("model", [unet, dit])
def test_passes_of_any_size_need_no_other_compilation(model, captured):
    denoiser, inputs = model()
    expected = errors(*model())
    accelerate(denoiser, Speed(False, compile=True), 1)
    errors(denoiser, inputs, 7)  # among them a pass that all is of one image
    captured.clear()
    for batch in (8, 12, 9):
        found = errors(denoiser, inputs, batch)
        assert found["l2"] == pytest.approx(expected["l2"], rel=1e-5, abs=1e-6)
    assert captured["unique_graphs"] == 0


def test_settings_reach_network_and_kernels():
    denoiser, _ = unet()
    accelerate(denoiser, Speed(True, "plain", False), 1)
    weight = denoiser.network.conv_in.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not torch.backends.cuda.flash_sdp_enabled()
    accelerate(denoiser, Speed(), 1)
    assert torch.backends.cuda.flash_sdp_enabled()
    accelerate(denoiser, Speed(channels_last=False), 1)
    assert weight.is_contiguous()


class OnGPU:
    is_cuda = True


def test_auto_follows_network_device_and_work(monkeypatch):
    network = unet()[0].network
    assert Speed().resolved(network, 10**9) == Speed(True, "fused", False)
    assert Speed().resolved(dit()[0].network, 1).channels_last is False
    monkeypatch.setattr("diffusion_classifier.denoisers.speed.LARGE", 1)
    assert Speed().resolved(network, 1).channels_last is False
    assert Speed().resolved(network.bfloat16(), 1).channels_last is True
    monkeypatch.setattr(network, "parameters", lambda: iter([OnGPU()]))
    assert Speed().resolved(network, 1).channels_last is True
    monkeypatch.setattr("diffusion_classifier.denoisers.speed.find_spec", lambda name: name)
    assert [Speed().resolved(network, n).compile for n in (49_999, 50_000)] == [False, True]
    monkeypatch.setattr("diffusion_classifier.denoisers.speed.find_spec", lambda name: None)
    assert Speed().resolved(network, 50_000).compile is False


def test_precision(monkeypatch):
    gpu = torch.device("cuda")
    assert precision("auto", CPU) == torch.float32
    assert precision("float16", CPU) == torch.float16
    for native, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: native)  # noqa: B023
        assert precision("auto", gpu) == expected
