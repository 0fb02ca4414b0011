"""ImageNet networks that others trained, against timm's and torchvision's own classes."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image
from timm.models._hub import save_for_hf
from tiny_classifiers import MEAN, STD, save_torchvision
from torchvision import models, transforms
from torchvision.models import _api
from torchvision.models.vision_transformer import VisionTransformer
from torchvision.transforms import InterpolationMode

from diffusion_classifier.baselines import pretrained
from diffusion_classifier.data.sources.image_source import encode
from diffusion_classifier.files import write_json
from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.torchvision_weights import fetch_torchvision

pytestmark = pytest.mark.usefixtures("offline")

CPU = torch.device("cpu")


def random_images(count, size=(110, 90)):
    """Colour images; the last one is grey."""
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 256, (count, 2, 3, 3), dtype=np.uint8)
    images = [Image.fromarray(array).resize(size) for array in arrays]
    return [*images[:-1], images[-1].convert("L")]


def shaken(model):
    """`model` with weights of which each makes a difference, ready to predict."""
    generator = torch.Generator().manual_seed(0)
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5, generator=generator)
        elif value.is_floating_point():
            scale = 0.3 if value.ndim < 2 else 1.5 / value[0].numel() ** 0.5
            value.normal_(1 if name.endswith("weight") and value.ndim < 2 else 0, scale,
                          generator=generator)  # fmt: skip
    return model.eval()


def by_hand(model, images, resize, crop, mean, std, interpolation):
    transform = transforms.Compose(
        [
            transforms.Resize(resize, interpolation),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    with torch.no_grad():
        return model(torch.stack([transform(image.convert("RGB")) for image in images]))


def check(folder, images, expected):
    found = pretrained.load(folder, CPU, torch.float32).logits(iter(images), batch=2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert found.shape == (len(images), 1000) and found.dtype == torch.float32
    assert expected.std(dim=0).median() > 0.05  # images differ


@pytest.fixture(scope="module")
def timm_folder(tmp_path_factory):
    """timm's smallest ResNet, with the preprocessing of its copies of torchvision's."""
    folder = tmp_path_factory.mktemp("timm")
    model = shaken(timm.create_model("test_resnet", num_classes=1000))
    form = {"input_size": (3, 64, 64), "crop_pct": 0.875, "interpolation": "bilinear"}
    form |= {"mean": MEAN, "std": STD}
    save_for_hf(model, folder, safe_serialization=True, data_config=form)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle, not to be opened")
    return folder, model


def test_timms_layout(timm_folder):
    folder, model = timm_folder
    config = json.loads((folder / "config.json").read_text())
    assert config["architecture"] == "test_resnet" and config["pretrained_cfg"]["crop_pct"] == 0.875
    images = random_images(5)
    expected = by_hand(model, images, 73, 64, MEAN, STD, InterpolationMode.BILINEAR)
    check(folder, images, expected)


def test_images_are_read_as_they_are_needed(timm_folder, capsys):
    network = pretrained.load(timm_folder[0], CPU, torch.float32)
    taken, seen = 0, []

    def images():
        nonlocal taken
        for image in random_images(5):
            taken += 1
            yield image

    network.model.register_forward_pre_hook(lambda _, inputs: seen.append((len(inputs[0]), taken)))
    assert network.logits(images(), total=5, batch=2).shape == (5, 1000)
    assert seen == [(2, 2), (2, 4), (1, 5)]
    assert "5/5 images" in capsys.readouterr().err


def test_what_was_fetched_of_torchvision(tmp_path, monkeypatch):
    """From the file that torchvision publishes to logits, by its own transforms."""
    weights = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    cache = tmp_path / "cache" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    model = shaken(models.squeezenet1_1())
    torch.save(model.state_dict(), cache / weights.url.rsplit("/", 1)[-1])
    fetch_torchvision(str(weights), tmp_path / "network")
    images, transform = random_images(2, (300, 250)), weights.transforms()
    with torch.no_grad():
        expected = model(torch.stack([transform(image.convert("RGB")) for image in images]))
    found = pretrained.load(tmp_path / "network", CPU, torch.float32).logits(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 1e-2


def test_a_vision_transformer_for_images_of_another_size(tmp_path, monkeypatch):
    """As ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1, whose images are of 384 pixels."""

    def vit_tiny(weights=None, image_size=224):
        assert weights is None
        return VisionTransformer(image_size, 16, 2, 2, 16, 32)

    monkeypatch.setitem(_api.BUILTIN_MODELS, "vit_tiny", vit_tiny)
    model, images = shaken(vit_tiny(image_size=48)), random_images(5)
    form = {"mean": [0.5] * 3, "std": [0.4] * 3, "interpolation": "bicubic"}
    save_torchvision(tmp_path, "vit_tiny", model, {"resize": 56, "crop": 48, **form})
    form["interpolation"] = InterpolationMode.BICUBIC
    check(tmp_path, images, by_hand(model, images, 56, 48, **form))


def test_a_network_with_its_own_normalisation(tmp_path):
    """torchvision's GoogLeNet converts its input only where it is asked for weights."""
    model = shaken(models.googlenet(transform_input=True, init_weights=False))
    images, form = random_images(3), {"resize": 64, "crop": 64, "mean": MEAN, "std": STD}
    save_torchvision(tmp_path, "googlenet", model, {**form, "interpolation": "bilinear"})
    form["interpolation"] = InterpolationMode.BILINEAR
    check(tmp_path, images, by_hand(model, images, **form))


