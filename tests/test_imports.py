"""Imports of jobs: light jobs do without torch, pixel models without diffusers; no patches."""

import ast
import os
import re
import subprocess
import sys

import pytest
from tiny_dit import save_dit

LIGHT = (
    "compositional_scores", "concatenate_predictions", "curves", "dataset", "explorer", "given",
    "group_pairs", "matching_scores", "pairs", "predict_chance", "predictions", "prompts", "prune",
    "scores",
)  # fmt: skip
"""Rule scripts that only read and write tables."""
PIXELS = """
import sys
import pandas as pd
import torch
from PIL import Image
from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.encoders import encode_images

on = (torch.device("cpu"), torch.float32)
grey = Image.new("L", (8, 8), 255)
latents = encode_images(sys.argv[1], Preprocess("L", size=8), [grey], *on, "dit")
assert latents.tolist() == [[[[1.0] * 8] * 8]]
prompts = pd.DataFrame({"prompt": ["a", "b"], "classname": ["a", "b"], "classidx": [0, 3]})
conditions = family("dit").encode_prompts(sys.argv[1], prompts, *on)
assert conditions["class_labels"].tolist() == [0, 3]
"""
TRICKS = {
    "patches of modules": r"\bsys\.modules\b|\bunittest\b|\bmonkeypatch\b",
    "an end without Python's own": r"\bos\._exit\b",
    "tuning of the garbage collector": r"\bgc\.(set_threshold|freeze|disable|collect)\b",
    "tuning of the allocator": r"\bmallopt\b|MALLOC_",
}


def run(root, code, *arguments):
    environment = os.environ | {"PYTHONPATH": str(root / "workflow_scripts")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imports(script):
    """The import statements of a rule script, except that of `job`, as lines of code."""
    found = ast.walk(ast.parse(script.read_text(encoding="utf-8")))
    lines = [ast.unparse(node) for node in found if isinstance(node, ast.Import | ast.ImportFrom)]
    return [line for line in lines if not line.startswith("from job ")]


def test_jobs_that_move_tables_do_not_import_torch(root):
    scripts = root / "workflow_scripts"
    code = "\n".join(line for name in LIGHT for line in imports(scripts / f"{name}.py"))
    assert "diffusion_classifier" in code
    code += "\nimport diffusion_classifier.weights.hub"  # which a data set of the hub asks
    code += "\nimport sys; print(sorted({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    assert run(root, code) == "[]\n"


def test_pixels_and_class_indices_need_neither_diffusers_nor_transformers(root, tmp_path):
    save_dit(tmp_path)
    code = PIXELS + "print(sorted({'diffusers', 'transformers'} & set(sys.modules)))"
    assert run(root, code, tmp_path) == "[]\n"


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_of_the_product_is_a_trick(trick, root):
    folders = (root / "workflow_scripts", root / "rules", root / "notebooks")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in (root / "Snakefile", *files)
        if path.suffix in (".py", ".smk", ".ipynb", "")
    }
    assert len(texts) > 100
    assert [path for path, text in texts.items() if re.search(TRICKS[trick], text)] == []


def test_pickles_are_read_in_one_place_and_as_weights_only(root):
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for path in (root / "workflow_scripts").rglob("*.py")
    }
    calls = [
        (name, call)
        for name, text in texts.items()
        for call in re.findall(r"^[^`\n]*\btorch\.load\(.*", text, re.M)
    ]
    assert [name for name, _ in calls] == ["checkpoints.py"]
    assert "weights_only=True" in calls[0][1]
    pickles = r"^\s*(?:import|from) (?:pickle|pickletools|dill|joblib|cloudpickle)\b"
    assert [name for name, text in texts.items() if re.search(pickles, text, re.M)] == []
