"""Pickled checkpoints read as weights only, against the state dicts torch.save was given."""

import hashlib
import json
import os
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torchvision.models import ViT_B_16_Weights

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.checkpoints import convert, read_checkpoint
from diffusion_classifier.weights.torchvision_weights import fetch_torchvision


def save(value, path, **options):
    torch.save(value, path, **options)
    return path


def same(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        assert torch.equal(found[name], tensor), name
    return True


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(2, 1)
    )


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_a_state_dict_is_read_as_it_was_saved(tmp_path, dtype, protocol):
    state = model().to(dtype).state_dict()  # with its versions, and an int64 count of batches
    path = save(state, tmp_path / "m.bin", pickle_protocol=protocol)
    assert same(read_checkpoint(path), state)


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_newer_protocol_is_refused_in_one_line(tmp_path, protocol, recwarn):
    path = save(model().state_dict(), tmp_path / "m.bin", pickle_protocol=protocol)
    with pytest.raises(InputError, match=r"another protocol than 2.*use a \.safetensors file$"):
        read_checkpoint(path)
    assert not recwarn.list


def test_every_kind_of_tensor(tmp_path):
    numbers = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {
        "transposed": numbers.T,
        "part": numbers[1:3, ::2],
        "whole": numbers,
        "expanded": torch.ones(1, 3).expand(2, 3),
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "number": torch.tensor(3.5),
        "none": torch.empty(0, 3),
        "byte": torch.arange(5, dtype=torch.uint8),
        "flags": torch.tensor([True, False]),
        "integers": torch.arange(3, dtype=torch.int32),
    }
    expected = {name: tensor.detach() for name, tensor in state.items()}
    found = read_checkpoint(save(state, tmp_path / "m.pth"))
    assert same(found, expected)
    assert found["transposed"].stride() == numbers.T.stride()
    assert found["part"].untyped_storage().data_ptr() == found["whole"].untyped_storage().data_ptr()


def test_nested_dicts_are_joined_by_dots_and_settings_left_out(tmp_path):
    weights = model().state_dict()
    value = {
        "state_dict": OrderedDict(weights),
        "history": [(torch.ones(2), 0.5)],
        "epoch": 3,
        "size": torch.Size([2, 3]),
        "name": "tiny",
        "best": None,
    }
    expected = {f"state_dict.{name}": tensor for name, tensor in weights.items()}
    expected["history.0.0"] = torch.ones(2)
    assert same(read_checkpoint(save(value, tmp_path / "m.pth")), expected)


def test_conversion_keeps_every_name_also_of_shared_tensors(tmp_path):
    shared = torch.randn(4, 3)
    state = {"a": shared, "tied": shared, "turned": shared.T, "row": shared[1], "b": torch.ones(2)}
    convert(save(state, tmp_path / "m.bin"), tmp_path / "m.safetensors")
    assert same(load_file(tmp_path / "m.safetensors"), state)
    assert os.listdir(tmp_path).count("m.safetensors") == 1 and len(os.listdir(tmp_path)) == 2
    for _ in range(3):
        convert(tmp_path / "m.bin", tmp_path / "again.safetensors")
        again = (tmp_path / "again.safetensors").read_bytes()
        assert again == (tmp_path / "m.safetensors").read_bytes()


def test_what_is_read_can_be_changed_without_changing_the_file(tmp_path):
    path = save({"a": torch.zeros(3)}, tmp_path / "m.bin")
    read_checkpoint(path)["a"].add_(1)
    assert torch.equal(read_checkpoint(path)["a"], torch.zeros(3))


class Malicious:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", ["value", "key", "alone", "state"])
def test_a_call_is_refused_and_not_made(tmp_path, place, protocol):
    evidence = tmp_path / "evidence"
    call = Malicious(os.system, f"touch {evidence}")
    hidden = OrderedDict(a=torch.ones(2))
    hidden.state = call
    value = {
        "value": {"a": torch.ones(2), "b": call},
        "key": {(call, 1): torch.ones(2)},
        "alone": call,
        "state": hidden,
    }[place]
    path = save(value, tmp_path / "m.bin", pickle_protocol=protocol)
    # PyTorch's reader does not get as far as the name in a protocol that it does not read
    found = r"the global \w+\.system" if protocol == 2 else "a pickle of another protocol than 2.*"
    with pytest.raises(InputError, match=f"m.bin: found {found}; expected tensors") as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value) and "weights_only" not in str(caught.value)
    assert not evidence.exists()


@pytest.mark.parametrize(
    "value",
    [torch.nn.Linear(2, 2), Malicious(eval, "1"), torch.ones(2).to_sparse(), {1.5: torch.ones(1)}],
    ids=["module", "eval", "sparse", "key"],
)
def test_anything_but_plain_tensors_is_refused(tmp_path, value):
    with pytest.raises(InputError, match=r"expected tensors only; use a \.safetensors file"):
        read_checkpoint(
            save({"a": value} if not isinstance(value, dict) else value, tmp_path / "m")
        )


