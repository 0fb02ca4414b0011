"""Pythons with plugins that the base environment does not have."""

import subprocess
import sys
import sysconfig
from pathlib import Path


def python_with(folder: Path, *wanted: str | Path) -> Path | str:
    """This Python with further packages, which the base environment must not have.

    `wanted` are arguments of `pip install`. Its error if they cannot be installed.
    """
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    # what packages share as data, as the templates of notebooks' pages
    (folder / "share").symlink_to(Path(sysconfig.get_path("data")) / "share")
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "project.pth").write_text(sysconfig.get_path("purelib"))
    command = [folder / "bin/python", "-m", "pip", "install", "--no-deps", "--quiet", *wanted]
    installed = subprocess.run(command, capture_output=True, text=True)
    return installed.stderr.strip() if installed.returncode else folder / "bin/python"
