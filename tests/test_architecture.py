"""The library's folders import only downwards, as shown in docs/architecture.md."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

LINT = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)
FOLDER = "workflow_scripts/diffusion_classifier"


def linted(project):
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=project,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(project / "workflow_scripts")},
    )


def test_no_import_runs_upwards(root):
    result = linted(root)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 kept, 0 broken" in result.stdout


def test_an_import_upwards_is_noticed(root, tmp_path):
    shutil.copy(root / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / FOLDER, tmp_path / FOLDER, ignore=ignored)
    path = tmp_path / FOLDER / "engine" / "samples.py"
    path.write_text(f"{path.read_text()}\nfrom diffusion_classifier.scores import intervals\n")
    result = linted(tmp_path)
    assert result.returncode == 1
    assert "engine.samples -> diffusion_classifier.scores.intervals" in result.stdout


def test_the_drawing_is_the_contract(root):
    text = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = config["tool"]["importlinter"]["contracts"]
    entry, *folders, tools = contract["layers"]
    assert entry == "__main__"
    assert re.findall(r"^- `(\w+)`: ", text, re.M) == folders
    drawn = re.search(r"^```text\n(.*?)^```", text, re.M | re.S)[1]
    words = [word for line in drawn.splitlines() for word in re.split(r"\s{2,}", line)[1:]]
    assert words == [*folders, *re.split(" : ", tools)]
    there = {path.stem for path in (root / FOLDER).iterdir() if path.stem[0] not in "_."}
    assert there == {*folders, *re.split(" : ", tools)}


def test_no_test_file_imports_another(root):
    for path in (root / "tests").glob("*.py"):
        found = re.findall(r"^(?:from|import) test_\w+", path.read_text(encoding="utf-8"), re.M)
        assert not found, f"{path.name}: what is shared lies in a helper module"
