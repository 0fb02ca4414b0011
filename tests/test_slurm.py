"""The workflow on a real SLURM of one node, started by these tests; see slurm/start.sh."""

import os
import re
import shutil
import signal
import subprocess
from datetime import datetime

import numpy as np
import pandas as pd
import psutil
import pytest
import xarray as xr
from drills.pythons import python_with
from drills.runs import (
    HIT,
    before_the_hit,
    differences,
    replayed,
    start,
    undisturbed,
    wait_until,
)
from drills.slurm import running
from workflows import PARTS, snakemake

GPUS = 2
QUICK = ("--latency-wait", "5", "--max-jobs-per-timespan", "100000/1s")


@pytest.fixture(scope="module")
def slurm(root, tmp_path_factory):
    """A running SLURM that declares GPUS devices; the folder of its state."""
    with running(root, tmp_path_factory.mktemp("slurm"), GPUS) as home:
        yield home


@pytest.fixture(scope="module")
def python(root, tmp_path_factory):
    """This Python with SLURM's executor plugin added, which the base environment must not have."""
    folder = tmp_path_factory.mktemp("plugin") / "venv"
    found = python_with(folder, "--requirement", root / "envs/slurm-requirements.txt")
    if isinstance(found, str):
        pytest.skip(f"SLURM's executor plugin cannot be installed: {found}")
    return found


@pytest.fixture(scope="module")
def project(root, slurm, python, tmp_path_factory):
    """A copy of the project whose workflow has been run by SLURM; jobs find it by its path."""
    project = tmp_path_factory.mktemp("project")
    for part in PARTS:
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy
        copy(root / part, project / part)
    shutil.copytree(root / "resources/models/digits-dit", project / "model")
    shutil.copy(root / "tests/slurm/config.yaml", project / "tiny.yaml")
    quick = [*QUICK, "--slurm-init-seconds-before-status-checks", "2"]
    result = snakemake(project, "--workflow-profile", "profiles/slurm", *quick, python=python)
    assert result.returncode == 0, result.stdout + result.stderr
    return project


@pytest.fixture(scope="module")
def jobs(project):
    """SLURM's record of every job of the workflow, one row each."""
    # without start.sh's own
    return pd.DataFrame([row for row in job_records() if row["JobName"] != "true"])


def job_records():
    """SLURM's record of every job."""
    lines = control("scontrol", "-o", "show", "jobs").splitlines()
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]


def control(*command):
    """The output of one of SLURM's commands."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_workflow_runs_through(project):
    table = pd.read_csv(project / "results/tables/accuracy/table.csv")
    own = table[table["method"] == "Diffusion Classifier [L2]"]
    assert own.query("metric == 'top1'")["value"].item() > 70
    errors = [xr.load_dataset(p) for p in sorted((project / "results/errors").rglob("*.nc"))]
    assert [dict(stage.sizes) for stage in errors] == [{"pair": 40, "sample": 10}] * 3
    assert set(np.concatenate([stage["image"].values for stage in errors])) == set(range(12))


def test_jobs_that_load_a_model_get_a_gpu_each(jobs):
    with_gpu = jobs[jobs["TresPerJob"].notna()]
    # conditions, and latents and errors of 3 shards
    assert len(with_gpu) == 1 + 3 + 3
    assert set(with_gpu["TresPerJob"]) == {"gres:gpu:1"}
    times = [(datetime.fromisoformat(row.StartTime), 1) for row in with_gpu.itertuples()]
    times += [(datetime.fromisoformat(row.EndTime), -1) for row in with_gpu.itertuples()]
    running = np.cumsum([change for _, change in sorted(times)])
    assert running.max() == GPUS


def test_small_jobs_and_shards_share_submissions(project, jobs):
    rules = pd.Series([path.parts[0] for path in _benchmarks(project)]).value_counts()
    assert rules["predictions"] == rules["latents"] == rules["errors"] == 3 and rules.sum() >= 15
    of_errors = jobs["StdOut"].str.contains("/rule_errors/")
    # which shards of errors are ready together is chance, so their submissions are not counted
    assert of_errors.sum() == 3
    submitted = jobs["ArrayJobId"].fillna(jobs["JobId"])[~of_errors].nunique()
    # data set; conditions; latents; predictions; chance; tables
    assert submitted <= 6


def _benchmarks(project):
    folder = project / "results/benchmarks/jobs"
    return [path.relative_to(folder) for path in folder.rglob("*.tsv")]


def test_time_and_memory_follow_from_the_config(jobs):
    asked = jobs[jobs["ArrayJobId"].notna()]
    # 10 min to start, and 4 images × 10 classes × 10 samples at 20/s are done in 20 s: a minute
    assert set(asked["TimeLimit"]) == {"00:11:00"}
    # the model's 900 MB, and less than 2 of data
    assert set(asked["MinMemoryNode"]) <= {"901M", "902M", "903M"}


# --- drills


@pytest.fixture(scope="module")
def whole(root, slurm, python, tmp_path_factory):
    """A run of the drills' config without faults and SLURM, which SLURM can continue."""
    return undisturbed(root, tmp_path_factory.mktemp("undisturbed"), device="auto")


@pytest.fixture
def disturbed(whole, python, tmp_path):
    """A run under SLURM whose job that measures HIT has a journal: snakemake, project, job id."""
    project = before_the_hit(whole, tmp_path / "project")
    quick = [*QUICK, "--slurm-init-seconds-before-status-checks", "2"]
    run = start(project, "--workflow-profile", "profiles/slurm", *quick, python=python, cores=False)
    journal = project / "results" / f"{HIT}.journal.safetensors"
    wait_until(lambda: journal.exists() or run.poll() is not None)
    assert run.poll() is None, (project / "snakemake.log").read_text()
    (job,) = (row for row in job_records() if "TresPerJob" in row and row["JobState"] == "RUNNING")
    yield run, project, job["JobId"]
    for process in psutil.process_iter(["cmdline"]):  # also what a lost node still runs
        if str(tmp_path) in str(process.info["cmdline"]):
            process.kill()


def outcome_of(run, project, whole):
    """Wait for the end, check the results, and return the evaluations that were not repeated."""
    assert run.wait() == 0, (project / "snakemake.log").read_text()
    assert differences(project, whole) == []
    return replayed((project / "results/logs" / f"{HIT}.log").read_text())


@pytest.mark.drill
def test_a_job_is_cancelled(disturbed, whole, outcome):
    run, project, job = disturbed
    control("scancel", job)
    count = outcome_of(run, project, whole)
    assert count > 0
    outcome(f"tried again by itself, {count:,} of 16,000 evaluations not made again; identical")


@pytest.mark.drill
def test_a_node_is_lost_and_comes_back(disturbed, whole, slurm, outcome):
    run, project, _ = disturbed
    old = [p for p in psutil.process_iter(["cmdline"]) if "errors.py" in str(p.info["cmdline"])]
    assert old
    node = control("sinfo", "--noheader", "--format=%n").strip()
    os.kill(int((slurm / "run/slurmd.pid").read_text()), signal.SIGKILL)
    control("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")
    subprocess.Popen(["setsid", "slurmd"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: "*" not in control("sinfo", "--noheader", "--format=%T"))
    control("scontrol", "update", f"nodename={node}", "state=resume")
    count = outcome_of(run, project, whole)
    outcome(
        f"tried again by itself, {count:,} of 16,000 evaluations not made again, while the old job "
        f"{'ran on' if any(p.is_running() for p in old) else 'ended'}; identical"
    )
