"""Sharing is used only where it gives the same: an allowlist of options, and a test at load."""

import inspect

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from tiny_networks import (
    CPU,
    PAIRS,
    PROCESS,
    SAMPLES,
    dit,
    dit_inputs,
    one_by_one,
    unet,
    unet_inputs,
)

from diffusion_classifier.denoisers import dit as dit_family
from diffusion_classifier.denoisers import stable_diffusion
from diffusion_classifier.denoisers.dit import DiT
from diffusion_classifier.denoisers.fast import shared_dit, shared_unet
from diffusion_classifier.denoisers.fast.comparison import TOLERANCE, only_known, same_as_plain
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.engine.engine import Engine

DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def small_unet():
    return unet(attention_head_dim=4)


FAMILIES = {
    "unet": (small_unet, StableDiffusion, shared_unet, stable_diffusion, "unet"),
    "dit": (dit, DiT, shared_dit, dit_family, "transformer"),
}
SHARED = {"unet": shared_unet.SharedUNet, "dit": shared_dit.SharedDiT}


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def folder(family, tmp_path):
    """A folder with the family's small network, in float32."""
    make, *_, part = FAMILIES[family]
    make().save_pretrained(tmp_path / part)
    variance = {"variance_type": "learned_range"} if family == "dit" else {}
    DDPMScheduler(**variance).save_pretrained(tmp_path / "scheduler")
    return tmp_path


def load(family, folder, dtype=torch.float32):
    return FAMILIES[family][3].load(str(folder), CPU, dtype)


def conditions(family):
    inputs = unet_inputs() if family == "unet" else dit_inputs()
    return {name: value[:2] for name, value in inputs.conditions.items()}


def test_every_option_that_diffusers_has_is_on_the_list(family):
    """New options of diffusers must be examined before networks with them share work."""
    make, _, module, *_ = FAMILIES[family]
    options = set(inspect.signature(type(make()).__init__).parameters) - {"self"}
    assert options == set(module._KNOWN)
    assert module.can_share(make())


@pytest.mark.parametrize("value", [2.0, None, False])
def test_an_option_that_is_not_on_the_list_takes_the_plain_network(family, value):
    make, adapter, *_ = FAMILIES[family]
    model, inputs = make(), unet_inputs() if family == "unet" else dit_inputs()
    model.register_to_config(**{**model.config, "output_gain": value})
    # what the option does: no shared pass knows of it
    model.register_forward_hook(lambda module, _, output: (output[0] * 1.5,))
    denoiser = adapter(model, PROCESS)
    assert denoiser.shared is None
    found = Engine(denoiser, inputs, 4, CPU, torch.float32).errors(PAIRS, SAMPLES)["l2"]

    def call(x, t, prompt):
        told = {name: rows[prompt][None] for name, rows in inputs.conditions.items()}
        return denoiser.predict(x, t, told)[0]

    np.testing.assert_allclose(found, one_by_one(call, inputs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("unet", {"cross_attention_norm": "layer_norm"}),
        ("unet", {"attention_type": "gated"}),
        ("unet", {"mid_block_only_cross_attention": True}),
        ("unet", {"class_embeddings_concat": True}),
        ("dit", {"norm_type": "layer_norm"}),
    ],
)
def test_a_value_that_is_not_on_the_list_takes_the_plain_network(family, changes):
    make, _, module, *_ = FAMILIES[family]
    config = dict(make().config)
    assert only_known(config, module._KNOWN)
    assert not only_known(config | changes, module._KNOWN)
    assert only_known(config | {"_name_or_path": "a/b"}, module._KNOWN)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_model_that_is_the_same_shares(family, folder, dtype, capsys):
    assert isinstance(load(family, folder, dtype).shared, SHARED[family])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_broken_shared_pass_is_noticed(family, folder, dtype, monkeypatch, capsys):
    kind, gain = SHARED[family], 1 + 2 * TOLERANCE[dtype]
    right = kind._forward
    monkeypatch.setattr(kind, "_forward", lambda *arguments: right(*arguments) * gain)
    denoiser = load(family, folder, dtype)
    assert denoiser.shared is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{folder}: what is computed once for several evaluations differs from")


def test_a_shared_pass_that_mixes_up_prompts_is_noticed(family, folder, monkeypatch, capsys):
    kind = SHARED[family]
    right = kind.__call__

    def mixed_up(self, query, prepared):
        return right(self, query, prepared)[torch.tensor([1, 0, 2])]

    monkeypatch.setattr(kind, "__call__", mixed_up)
    assert load(family, folder).shared is None
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_shared_pass_that_fails_is_replaced_by_the_plain_one(family, folder, monkeypatch, capsys):
    def fail(*_):
        raise AttributeError("module has no\nattribute `to_k`")

    inputs = unet_inputs() if family == "unet" else dit_inputs()
    expected = Engine(load(family, folder), inputs, 4, CPU, torch.float32).errors(PAIRS, SAMPLES)
    monkeypatch.setattr(SHARED[family], "_forward", fail)
    capsys.readouterr()  # the engine's progress
    denoiser = load(family, folder)
    assert denoiser.shared is None
    (line,) = capsys.readouterr().err.splitlines()
    assert "evaluations fails (AttributeError: module has no attribute `to_k`); the network" in line
    found = Engine(denoiser, inputs, 4, CPU, torch.float32).errors(PAIRS, SAMPLES)
    np.testing.assert_allclose(found["l2"], expected["l2"], rtol=1e-5)


def test_too_little_memory_is_no_difference(family, folder, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(SHARED[family], "_forward", fail)
    with pytest.raises(MemoryError):
        load(family, folder)


def test_a_network_that_overflows_has_nothing_to_compare_with(family, capsys):
    make, adapter, *_ = FAMILIES[family]
    model = make()
    next(model.parameters()).data.fill_(torch.inf)
    shape = (4, 8, 8)
    assert same_as_plain(adapter(model, PROCESS), conditions(family), shape, "m")
    assert capsys.readouterr().err == ""
