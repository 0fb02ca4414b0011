"""LoRA files that are refused: of another model, in part, or none at all."""

import shutil

import pytest
import torch
from safetensors.torch import save_file
from tiny_lora import ATTENTION, KOHYA, kohya, save_pipeline

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.lora import merge_lora


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_pipeline(tmp_path_factory.mktemp("base"))


def refused(base, tensors, tmp_path, match):
    file = tmp_path / "lora.safetensors"
    save_file(tensors, file)
    with pytest.raises(InputError, match=match) as caught:
        merge_lora(base, file, 1.0, tmp_path / "merged")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lora.safetensors"]


def test_a_lora_of_another_model_is_refused(base, tmp_path):
    wide = kohya([(f"lora_unet:{ATTENTION}.attn1.to_q", (32, 32), 2, 1)])[0]
    message = (
        "does not fit unet/ of .*: found 2 of the 2 tensors of unet/ in another shape, the first"
    )
    refused(base, wide, tmp_path, message)
    other = [("lora_unet:down_blocks.2.attentions.0.transformer_blocks.0.attn1.to_q", (8, 8), 2, 1)]
    refused(base, kohya(other)[0], tmp_path, "does not fit unet/")
    # one that fits and one that does not: nothing is merged in part
    refused(base, kohya([*KOHYA[:1], *other])[0], tmp_path, "does not fit unet/")
    deep = [("lora_te:text_model.encoder.layers.7.self_attn.q_proj", (16, 16), 2, 1)]
    refused(base, kohya(deep)[0], tmp_path, "does not fit text_encoder/")
    refused(base, kohya([*KOHYA[3:4], *deep])[0], tmp_path, "does not fit text_encoder/")
    second = kohya([("lora_te2:text_model.encoder.layers.0.self_attn.q_proj", (16, 16), 2, 1)])[0]
    refused(base, second, tmp_path, "found the layer text_encoder_2.*use a LoRA made for this")


def test_files_that_are_no_lora_are_refused(base, tmp_path):
    refused(base, {"weight": torch.ones(2)}, tmp_path, "found tensors that are no LoRA's")
    magnitude = {f"lora_unet_{ATTENTION.replace('.', '_')}_attn1_to_q.dora_scale": torch.ones(8, 1)}
    (tmp_path / "lora.safetensors").unlink()
    refused(base, kohya(KOHYA[:1])[0] | magnitude, tmp_path, "found a DoRA")
    (tmp_path / "lora.safetensors").unlink()
    with pytest.raises(InputError, match="found no such file"):
        merge_lora(base, tmp_path / "absent.safetensors", 1.0, tmp_path / "merged")
    for name in ("pickle.bin", "text.safetensors"):
        (tmp_path / name).write_text("cos\nsystem\n")
        with pytest.raises(InputError, match=r"cannot be read as a LoRA .* expected a .safetens"):
            merge_lora(base, tmp_path / name, 1.0, tmp_path / "merged")
    with pytest.raises(InputError, match=r"found no unet/, expected a Stable Diffusion"):
        merge_lora(tmp_path, tmp_path / "text.safetensors", 1.0, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def halves(layer, *sides):
    """The two matrices of a layer, under the names of a format."""
    down, up = sides
    return {f"{layer}.{down}.weight": torch.ones(2, 8), f"{layer}.{up}.weight": torch.ones(8, 2)}


@pytest.mark.parametrize("lost", [0, 1], ids=["without A", "without B"])
@pytest.mark.parametrize(
    "pair",
    [
        halves(f"unet.{ATTENTION}.attn1.to_q", "lora_A", "lora_B"),
        halves(f"unet.{ATTENTION}.attn1.to_q", "lora.down", "lora.up"),
        halves(f"unet.{ATTENTION}.attn1.processor.to_q_lora", "down", "up"),
        halves(f"lora_unet_{ATTENTION.replace('.', '_')}_attn1_to_q", "lora_down", "lora_up"),
    ],
    ids=["peft", "diffusers", "older diffusers", "kohya"],
)
def test_a_matrix_without_its_other_half_is_refused(base, tmp_path, pair, lost):
    """B would be zero: the layer is left as it is, in silence; A would be drawn at random."""
    file = tmp_path / "lora.safetensors"
    save_file(pair, file)
    merge_lora(base, file, 1.0, tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole")
    pair = {**pair, **kohya(KOHYA[:1])[0]} if "lora_unet" in min(pair) else dict(pair)
    name = next(name for number, name in enumerate(pair) if number == lost)
    del pair[name]
    refused(base, pair, tmp_path, f"of this LoRA missing, the first {name}, expected every one")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("to_q.lora_A.weight", (2, 9)),
        ("to_q.lora_B.weight", (9, 2)),
        ("to_q.lora_B.weight", (8, 3)),
        ("to_q.lora_B.weight", (8, 2, 1, 1)),
        ("to_z.lora_A.weight", (2, 8)),  # no such layer, and then its other half
        ("to_q.lora_C.weight", (2, 8)),
    ],
)
def test_every_tensor_finds_its_place(base, tmp_path, name, shape):
    layer = f"unet.{ATTENTION}.attn1"
    tensors = halves(f"{layer}.to_q", "lora_A", "lora_B")
    tensors[f"{layer}.{name}"] = torch.ones(shape)
    if "to_z" in name:
        tensors[f"{layer}.to_z.lora_B.weight"] = torch.ones(8, 2)
    refused(base, tensors, tmp_path, f"does not fit unet/ of .*{name.split('.weight')[0]}")