def rewritten(source, target, change):
    """The zip `source` with its entries changed by `change(name, data)`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


LENGTH, LONGER = b"M\xe8\x03\x85", b"M\xe9\x03\x85"


def test_damage_is_found(tmp_path):
    state = {"weight": torch.arange(1000.0)}
    path = save(state, tmp_path / "m.bin")
    # written again by another program, its entries lie anywhere: still the same tensors
    assert same(read_checkpoint(rewritten(path, tmp_path / "copy.bin", lambda n, d: d)), state)
    whole = path.read_bytes()
    for length in (len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.bin").write_bytes(whole[:length])
        with pytest.raises(InputError, match="damaged or truncated zip"):
            read_checkpoint(tmp_path / "cut.bin")
    # of a machine of the other byte order: the numbers are turned
    swapped = torch.arange(1000.0).numpy().byteswap().tobytes()
    of_other = {"byteorder": b"big", "data/0": swapped}
    change = lambda n, d: of_other.get(n.split("/", 1)[1], d)  # noqa: E731
    assert same(read_checkpoint(rewritten(path, tmp_path / "big.bin", change)), state)
    middle = whole.index(torch.tensor([500.0]).numpy().tobytes())
    (tmp_path / "bit.bin").write_bytes(whole[:middle] + b"\xff" + whole[middle + 1 :])
    with pytest.raises(InputError, match="its checksum differs"):
        read_checkpoint(tmp_path / "bit.bin")
    changes = [
        ("a storage of 4000 bytes, which", "data/0", lambda data: data[:-4]),
        (r"the global torch\._utils\._rebuil;", "data.pkl", lambda data: data[:40]),
        ("a damaged checkpoint", "data.pkl", lambda data: data[:-1]),
        # 1000 numbers as int16, little-endian, only as the tensor's shape
        ("a damaged checkpoint", "data.pkl", lambda data: data.replace(LENGTH, LONGER)),
    ]
    for number, (found, entry, change) in enumerate(changes):
        damaged = lambda n, d: change(d) if n.endswith(entry) else d  # noqa: B023, E731
        with pytest.raises(InputError, match=found):
            read_checkpoint(rewritten(path, tmp_path / f"{number}.bin", damaged))


def test_other_files_are_refused(tmp_path):
    legacy = tmp_path / "legacy.pth"
    torch.save({"a": torch.ones(2)}, legacy, _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match="legacy checkpoint format"):
        read_checkpoint(legacy)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="found no PyTorch checkpoint"):
        read_checkpoint(tmp_path / "text")
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match=r"cannot be read \(it is empty\)"):
        read_checkpoint(tmp_path / "empty")
    with pytest.raises(InputError, match="No such file"):
        read_checkpoint(tmp_path / "absent")
    with pytest.raises(InputError, match="found no tensor"):
        read_checkpoint(save({"epoch": 1}, tmp_path / "numbers"))
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("hello", "")
    with pytest.raises(InputError, match="a damaged checkpoint"):
        read_checkpoint(tmp_path / "zip")


@pytest.fixture
def published(tmp_path, monkeypatch):
    """torchvision's ViT-B/16, published here as a tiny file: the state dict and where it lies."""
    state = model().state_dict()
    path = save(state, tmp_path / "vit_b_16.pth")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path = path.rename(tmp_path / f"vit_b_16-{digest[:8]}.pth")
    monkeypatch.setattr(ViT_B_16_Weights.IMAGENET1K_V1.value, "url", path.as_uri())
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "cache"))
    return state, path


def test_torchvision_weights_become_a_folder(published, tmp_path):
    state, path = published
    for name in ("first", "again, from the cache"):
        fetch_torchvision("ViT_B_16_Weights.IMAGENET1K_V1", tmp_path / name)
        assert same(load_file(tmp_path / name / "model.safetensors"), state)
        path.unlink(missing_ok=True)
    config = json.loads((tmp_path / "first" / "config.json").read_text())
    assert config == {
        "torchvision": "vit_b_16",
        "weights": "ViT_B_16_Weights.IMAGENET1K_V1",
        "transforms": {
            "resize": 256, "crop": 224, "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225], "interpolation": "bilinear",
        },
    }  # fmt: skip
    assert sorted(os.listdir(tmp_path / "first")) == ["config.json", "model.safetensors"]


def test_torchvision_mistakes(published, tmp_path, monkeypatch):
    _, path = published
    with pytest.raises(InputError, match=r"did you mean `ViT_B_16_Weights\.IMAGENET1K_V1`"):
        fetch_torchvision("ViT_B_16_Weights.IMAGENET1K_V", tmp_path / "x")
    with pytest.raises(InputError, match="expected weights that classify images"):
        fetch_torchvision("Raft_Large_Weights.C_T_V1", tmp_path / "x")
    weights = ViT_B_16_Weights.IMAGENET1K_V1.value
    wrong = Path(path).rename(path.with_name("vit_b_16-00000000.pth"))
    monkeypatch.setattr(weights, "url", wrong.as_uri())
    with pytest.raises(InputError, match="found another SHA-256 than the name"):
        fetch_torchvision("ViT_B_16_Weights.IMAGENET1K_V1", tmp_path / "x")
    monkeypatch.setattr(weights, "url", (tmp_path / "absent-00000000.pth").as_uri())
    with pytest.raises(InputError, match=r"cannot be downloaded .*\$TORCH_HOME") as caught:
        fetch_torchvision("ViT_B_16_Weights.IMAGENET1K_V1", tmp_path / "x")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "x").exists()
