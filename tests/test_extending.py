"""The examples of docs/extending.md, written into a copy of the project, and their own tests."""

import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from workflows import PARTS, snakemake

BLOCKS = re.compile(
    r"^`([\w/.]+)`(?:, in `(\w+)`)?:\n\n```(?:python|yaml)\n(.*?)^```$", re.M | re.S
)
FENCES = re.compile(r"^```(?:python|yaml)$", re.M)


@pytest.fixture(scope="module")
def extended(root, tmp_path_factory):
    """A copy of the project with all that the document adds."""
    project = tmp_path_factory.mktemp("project")
    (project / "resources").symlink_to(root / "resources")  # the models that the default uses
    for part in (*PARTS, "pyproject.toml", "config.yaml"):
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy
        copy(root / part, project / part)
    (project / "tests").mkdir()
    for name in ("conftest.py", "extended.py", "tiny.yaml"):
        shutil.copy(root / "tests" / name, project / "tests" / name)
    text = (root / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = BLOCKS.findall(text)
    assert len(blocks) == len(FENCES.findall(text)) == 15  # every example is used
    for name, registry, code in blocks:
        path = project / name
        if not registry:
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            path.write_text(code, encoding="utf-8")
            continue
        before = path.read_text(encoding="utf-8")
        after, count = re.subn(rf"^({registry}: .*\{{\n)", rf"\g<1>{code}", before, flags=re.M)
        assert count == 1
        path.write_text(after, encoding="utf-8")
    return project


def run(project, *command):
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(project / "workflow_scripts")},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_examples_pass_their_tests(extended):
    message = run(extended, "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert re.match(r"\.{9} ", message), message


def test_the_workflow_asks_the_new_baseline(extended):
    config = yaml.safe_load((extended / "tests" / "tiny.yaml").read_text(encoding="utf-8"))
    config["baselines"]["mean"] = {
        "label": "Mean", "kind": "nearest_mean", "preprocess": {"mode": "L", "size": 14},
        "tasks": {"digits": {"train": "train"}},
    }  # fmt: skip
    table = {"kind": "accuracy", "datasets": ["mnist"], "methods": ["staged", "mean"]}
    config["tables"] = {"mine": table}
    (extended / "tiny.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    answers = "results/predictions/mean/mnist.parquet"
    result = snakemake(extended, "--cores", "1", answers)
    assert result.returncode == 0, result.stdout + result.stderr
    found = pd.read_parquet(extended / answers)
    assert len(found) == 30 and (found["label"] == found["prediction"]).mean() > 0.5


def test_the_examples_are_in_style(extended):
    run(extended, "ruff", "check", ".")
    run(extended, "ruff", "format", "--check", ".")
