"""Runs of the workflow that are disturbed, and what is left of them."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import xarray as xr
from workflows import PARTS, own_library, snakemake

HIT = "errors/staged/mnist/stage2/0-0"
"""The result that drills are about: 20 images, 4 classes, 200 samples, some seconds."""
LATER = ("predictions", "scores", "tables", "figures")


def undisturbed(root: Path, project: Path, device: str = "cpu") -> Path:
    """Copy the project and run it once without any fault; the folder."""
    for part in PARTS:
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy
        copy(root / part, project / part)
    shutil.copytree(root / "resources/models/digits-dit", project / "model")
    config = (root / "tests/drills/config.yaml").read_text()
    (project / "tiny.yaml").write_text(config.replace("device: cpu", f"device: {device}"))
    result = snakemake(project, "--cores", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    return project


def before_the_hit(whole: Path, project: Path) -> Path:
    """A copy of a finished run in which HIT and all that follows from it is still to be made."""
    shutil.copytree(whole, project)
    results = project / "results"
    (results / f"{HIT}.nc").unlink()
    for name in LATER:
        shutil.rmtree(results / name, ignore_errors=True)
    return project


def start(project: Path, *arguments, python=sys.executable, cores=True, **options):
    """Start snakemake and go on; its output goes to the file snakemake.log. Options are Popen's."""
    command = [python, "-m", "snakemake", "--configfile", "tiny.yaml"]
    command += ["--cores", "2"] if cores else []
    env = own_library(project, **options.pop("env", {}))
    with open(project / "snakemake.log", "a") as log:
        return subprocess.Popen(
            [*command, *arguments], cwd=project, env=env, stdout=log, stderr=log, **options
        )


def wait_until(condition, seconds: float = 120.0):
    """Wait for something to become true; what it was."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:g} s in vain for {condition.__name__}")


def job_with_a_journal(process: subprocess.Popen, project: Path) -> psutil.Process:
    """The job that measures HIT, once it has written a journal."""
    journal = project / "results" / f"{HIT}.journal.safetensors"

    def running_job():
        assert process.poll() is None, (project / "snakemake.log").read_text()
        if not journal.exists():
            return None
        children = psutil.Process(process.pid).children(recursive=True)
        own = [child for child in children if any("errors.py" in a for a in child.cmdline())]
        return own[-1] if own else None

    return wait_until(running_job)


def resumed(project: Path, *arguments: str) -> str:
    """Run to the end; what the log of HIT says."""
    result = snakemake(project, "--cores", "2", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return (project / "results/logs" / f"{HIT}.log").read_text()


def replayed(log: str) -> int:
    """How many evaluations a job found in its journal, as its log says."""
    found = re.search(r"going on after the (\d+) evaluations", log)
    return int(found.group(1)) if found else 0


def differences(project: Path, whole: Path) -> list[str]:
    """Which results are not those of an undisturbed run, times aside, or are left over."""
    found = []
    expected, made = (_results(folder / "results") for folder in (whole, project))
    found += [f"{name} is missing" for name in sorted(expected - made)]
    found += [f"{name} is left over" for name in sorted(made - expected)]
    for name in sorted(expected & made):
        if not _equal(whole / "results" / name, project / "results" / name):
            found.append(f"{name} differs")
    return found


def _results(folder: Path) -> set[str]:
    kinds = (".nc", ".parquet", ".safetensors", ".csv", ".damaged")
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in kinds or path.name.startswith(".")
    }


def _equal(expected: Path, made: Path) -> bool:
    if expected.suffix == ".nc":
        return xr.load_dataset(expected).equals(xr.load_dataset(made))  # attributes are times
    if expected.suffix == ".parquet":
        tables = [pd.read_parquet(path) for path in (expected, made)]
        return _same_table(*(t.drop(columns="seconds", errors="ignore") for t in tables))
    return expected.read_bytes() == made.read_bytes()


def _same_table(expected: pd.DataFrame, made: pd.DataFrame) -> bool:
    try:
        pd.testing.assert_frame_equal(expected, made, check_exact=True)
    except AssertionError:
        return False
    return True
