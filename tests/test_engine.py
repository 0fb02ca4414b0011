"""The engine computes shared work once, without changing any result."""

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers.models.attention import FeedForward
from tiny_networks import (
    CPU,
    PAIRS,
    PROCESS,
    SAMPLES,
    UNETS,
    dit,
    dit_inputs,
    one_by_one,
    unet,
    unet_inputs,
)
from torch.utils.flop_counter import FlopCounterMode

from diffusion_classifier.denoisers import denoiser as base
from diffusion_classifier.denoisers.dit import DiT
from diffusion_classifier.denoisers.fast import shared_dit, shared_unet
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.engine.engine import Engine


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "too many to keep"])
@pytest.mark.parametrize("layout", UNETS)
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_a_unet_that_shares_is_diffusers(layout, batch_size, kept, monkeypatch):
    if not kept:
        monkeypatch.setattr(shared_unet, "KEPT", 0)
    model = unet(**UNETS[layout])
    inputs = unet_inputs(model.config.sample_size)
    text = inputs.conditions["text"]
    expected = one_by_one(lambda x, t, prompt: model(x, t, text[prompt][None]).sample, inputs)
    denoiser = StableDiffusion(model, PROCESS)
    assert denoiser.shared is not None
    found = Engine(denoiser, inputs, batch_size, CPU, torch.float32).errors(PAIRS, SAMPLES)["l2"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 64])
@pytest.mark.parametrize("learned", [True, False])
def test_a_dit_that_shares_is_diffusers(batch_size, learned):
    model, inputs = dit(out_channels=8 if learned else 4), dit_inputs()
    labels = inputs.conditions["class_labels"]

    def call(x, t, prompt):
        return model(x, timestep=t, class_labels=labels[prompt][None]).sample[:, :4]

    expected = one_by_one(call, inputs)
    denoiser = DiT(model, PROCESS)
    assert denoiser.shared is not None
    found = Engine(denoiser, inputs, batch_size, CPU, torch.float32).errors(PAIRS, SAMPLES)
    np.testing.assert_allclose(found["l2"], expected, rtol=1e-5, atol=1e-6)
    assert ("vlb" in found) == learned


def test_the_plain_call_stays_as_it_was():
    model, inputs = unet(attention_head_dim=2), unet_inputs()
    text, t = inputs.conditions["text"], torch.tensor([5, 6, 7, 8])
    with torch.no_grad():
        before = model(inputs.latents, t, text).sample
        denoiser = StableDiffusion(model, PROCESS)
        Engine(denoiser, inputs, 8, CPU, torch.float32).errors(PAIRS, SAMPLES)
        after = denoiser.predict(inputs.latents, t, {"text": text})[0]
    assert torch.equal(before, after)


@pytest.mark.parametrize(
    "changes",
    [
        {"class_embed_type": "timestep"},
        {"center_input_sample": True},
        {"down_block_types": ("SimpleCrossAttnDownBlock2D", "DownBlock2D")},
    ],
)
def test_what_is_not_known_is_not_shared(changes):
    config = dict(unet(attention_head_dim=2).config) | changes
    model = type(
        "Model", (), {"config": type("Config", (dict,), {"__getattr__": dict.get})(config)}
    )
    assert not shared_unet.can_share(model)


def test_a_model_that_cannot_share_is_evaluated_all_the_same(monkeypatch):
    model, inputs = unet(attention_head_dim=2), unet_inputs()
    shared = Engine(StableDiffusion(model, PROCESS), inputs, 4, CPU, torch.float32)
    expected = shared.errors(PAIRS, SAMPLES)
    denoiser = StableDiffusion(model, PROCESS)
    denoiser.shared = None
    found = Engine(denoiser, inputs, 4, CPU, torch.float32).errors(PAIRS, SAMPLES)
    np.testing.assert_allclose(found["l2"], expected["l2"], rtol=1e-5)


def flops(denoiser, inputs, pairs):
    with FlopCounterMode(display=False) as counter:
        engine = Engine(denoiser, inputs, 64, CPU, torch.float32)
        prepared = counter.get_total_flops()
        engine.errors(pairs, SAMPLES[:1])
    return prepared, counter.get_total_flops() - prepared


