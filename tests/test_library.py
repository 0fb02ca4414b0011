"""The library can be installed, and the workflow uses the library beside it."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points

import pytest


@pytest.mark.parametrize(
    ("search", "found"), [([], "that of another folder"), (["-I", "-S"], "none in this Python")]
)
def test_another_library_than_the_workflows_is_refused(root, tmp_path, search, found):
    """Runs only this chapter, as Snakemake does; without site-packages there is no library."""
    code = (
        "from types import SimpleNamespace\n"
        f"workflow = SimpleNamespace(current_basedir={str(tmp_path / 'rules')!r})\n"
        + (root / "rules" / "library.smk").read_text()
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if not search:
        environment["PYTHONPATH"] = str(root / "workflow_scripts")
    done = subprocess.run(
        [sys.executable, *search, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1
    assert f"found {found}, expected the one beside this Snakefile" in done.stderr
    assert done.stderr.count("\n") == 1 and str(tmp_path) not in done.stderr


def test_a_wheel_holds_the_library_and_its_class_lists(root, tmp_path):
    """Built from a copy, since building leaves files."""
    for part in ("workflow_scripts", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy
        copy(root / part, tmp_path / part)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", tmp_path / "out", tmp_path], check=True)
    (wheel,) = (tmp_path / "out").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    scripts = root / "workflow_scripts"
    paths = (scripts / "diffusion_classifier").rglob("*.py")
    modules = {str(path.relative_to(scripts)) for path in paths}
    assert modules <= set(names)
    assert "diffusion_classifier/data/classes/imagenet.csv" in names
    assert "errors.py" not in names  # scripts of rules do not belong to the library


def test_the_command_is_installed():
    (command,) = entry_points(group="console_scripts", name="diffusion-classifier")
    assert command.value == "diffusion_classifier.cli.commands:main"
