"""Drills: jobs that start in an empty folder, with results in a bucket and no disk in common."""

import re
import shutil
from pathlib import Path

import pytest
from drills.elsewhere import checkout, credentials, machines, of_slurm, start
from drills.runs import differences
from drills.slurm import running
from drills.store import KEYS, Store, environment

pytestmark = pytest.mark.drill

RESULTS = "results-my-images"
EXECUTORS = ("generic", "slurm")


@pytest.fixture(scope="module")
def pythons(root, tmp_path_factory):
    """A Python for each executor; SLURM's would slow down the other's start."""
    found = {}
    for profile in EXECUTORS:
        found[profile] = environment(root, tmp_path_factory.mktemp(profile) / "venv", profile)
        if isinstance(found[profile], str):
            pytest.skip(f"the plugins or the store cannot be installed: {found[profile]}")
    return found


@pytest.fixture(scope="module")
def store(pythons, tmp_path_factory):
    server = Store(pythons["generic"], tmp_path_factory.mktemp("store"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    """A folder with a checkout `project`, the user's own images and model, and `credentials`."""
    folder = tmp_path_factory.mktemp("mine")
    checkout(root, folder / "project", folder)
    credentials(folder)
    return folder


@pytest.fixture(scope="module")
def whole(folder, pythons, tmp_path_factory):
    """A run of the same config on the disk of this machine."""
    project = shutil.copytree(folder / "project", tmp_path_factory.mktemp("disk") / "project")
    run = start(project, pythons["generic"], "--workflow-profile", "profiles/default")
    assert run.wait() == 0, (project / "snakemake.log").read_text()
    (project / RESULTS).rename(project / "results")
    return project


def run_and_check(project, python, store, arguments, whole, fetched):
    """Run: results are those of a disk, no file has a key, and a second run does nothing."""
    name = project.parent.name
    report = ["--report", "report.html", "--report-after-run"]
    run = start(project, python, *arguments, *report, store=store, prefix=name)
    assert run.wait() == 0, (project / "snakemake.log").read_text()
    store.fetch(f"{name}/{RESULTS}", fetched / "results")
    shutil.rmtree(fetched / "results/weights")  # a copy of the model, which a disk needs not
    assert differences(fetched, whole) == []
    assert (project / "report.html").stat().st_size > 100_000
    assert not (project / RESULTS).exists()
    for path in [*project.parent.rglob("*"), *fetched.rglob("*")]:
        if path.is_file() and path.name != "credentials":
            assert not any(key.encode() in path.read_bytes() for key in KEYS.values()), path
    (project / "snakemake.log").unlink()
    assert start(project, python, *arguments, store=store, prefix=name).wait() == 0
    assert "Nothing to be done" in (project / "snakemake.log").read_text()


def rules_of(outputs):
    """The rules of the jobs that wrote these outputs of Snakemake."""
    return set(re.findall(r"^localrule (\w+):", "".join(map(Path.read_text, outputs)), re.M))


NOT_SENT = {"dataset", "prompts", "stored_weights", "noise", "table"}
"""Jobs that read the user's files, take a second, or write a folder."""


def test_jobs_of_any_submit_command(folder, pythons, store, whole, tmp_path, outcome):
    mine = shutil.copytree(folder, tmp_path / "generic")
    python = pythons["generic"]
    arguments = machines(mine, python, mine / "credentials")
    run_and_check(mine / "project", python, store, arguments, whole, tmp_path / "fetched")
    nodes = list((mine / "nodes").iterdir())
    ran = rules_of(node / "output" for node in nodes)
    assert {"errors", "latents", "conditions", "scores", "explorer"} <= ran
    assert not ran & NOT_SENT
    for node in nodes:
        left = (node / "empty").rglob(f"{RESULTS}/**/*")
        kinds = {p.parts[p.parts.index(RESULTS) + 1] for p in left if p.is_file()}
        assert kinds <= {"logs", "benchmarks"}, node
    outcome(f"{len(nodes)} submissions, each in an empty folder: identical, no key anywhere")


def test_jobs_of_slurm(root, folder, pythons, store, whole, tmp_path, tmp_path_factory, outcome):
    with running(root, tmp_path_factory.mktemp("state"), gpus=2):
        mine = shutil.copytree(folder, tmp_path / "slurm")
        arguments = of_slurm(mine)
        project, fetched = mine / "project", tmp_path / "fetched"
        run_and_check(project, pythons["slurm"], store, arguments, whole, fetched)
    ran = rules_of((project / ".snakemake/slurm_logs").rglob("*.log"))
    assert {"errors", "latents", "conditions", "scores", "explorer"} <= ran
    assert not ran & NOT_SENT
    used = [folder.name for folder in (mine / "scratch").iterdir()]
    assert len(used) >= 6
    assert all(re.fullmatch(r"\d+\.\w+", name) for name in used), used  # made by the job itself
    outcome(f"{len(used)} folders of jobs, empty at first: identical, no key anywhere")
