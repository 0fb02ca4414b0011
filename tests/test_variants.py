"""A folder with the weights of a variant alone, such as `*.fp16.safetensors`, is loaded as that."""

import shutil

import pytest
import torch
from diffusers import UNet2DConditionModel
from refusals import refused
from safetensors.torch import load_file, save_file
from stored_networks import IDS, LOADERS, latents
from transformers import (
    CLIPTextModel,
)

from diffusion_classifier.weights.networks import load_network
from diffusion_classifier.weights.weight_files import find_weights

pytestmark = pytest.mark.usefixtures("offline")


def as_variant(folder, variant):
    """Rename all weights in `folder` to those of a variant, in half precision."""
    for path in folder.rglob("*.safetensors"):
        tensors = {name: tensor.half() for name, tensor in load_file(path).items()}
        save_file(tensors, path.with_suffix(f".{variant}.safetensors"), {"format": "pt"})
        path.unlink()


@pytest.mark.parametrize(("name", "part", "load"), LOADERS, ids=IDS)
def test_a_folder_of_a_variant_alone(stored, tmp_path, capsys, name, part, load):
    copy = shutil.copytree(stored(name), tmp_path / "copy")
    as_variant(copy, "bf16" if name == "xl" else "fp16")
    load(str(copy))
    output = capsys.readouterr().err
    assert f"{copy / part}: found only weights of the variant" in output


def test_plain_weights_come_before_a_variant(stored, tmp_path, capsys):
    copy = shutil.copytree(stored("sd"), tmp_path / "copy")
    as_variant(copy, "fp16")
    shutil.copytree(stored("sd"), copy, dirs_exist_ok=True)
    assert torch.equal(latents(str(copy)), latents(str(stored("sd"))))
    assert "variant" not in capsys.readouterr().err


def test_shards_of_a_variant(stored, tmp_path, capsys):
    for kind, part in ((UNet2DConditionModel, "unet"), (CLIPTextModel, "text_encoder")):
        network = load_network(kind, stored("sd"), part)
        network.save_pretrained(tmp_path / part, variant="fp16", max_shard_size="10KB")
        assert not list((tmp_path / part).glob("*el.safetensors"))
        found = load_network(kind, tmp_path, part).state_dict()
        assert all(torch.equal(found[name], value) for name, value in network.state_dict().items())
    assert capsys.readouterr().err.count("found only weights of the variant fp16") == 2


def test_several_variants_and_none_of_them_plain(stored, tmp_path):
    copy = shutil.copytree(stored("sd") / "unet", tmp_path / "unet")
    as_variant(copy, "fp16")
    (path,) = copy.glob("*.safetensors")
    shutil.copy(path, path.with_name(path.name.replace("fp16", "non_ema")))
    message = refused(lambda folder: find_weights(folder, ["diffusion_pytorch_model"]), str(copy))
    assert "variants fp16, non_ema and no plain ones" in message