def test_folders_that_are_refused(tmp_path, timm_folder):
    with pytest.raises(InputError, match=r"found no config\.json, expected an ImageNet network"):
        pretrained.load(tmp_path, CPU, torch.float32)
    write_json({"model_type": "resnet"}, tmp_path / "config.json")
    with pytest.raises(InputError, match=r"found no model\.safetensors"):
        pretrained.load(tmp_path, CPU, torch.float32)
    weights = (timm_folder[0] / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match="found neither `architecture`"):
        pretrained.load(tmp_path, CPU, torch.float32)
    config = json.loads((timm_folder[0] / "config.json").read_text())
    for name, message in (
        ("test_vit", "of test_vit missing"),
        ("no_such_network", "cannot be read"),
    ):
        write_json(config | {"architecture": name}, tmp_path / "config.json")
        with pytest.raises(InputError, match=message):
            pretrained.load(tmp_path, CPU, torch.float32)
    transforms = {"resize": 8, "crop": 8, "mean": MEAN, "std": STD, "interpolation": "bilinear"}
    config = {"torchvision": "squeezenet1_1", "transforms": transforms}
    write_json(config, tmp_path / "config.json")
    with pytest.raises(InputError, match="52 of the 52 tensors of squeezenet1_1 missing"):
        pretrained.load(tmp_path, CPU, torch.float32)


# --- from 1000 classes to those of a data set


@pytest.mark.parametrize(
    ("class_index", "class_of"),
    [
        ([3, 7, 1, 9], [0, 1, 2, 3]),  # some of them, in another order, as ImageNet-A
        ([0, 4, 8, 2, 8], [2, 0, 2, 1, 1]),  # several of a class, one of two classes
        ([5, 6], [3, 1]),  # classes 0 and 2 have none
    ],
)
def test_predictions_by_brute_force(class_index, class_of):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (40, 10)).astype(np.float32)
    predictions, scores = pretrained.predict(
        torch.tensor(logits), np.array(class_index), np.array(class_of)
    )
    for image, row in enumerate(logits):
        total = np.log(sum(np.exp(float(row[index])) for index in class_index))
        best = [-np.inf] * (max(class_of) + 1)
        for index, label in zip(class_index, class_of, strict=True):
            best[label] = max(best[label], row[index] - total)
        np.testing.assert_allclose(scores[image], best, rtol=1e-5, atol=1e-5)
        assert predictions[image] == np.argmax(best)
    assert predictions.dtype == np.int64 and scores.dtype == np.float32
    assert len(set(predictions)) > 1


def test_which_rows_a_set_of_prompts_asks_for():
    templates = pd.DataFrame({"prompt": list("abcd"), "classname": "x", "classidx": [1, 0, 1, 0]})
    index, label = pretrained.class_rows(templates)
    assert sorted(zip(index, label, strict=True)) == [(0, 0), (1, 1)]
    several = templates.assign(condition=[30, 31, 32, 31])
    index, label = pretrained.class_rows(several)
    assert sorted(zip(index, label, strict=True)) == [(30, 1), (31, 0), (32, 1)]
    assert index.dtype == label.dtype == np.int64


def test_a_class_that_the_network_lacks():
    with pytest.raises(
        InputError, match="found the ImageNet index 1003 of class 7, expected 0 to 999"
    ):
        pretrained.predict(torch.zeros(2, 1000), np.array([0, 1003]), np.array([2, 7]))


DRIVER = """
import runpy, sys
from types import SimpleNamespace as Namespace
folder, scripts = sys.argv[1:]
sys.path.insert(0, scripts)
snakemake = Namespace(
    log=[f"{folder}/log"], threads=1, rule="predict_baseline", output=[f"{folder}/out.parquet"],
    params=Namespace(
        spec={"kind": "pretrained"}, setting={"folder": f"{folder}/network"},
        questions=[{"data": f"{folder}/data.parquet", "prompts": f"{folder}/prompts.csv"}],
        device="cpu", dtype="float32",
    ),
)
runpy.run_path(f"{scripts}/predict_baseline.py", {"snakemake": snakemake})
"""


def test_the_rule(tmp_path, timm_folder, root):
    folder, model = timm_folder
    (tmp_path / "network").symlink_to(folder)
    images = random_images(3)
    pd.DataFrame(
        {
            "image": range(3), "label": [0, 1, 0], "classname": ["cat", "dog", "cat"],
            "bytes": [encode(image) for image in images],
        }
    ).to_parquet(tmp_path / "data.parquet")  # fmt: skip
    (tmp_path / "prompts.csv").write_text(
        "prompt,classname,classidx,condition\na cat,cat,0,281\na dog,dog,1,151\na pup,dog,1,254\n"
    )
    scripts = str(root / "workflow_scripts")
    run = subprocess.run([sys.executable, "-c", DRIVER, str(tmp_path), scripts])
    assert run.returncode == 0, (tmp_path / "log").read_text()
    found = pd.read_parquet(tmp_path / "out.parquet")
    logits = by_hand(model, images, 73, 64, MEAN, STD, InterpolationMode.BILINEAR)
    rows = logits[:, [281, 151, 254]].log_softmax(dim=1).numpy()
    expected = np.stack([rows[:, 0], rows[:, 1:].max(axis=1)], axis=1)
    np.testing.assert_allclose(np.stack(found["scores"]), expected, rtol=1e-3, atol=1e-3)
    assert found["prediction"].tolist() == expected.argmax(axis=1).tolist()
    assert found["label"].tolist() == [0, 1, 0]
