"""Imports without what a job does not need, in a process of its own."""

import os
import subprocess
import sys

import lean_models
import pytest
import torch
from family_pipelines import CPU, NAMES, pixart, sd3, sdxl
from PIL import Image
from test_stable_diffusion import save_pipeline
from tiny_dit import save_dit

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.engine.encoders import encode_images

SAVED = {
    "dit": save_dit,
    "stable-diffusion": lambda folder: save_pipeline(folder, 2, "epsilon"),
    NAMES["xl"]: sdxl,
    NAMES["pixart"]: pixart,
    NAMES["3"]: sd3,
}
LOAD = """
import sys
from diffusion_classifier.startup import lean_diffusers

with lean_diffusers():
    import torch
    from diffusion_classifier.denoisers.families import FAMILIES, family

    cpu = torch.device("cpu")
    for name in FAMILIES:
        family(name).load(f"{sys.argv[1]}/{name}", cpu, torch.float32)
print(*(name for name in ("diffusers", "peft", "transformers", "scipy", "torch._dynamo")
        if name in sys.modules))

import importlib.metadata
from diffusers.utils import import_utils
assert import_utils._package_map == {}  # nothing was read to make it
assert "torch" in importlib.metadata.packages_distributions()  # for everybody else it is there

from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.data.preprocess import Preprocess
from PIL import Image

pictures = [Image.new("RGB", (16, 16), "red")]
folder = f"{sys.argv[1]}/stable-diffusion"
latents = encode_images(folder, Preprocess(), pictures, cpu, torch.float32)
print(*latents.flatten().tolist())

import scipy.stats
import transformers

print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item())
"""


def test_transformers_models_work_without_what_they_do_not_need(root, tmp_path):
    for name, save in SAVED.items():
        (tmp_path / name).mkdir()
        save(tmp_path / name)
    command = [sys.executable, lean_models.__file__, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(root / "workflow_scripts")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    imported, found, compiled = done.stdout.splitlines()
    assert imported == ""
    expected = lean_models.made(tmp_path)
    assert [float(value) for value in found.split()] == pytest.approx(expected, rel=1e-5)
    assert compiled == "2.0"


def test_every_family_loads_without_what_it_does_not_need(root, tmp_path):
    assert set(SAVED) == set(FAMILIES)
    for name, save in SAVED.items():
        (tmp_path / name).mkdir()
        save(tmp_path / name)
    command = [sys.executable, "-c", LOAD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root / "workflow_scripts")
    assert done.returncode == 0, done.stderr
    imported, latents, compiled = done.stdout.splitlines()
    assert imported == "diffusers"
    # and what is asked for afterwards is there, and does what it does elsewhere
    folder, pictures = str(tmp_path / "stable-diffusion"), [Image.new("RGB", (16, 16), "red")]
    expected = encode_images(folder, Preprocess(), pictures, CPU, torch.float32)
    assert [float(value) for value in latents.split()] == pytest.approx(expected.flatten().tolist())
    assert compiled == "2.0"
