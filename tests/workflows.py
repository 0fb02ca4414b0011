"""Run the real workflow in a copy of the project."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import yaml

PARTS = [
    "Snakefile",
    "rules",
    "workflow_scripts",
    "notebooks",
    "config",
    "envs",
    "report",
    "profiles",
]


def snakemake(project, *arguments, python=sys.executable):
    """Run snakemake in `project`; return the completed process with its output."""
    command = [python, "-m", "snakemake", "--configfile", "tiny.yaml", *arguments]
    return subprocess.run(
        command, cwd=project, capture_output=True, text=True, env=own_library(project)
    )


def run_config(folder, config, *arguments, **environment):
    """Run snakemake with a config in `folder`, a copy of the project."""
    command = [sys.executable, "-m", "snakemake", "--configfile", config, *arguments]
    environment = own_library(folder, **environment)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def own_library(project, **variables):
    """The environment in which Python takes the library from the copy of the project."""
    search = [str(project / "workflow_scripts"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"NO_COLOR": "1", "PYTHONPATH": os.pathsep.join(search)} | variables


def edited(project, edit):
    """Change the copy's config, tiny.yaml, by a function of it."""
    path = project / "tiny.yaml"
    config = yaml.safe_load(path.read_text())
    edit(config)
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def planned(project, *arguments):
    """The jobs a dry run lists: rule -> count."""
    result = snakemake(project, "--dry-run", "--cores", "1", *arguments)
    assert result.returncode == 0, result.stderr
    stats = re.search(r"Job stats:\n(.*?)\n\n", result.stdout + result.stderr, re.DOTALL)
    if stats is None:
        return {}
    rows = [line.split() for line in stats.group(1).splitlines()[2:]]
    return {name: int(count) for name, count in rows if name not in ("total", "all")}


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run_copy(root, project, config):
    """Copy the project, with `config` of tests/ as its config, and run it once; the folder."""
    for part in PARTS:
        source = root / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, project / part)
    shutil.copy(root / "tests" / config, project / "tiny.yaml")
    result = snakemake(
        project, "--cores", "2", "--report", "results/report.html", "--report-after-run"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return project


@contextmanager
def library_edits(project):
    """Yields `edit(name, old, new)`, which edits the library in `project`; undone at the end.

    `name` is relative to the library: `../errors.py` is a rule's script.
    """
    originals = {}

    def edit(name, old, new):
        path = project / "workflow_scripts" / "diffusion_classifier" / name
        text = originals.setdefault(path, path.read_text())
        assert old in text
        path.write_text(text.replace(old, new, 1))

    yield edit
    for path, text in originals.items():
        path.write_text(text)