def test_an_input_is_computed_once_for_all_its_prompts():
    """Two prompts take two continuations but one beginning, counted in FLOPs."""
    model, inputs = unet(attention_head_dim=2), unet_inputs()
    one, two = (
        flops(StableDiffusion(model, PROCESS), inputs, PAIRS[:count])[1] for count in (1, 2)
    )
    with FlopCounterMode(display=False) as counter:
        model(inputs.latents[:1], 5, inputs.conditions["text"][:1])
    whole = counter.get_total_flops()
    prepared = flops(StableDiffusion(model, PROCESS), inputs, PAIRS[:1])[0]
    # keys and values of four prompts were prepared; upsampling takes 16 products instead of 36
    upsampled = inputs.latents.shape[2] * inputs.latents.shape[3]
    saved = 2 * (36 - 16) * model.up_blocks[0].upsamplers[0].conv.weight[..., 0, 0].numel()
    assert one + prepared / 4 == whole - saved * upsampled / 4
    with FlopCounterMode(display=False) as counter:
        block = model.down_blocks[0]
        hidden = block.resnets[0](model.conv_in(inputs.latents[:1]), torch.zeros(1, 64))
        block.attentions[0].transformer_blocks[0].attn1(hidden.flatten(2).transpose(1, 2))
    assert 2 * one - two >= counter.get_total_flops() > 0.05 * one


def test_modulation_is_computed_once_for_all_images():
    model, inputs = dit(), dit_inputs()
    pairs = pd.DataFrame({"image": [2, 5, 7, 9], "prompt": 1})
    once, often = (flops(DiT(model, PROCESS), inputs, pairs[:count])[1] for count in (1, 4))
    with FlopCounterMode(display=False) as counter:
        model.transformer_blocks[0].norm1.linear(torch.zeros(1, 16))
    assert 4 * once - often > 2 * 3 * counter.get_total_flops()  # two blocks, three images


def test_prompts_are_prepared_once_for_all_calls(monkeypatch):
    denoiser, inputs = StableDiffusion(unet(attention_head_dim=2), PROCESS), unet_inputs()
    engine = Engine(denoiser, inputs, 4, CPU, torch.float32)
    monkeypatch.setattr(denoiser.shared, "_keys_values", None)  # must not be called again
    first = engine.errors(PAIRS, SAMPLES[:1])["l2"]
    both = np.hstack([first, engine.errors(PAIRS, SAMPLES[1:])["l2"]])
    np.testing.assert_allclose(both, engine.errors(PAIRS, SAMPLES)["l2"], rtol=1e-5)


def test_evaluations_of_an_input_sit_together():
    asked = []

    class Asked:
        process = PROCESS
        shared = type("Shared", (), {"prepare": staticmethod(lambda conditions: conditions)})

        def predict_shared(self, query, prepared):
            asked.append(query)
            return query.x_t[query.row], None

    Engine(Asked(), unet_inputs(), 7, CPU, torch.float32).errors(PAIRS, SAMPLES)
    assert sum(len(query.row) for query in asked) == 30
    assert sum(len(query.x_t) for query in asked) <= 12 + len(asked)  # cut inputs count twice
    for query in asked:
        assert (query.row.diff() >= 0).all() and query.row[0] == 0
        assert torch.equal(query.cell_timestep[query.cell], query.timestep[query.row])
        assert torch.equal(query.cell_prompt[query.cell], query.prompt)
        cells = torch.stack([query.cell_timestep, query.cell_prompt])
        assert cells.unique(dim=1).shape == cells.shape
    assert base.prepare(Asked(), {"a": 1}) == {"a": 1}


def test_dits_of_another_kind_are_not_shared():
    model = dit()
    model.transformer_blocks[1].pos_embed = torch.nn.Identity()
    assert not shared_dit.can_share(model)


@pytest.mark.parametrize("activation", ["geglu", "gelu-approximate", "gelu", "linear-silu"])
def test_a_compiled_feed_forward_is_diffusers(activation):
    torch.manual_seed(0)
    network = FeedForward(16, activation_fn=activation).double().eval()
    tokens = 3 * torch.randn(5, 4, 16, dtype=torch.float64)
    # the code that would be compiled, run by PyTorch as usual
    traced = torch.compile(shared_dit._feed_forward, backend="eager", fullgraph=True)
    with torch.inference_mode():
        found = traced(network, tokens)
        torch.testing.assert_close(found, network(tokens), rtol=1e-9, atol=1e-12)
