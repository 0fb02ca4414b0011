"""A missing part of a model is named, and a part alone is no model."""

import json
import shutil

import pytest
import yaml
from model_skeletons import CLIP, CONFIGS, T5, UNET, save, write
from refusals import refused

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.denoisers.model_folders import detect_family
from diffusion_classifier.weights.model_parts import (
    check_classifier_folder,
    check_clip_folder,
    check_model_folder,
)

PARTS = [
    (family, path)
    for family, parts in CONFIGS.items()
    for path in [
        "scheduler/scheduler_config.json",
        *(f"{part}/config.json" for part in parts),
        *(
            f"{part}/{'model' if 'text' in part else 'diffusion_pytorch_model'}.safetensors"
            for part in parts
        ),
        *(
            part.replace("text_encoder", "tokenizer")
            + ("/spiece.model" if config is T5 else "/merges.txt")
            for part, config in parts.items()
            if "text" in part
        ),
    ]
]


@pytest.mark.parametrize(("family", "path"), PARTS, ids=[f"{f} {path}" for f, path in PARTS])
def test_a_missing_part_is_named(tmp_path, family, path):
    folder = save(tmp_path / "file", family)
    (folder / path).unlink()
    assert str((folder / path).parent) in refused(check_model_folder, folder, FAMILIES[family])
    folder = save(tmp_path / "folder", family)
    shutil.rmtree((folder / path).parent)
    message = refused(check_model_folder, folder, FAMILIES[family])
    assert path.split("/")[0] in message and str(folder) in message


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_of_another_format_is_no_part(tmp_path, family):
    folder = save(tmp_path, family)
    part = next(iter(CONFIGS[family]))
    weights = folder / part / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    message = refused(check_model_folder, folder, FAMILIES[family])
    assert "a pickle is never opened" in message and part in message
    write(folder / part / "config.json", "{")
    assert "config.json: cannot be read (not JSON)" in refused(
        check_model_folder, folder, FAMILIES[family]
    )


def test_stable_diffusion_3_without_t5_says_so_in_its_index(tmp_path):
    folder = save(tmp_path, "stable-diffusion-3")
    shutil.rmtree(folder / "text_encoder_3")
    assert "text_encoder_3" in refused(check_model_folder, folder, FAMILIES["stable-diffusion-3"])
    index = json.loads((folder / "model_index.json").read_text())
    write(folder / "model_index.json", index | {"text_encoder_3": [None, None]})
    check_model_folder(folder, FAMILIES["stable-diffusion-3"])


SINGLE = {
    "a ControlNet": ({"config.json": {"_class_name": "ControlNet"}}, "a ControlNet alone"),
    "a UNet": ({"config.json": UNET}, "a UNet2DConditionModel alone"),
    "a text encoder": ({"config.json": CLIP}, "a clip_text_model alone"),
    "a LoRA": ({"lora_weights.safetensors": ""}, "the file lora_weights.safetensors alone"),
    "one file": ({"v1-5-pruned.ckpt": "", "README.md": ""}, "the file v1-5-pruned.ckpt alone"),
    "nothing": ({}, "an empty folder"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "output"), SINGLE.values(), ids=SINGLE)
def test_a_single_part_is_no_model(tmp_path, files, output):
    for name, content in files.items():
        write(tmp_path / name, content)
    for family in FAMILIES:
        message = refused(check_model_folder, tmp_path, FAMILIES[family])
        assert f"{tmp_path}: found {output}, expected a whole model" in message
    assert output in refused(detect_family, str(tmp_path))


def test_clips(tmp_path):
    config = {"model_type": "clip"}
    files = {"config.json": config, "model.safetensors": "", "tokenizer.json": "{}"}
    files["preprocessor_config.json"] = {}
    for name, content in files.items():
        write(tmp_path / name, content)
    check_clip_folder(tmp_path)
    for name, content in files.items():
        (tmp_path / name).unlink()
        assert name in refused(check_clip_folder, tmp_path)
        write(tmp_path / name, content)
    write(tmp_path / "config.json", {"model_type": "siglip"})
    assert "type siglip, expected clip" in refused(check_clip_folder, tmp_path)
    write(tmp_path / "open_clip_config.json", {})
    assert "type siglip" in refused(check_clip_folder, tmp_path)  # no weights of open_clip's
    write(tmp_path / "open_clip_model.safetensors", "")
    check_clip_folder(tmp_path)


def test_classifiers(tmp_path):
    assert "no config.json" in refused(check_classifier_folder, tmp_path)
    write(tmp_path / "config.json", {})
    assert "no model.safetensors" in refused(check_classifier_folder, tmp_path)
    write(tmp_path / "model.safetensors", "")
    check_classifier_folder(tmp_path)


@pytest.mark.parametrize("family", ["dit", "clip"])
def test_a_config_that_names_the_folder_says_so(root, tmp_path, monkeypatch, family):
    """Before anything runs; a model's parts, and those of a classifier of a baseline."""
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "tests" / "digits.yaml").read_text(encoding="utf-8"))
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine" / "README.md", "")
    model = {"label": "Mine", "family": family, "weights": "mine", "preprocess": {"size": 16}}
    model |= {"latent_shape": [1, 16, 16]} if family == "dit" else {}
    config["models"]["mine"] = model
    message = refused(check_config, config, root)
    assert message.startswith("models.mine.weights: mine") and "config.json" in message
    del config["models"]["mine"]
    config["baselines"]["mine"] = {"label": "Mine", "kind": "pretrained", "weights": "mine"}
    message = refused(check_config, config, root)
    assert message.startswith("baselines.mine.weights: mine: found no config.json")
