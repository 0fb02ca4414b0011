"""Every tensor of every kind of network is accounted for, whoever loads it."""

import json
import shutil
from functools import partial

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from refusals import refused
from safetensors.torch import load_file, save_file
from stored_networks import (
    CPU,
    FLOAT,
    IDS,
    LOADERS,
    OF_IMAGES,
    OTHERS,
    changed,
    denoiser,
    latents,
    texts,
)
from transformers import (
    CLIPTextModel,
    T5EncoderModel,
)

from diffusion_classifier.baselines import clip
from diffusion_classifier.weights.networks import load_network

pytestmark = pytest.mark.usefixtures("offline")


def one_missing(tensors):
    """Neither the first nor the last; whether batches were counted is of no matter."""
    own = [name for name in sorted(tensors) if "num_batches" not in name and "text" in name]
    names = own or [name for name in sorted(tensors) if "num_batches" not in name]
    return {name: value for name, value in tensors.items() if name != names[len(names) // 3]}


def half_missing(tensors):
    return {name: tensors[name] for name in sorted(tensors)[::2]}


def another_shape(tensors):
    name = max(sorted(tensors), key=lambda name: tensors[name].ndim)
    return {**tensors, name: torch.zeros([size + 1 for size in tensors[name].shape])}


def too_many(tensors):
    more = {"a.weight": torch.ones(1), "b.weight": torch.ones(2)}
    return {**tensors, **more, "layer.position_ids": torch.arange(3)}


@pytest.mark.parametrize(("name", "part", "load"), LOADERS, ids=IDS)
@pytest.mark.parametrize(
    ("change", "output"),
    [
        (one_missing, "found 1 of the {} tensors of "),
        (half_missing, " tensors of "),
        (another_shape, "found 1 of the {} tensors of "),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_network_is_whole_or_refused(stored, tmp_path, name, part, load, change, output):
    whole = load_file(next((stored(name) / part).glob("*.safetensors")))
    folder, path = changed(stored(name), part, change, tmp_path)
    message = refused(load, str(folder))
    assert f"{path}: " in message.replace("/./", "/")
    assert output.partition("{}")[0] in message and output.partition("{}")[2] in message
    assert "in another shape, the first" in message or "missing, the first" in message
    first = message.partition("the first ")[2].split(",")[0].split(": ")[0]
    lost = set(whole) - set(load_file(path)) or {name for name in whole if "weight" in name}
    if name != "our vit":  # whose names are those of transformers 4
        assert any(first.endswith(old.partition("model.")[2] or old) for old in lost)


@pytest.mark.parametrize(("name", "part", "load"), LOADERS, ids=IDS)
def test_tensors_too_many_are_named_once(stored, tmp_path, capsys, name, part, load):
    load(str(stored(name)))
    assert "not used" not in capsys.readouterr().err
    folder, path = changed(stored(name), part, too_many, tmp_path)
    load(str(folder))
    load(str(folder))
    output = capsys.readouterr().err
    assert output.count("of its tensors are not used") == 1
    assert f"{path}: 2 of its tensors" in output and "the first a.weight" in output
    assert "LOAD REPORT" not in output and "Some weights" not in output


@pytest.mark.parametrize(("name", "part", "load"), OTHERS.values(), ids=OTHERS)
def test_others_account_for_tensors_too(stored, tmp_path, name, part, load):
    folder, _ = changed(stored(name), part, one_missing, tmp_path)
    assert "found 1 of the" in refused(load, str(folder))


def test_a_network_that_has_a_tensor_twice(stored, tmp_path):
    """T5's embeddings are its encoder's: one of the two names is enough, and missing it is one."""

    def renamed(tensors):
        tensors = dict(tensors)
        return {"encoder.embed_tokens.weight": tensors.pop("shared.weight"), **tensors}

    folder, path = changed(stored("pixart") / "text_encoder", ".", renamed, tmp_path)
    expected = load_network(T5EncoderModel, stored("pixart"), "text_encoder").shared.weight
    assert torch.equal(load_network(T5EncoderModel, folder).shared.weight, expected)
    tensors = load_file(path)
    del tensors["encoder.embed_tokens.weight"]
    save_file(tensors, path, {"format": "pt"})
    message = refused(partial(load_network, T5EncoderModel), str(folder))
    assert "found 1 of the 12 tensors" in message


@pytest.mark.parametrize(
    ("kind", "part"),
    [(UNet2DConditionModel, "unet"), (CLIPTextModel, "text_encoder"), (AutoencoderKL, "vae")],
)
def test_shards(stored, tmp_path, kind, part):
    network = load_network(kind, stored("sd"), part)
    network.save_pretrained(tmp_path, max_shard_size="10KB")
    shards = sorted(tmp_path.glob("*-of-*.safetensors"))
    assert len(shards) > 2
    found = load_network(kind, tmp_path).state_dict()
    assert all(torch.equal(found[name], value) for name, value in network.state_dict().items())
    held = load_file(shards[1])
    held.pop(min(held))
    save_file(held, shards[1], {"format": "pt"})
    (index,) = tmp_path.glob("*.index.json")
    if kind is CLIPTextModel:  # which transformers reads from one file, if there is one
        one = tmp_path / "model.safetensors"
        save_file(network.state_dict(), one, {"format": "pt"})
        load_network(kind, tmp_path)
        one.unlink()
    message = refused(partial(load_network, kind), str(tmp_path))
    assert message.startswith(f"{index}: found 1 of the ")
    shards[1].unlink()
    message = refused(partial(load_network, kind), str(tmp_path))
    assert f"1 of its {len(shards)} shards missing, the first {shards[1].name}" in message
    index.unlink()
    assert "index of shards" in refused(partial(load_network, kind), str(tmp_path))


def test_a_vae_with_the_names_of_older_versions(stored, tmp_path):
    """As published Stable Diffusions have them: query, key, value and proj_attn."""
    older = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

    def as_before(tensors):
        for new, old in older.items():
            tensors = {name.replace(f".{new}.", f".{old}."): t for name, t in tensors.items()}
        return tensors

    folder, path = changed(stored("sd"), "vae", as_before, tmp_path)
    assert any("proj_attn" in name for name in load_file(path))
    assert torch.equal(latents(str(folder)), latents(str(stored("sd"))))


# --- files that are no weights


@pytest.mark.parametrize(
    ("content", "output"),
    [
        (b"", "cannot be read as safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "`git lfs pull`"),
        (None, "cannot be read as safetensors"),  # cut short
    ],
)
@pytest.mark.parametrize("part", ["unet", "text_encoder", "vae"])
def test_damaged_weights(stored, tmp_path, part, content, output):
    copy = shutil.copytree(stored("sd"), tmp_path / "copy")
    (path,) = (copy / part).glob("*.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 100] if content is None else content)
    load = {"unet": partial(denoiser, "sd"), "text_encoder": partial(texts, "sd"), "vae": latents}
    message = refused(load[part], str(copy))
    assert message.startswith(f"{path}: ") and output in message


def test_one_number_may_be_a_list_of_one(stored, tmp_path):
    def listed(tensors):
        return {**tensors, "logit_scale": tensors["logit_scale"].reshape(1)}

    folder, _ = changed(stored("open_clip vit"), ".", listed, tmp_path)
    found = clip.load(folder, CPU, FLOAT)
    assert found.scale == clip.load(stored("open_clip vit"), CPU, FLOAT).scale


def test_timm_does_not_draw_a_classifier(stored, tmp_path):
    """Told of other classes than the file has, timm leaves the classifier as it was drawn."""
    copy = shutil.copytree(stored("timm"), tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config["num_classes"] = 10
    config["model_args"] = {"num_classes": 10}
    (copy / "config.json").write_text(json.dumps(config))
    message = refused(OF_IMAGES["timm"], str(copy))
    assert "2 of the" in message and "in another shape, the first fc.weight: [1000, " in message


def test_the_whole_project_loads_in_one_way(root):
    """Whoever reads weights by another function would not account for them."""
    library = root / "workflow_scripts" / "diffusion_classifier"
    allowed = {
        "weights/networks.py": ".from_pretrained(",
        "baselines/openclip.py": "load_checkpoint(",
        "baselines/pretrained.py": "load_state_dict(",
        "training/loop.py": "load_state_dict(",  # of a network in memory
        "gpu_check/golden.py": "load_state_dict(",  # strict; a file that is no model's folder
    }
    no_weights = ("Tokenizer", "Scheduler", "Processor", "Config", "DiffusionClassifier.from")
    for path in library.rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            calls = (".from_pretrained(", "load_state_dict(", "load_checkpoint(")
            found = [call for call in calls if call in line]
            if not found or any(word in line for word in no_weights):
                continue
            name = path.relative_to(library).as_posix()
            assert allowed.get(name) == found[0], f"{name}: {line}"
