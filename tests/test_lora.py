"""Merged LoRA weights, against diffusers with the adapter active and W + s·α/r·BA."""

import json
import shutil

import pytest
import torch
from diffusers import (
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from tiny_lora import KOHYA, kohya, save_pipeline
from transformers import (
    CLIPTextModel,
)

from diffusion_classifier.denoisers.model_folders import detect_family
from diffusion_classifier.weights.lora import merge_lora

TOKENS = torch.tensor([[0, 3, 4, 1], [0, 2, 5, 1]])


def random_lora(folder, pipeline, parts, settings=False):
    """A LoRA of random A and B for attention, by peft, as diffusers' training scripts save it.

    With `settings` the file says α/r = 3/2; without, readers take it to be 1.
    """
    torch.manual_seed(1)
    layers = {}
    for part in parts:
        model = getattr(pipeline, part)
        names = ["to_q", "to_k", "to_v", "to_out.0"] if part == "unet" else ["q_proj", "out_proj"]
        model.add_adapter(LoraConfig(r=2, lora_alpha=3, target_modules=names))
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(parameter, std=0.3)
        layers[f"{part}_lora_layers"] = convert_state_dict_to_diffusers(
            get_peft_model_state_dict(model)
        )
        if settings:
            layers[f"{part}_lora_adapter_metadata"] = model.peft_config["default"].to_dict()
    type(pipeline).save_lora_weights(folder, **layers)
    return folder / "pytorch_lora_weights.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_pipeline(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def lora(base, tmp_path_factory):
    pipeline = StableDiffusionPipeline.from_pretrained(base)
    folder = tmp_path_factory.mktemp("lora")
    return random_lora(folder, pipeline, ["unet", "text_encoder"], settings=True)


@torch.no_grad()
def predictions(unet, text_encoder):
    """ε for two texts at two timesteps, and the hidden states that it was told."""
    x_t = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    text = text_encoder(TOKENS)[0]
    return unet(x_t, torch.tensor([20, 700]), encoder_hidden_states=text).sample, text


def merged(folder):
    """As the Stable Diffusion adapter and its text encoding read a folder."""
    options = {"use_safetensors": True}
    return predictions(
        UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **options),
        CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", **options),
    )


@pytest.mark.parametrize("scale", [0.7, 1.0, -1.5])
def test_predictions_are_those_of_the_active_adapter(base, lora, tmp_path, scale):
    merge_lora(base, lora, scale, tmp_path / "merged")
    pipeline = StableDiffusionPipeline.from_pretrained(base)
    pipeline.load_lora_weights(str(lora.parent), adapter_name="a")
    pipeline.set_adapters("a", scale)
    expected = predictions(pipeline.unet, pipeline.text_encoder)
    found, plain = merged(tmp_path / "merged"), merged(base)
    for one, other, without in zip(found, expected, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert (other - without).abs().max() > 1e-2  # the LoRA does something
    StableDiffusionPipeline.from_pretrained(tmp_path / "merged")  # a whole pipeline


def test_scale_zero_is_the_base_and_the_rest_is_linked(base, lora, tmp_path):
    before = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}
    (base / "hub.json").write_text('{"repo": "owner/sd"}')
    merge_lora(base, lora, 0.0, tmp_path / "merged")
    for path, content in before.items():
        other = tmp_path / "merged" / path.relative_to(base)
        if path.suffix == ".safetensors" and path.parent.name in ("unet", "text_encoder"):
            found, expected = load_file(other), load_file(path)
            assert {n: t.dtype for n, t in found.items()} == {
                n: t.dtype for n, t in expected.items()
            }
            assert all(torch.equal(found[name], expected[name]) for name in expected)
        else:
            assert other.read_bytes() == content and other.samefile(path)
        assert path.read_bytes() == content  # nothing was written through a link
    record = json.loads((tmp_path / "merged" / "lora.json").read_text())
    assert record["layers"] == {"unet": 32, "text_encoder": 4} and record["scale"] == 0
    assert record["base"] == {"hub.json": {"repo": "owner/sd"}}
    assert not (tmp_path / "merged" / "hub.json").exists()
    assert str(tmp_path) not in str(record)
    assert detect_family(str(tmp_path / "merged")) == "stable-diffusion"
    (base / "hub.json").unlink()


def test_kohyas_format_with_an_alpha_and_rank_per_layer(base, tmp_path):
    """W + scale · α/r · B A by hand; every other weight as it was."""
    tensors, deltas = kohya(KOHYA)
    save_file(tensors, tmp_path / "kohya.safetensors")
    merge_lora(base, tmp_path / "kohya.safetensors", 0.6, tmp_path / "merged")
    left = dict(deltas)
    for kind, part in ((UNet2DConditionModel, "unet"), (CLIPTextModel, "text_encoder")):
        old = kind.from_pretrained(base, subfolder=part).state_dict()
        new = kind.from_pretrained(tmp_path / "merged", subfolder=part).state_dict()
        for name, weight in old.items():
            path = name.removesuffix(".weight").removeprefix("text_model.")
            path = path if path in left else f"text_model.{path}"
            expected = weight + 0.6 * left.pop(path) if path in left else weight
            torch.testing.assert_close(new[name], expected, rtol=1e-5, atol=1e-5)
    assert not left


def test_half_precision_stays_half(base, lora, tmp_path):
    half = tmp_path / "half"
    shutil.copytree(base, half)
    for part in ("unet", "text_encoder"):
        path = min((half / part).glob("*.safetensors"))
        tensors = load_file(path)
        save_file({name: t.half() for name, t in tensors.items()}, path, {"format": "pt"})
    merge_lora(half, lora, 0.5, tmp_path / "merged")
    tensors = load_file(tmp_path / "merged" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    merge_lora(base, lora, 0.5, tmp_path / "whole")
    for found, expected in zip(
        merged(tmp_path / "merged"), merged(tmp_path / "whole"), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)


def test_stable_diffusion_xl(tmp_path):
    base = save_pipeline(tmp_path / "xl", xl=True)
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    file = random_lora(tmp_path, pipeline, ["unet", "text_encoder_2"])
    merge_lora(base, file, 0.8, tmp_path / "merged")
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    pipeline.load_lora_weights(str(tmp_path), weight_name=file.name, adapter_name="a")
    pipeline.set_adapters("a", 0.8)
    other = StableDiffusionXLPipeline.from_pretrained(tmp_path / "merged")

    @torch.no_grad()
    def epsilon(pipeline):
        text = torch.cat([e(TOKENS)[0] for e in (pipeline.text_encoder,)], -1)
        second = pipeline.text_encoder_2(TOKENS)
        text = torch.cat([text, second.last_hidden_state], -1)
        added = {"text_embeds": second.text_embeds, "time_ids": torch.ones(2, 6)}
        x_t = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(2))
        return pipeline.unet(x_t, 300, text, added_cond_kwargs=added).sample

    torch.testing.assert_close(epsilon(other), epsilon(pipeline), rtol=1e-4, atol=1e-5)
    assert not other.text_encoder_2.config.to_dict().get("peft_config")
