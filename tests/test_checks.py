"""What every change must keep clean: formats, linters, notebooks, environments."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from diffusion_classifier.config.seeds import shipped_folder


@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        "snakefmt --check Snakefile rules",
        "snakemake --lint",
    ],
)
def test_is_clean(root, command):
    module, *arguments = command.split()
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=root, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_notebooks_are_committed_without_outputs(root):
    notebooks = sorted((root / "notebooks").glob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs") and not cell.get("execution_count"), path.name


def test_conda_environment_has_the_versions_of_the_lock(root):
    lock = dict(
        re.findall(r"^([\w.-]+)==(\S+)$", (root / "envs/requirements.lock").read_text(), re.M)
    )
    pinned = {name.lower().replace("_", "-"): version for name, version in lock.items()}
    environment = yaml.safe_load((root / "envs/environment.yaml").read_text())
    packages = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert len(packages) > 20
    for package in packages:
        name, version = package.split("==")
        assert pinned[name.lower().replace("_", "-")] == version


def test_every_rule_logs_benchmarks_and_asks_for_what_it_needs(root):
    chapters = [*sorted((root / "rules").glob("*.smk")), root / "benchmarks" / "Snakefile"]
    text = "".join(path.read_text() for path in chapters)
    text = text.replace("rule all:", "")
    rules = re.findall(r"^rule (\w+):\n((?:(?:    .*)?\n)+)", text, re.M)
    assert len(rules) >= 15
    for name, body in rules:
        for directive in ("log:", "benchmark:", "threads:", "resources:", "conda:", "script:"):
            assert f"\n    {directive}" in f"\n{body}", f"rule {name} has no {directive}"
        for resource in ("mem_mb=", "runtime="):
            assert resource in body, f"rule {name} has no {resource}"


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("scenes-text", 0),
        *((name, n) for name in ("digits-dit", "scenes-clip", "scenes-sd") for n in (0, 1, 2)),
    ],
)
def test_shipped_weights_are_those_of_the_configs_recipe(root, name, seed):
    folder = shipped_folder(root, name, seed)
    model = yaml.safe_load((root / "config.yaml").read_text())["models"][name]
    record = json.loads((folder / "training.json").read_text())
    assert record["preprocess"] == model["preprocess"]
    for key, value in model["training"].items():
        recorded = record["recipe"][key]
        if key.endswith("optimisation"):  # recorded with the defaults of what is left out
            recorded = {part: recorded[part] for part in value}
            value |= {"seed": seed}
        assert recorded == value, key
    assert len((folder / "loss_curve.csv").read_text().splitlines()) > 20
    assert (shipped_folder(root, name) / "README.md").is_file()  # one card for all trainings
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10e6
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".csv", ".md"}
