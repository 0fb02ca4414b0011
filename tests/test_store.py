"""Drills: results in a bucket, also when jobs and the store vanish."""

import random
import re
import shutil
import time

import psutil
import pytest
from drills.runs import differences
from drills.store import KEYS, Store, copied, environment, kill_tree, of_store, start

pytestmark = pytest.mark.drill

RESULTS = "results-my-images"
KILLS = 4
"""Jobs that are killed, one a minute: on a busy machine none would end between two kills."""


@pytest.fixture(scope="module")
def python(root, tmp_path_factory):
    found = environment(root, tmp_path_factory.mktemp("plugin") / "venv")
    if isinstance(found, str):
        pytest.skip(f"the plugin for stores or the store cannot be installed: {found}")
    return found


@pytest.fixture(scope="module")
def store(python, tmp_path_factory):
    server = Store(python, tmp_path_factory.mktemp("store"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def whole(root, python, tmp_path_factory):
    """An undisturbed run with its results on the disk."""
    project = copied(root, tmp_path_factory.mktemp("disk"))
    assert start(project, python).wait() == 0, (project / "snakemake.log").read_text()
    (project / RESULTS).rename(project / "results")
    return project


def files_of(folder):
    """Files in a folder, without those that Snakemake and Python keep beside any run."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in paths if not {".snakemake", "__pycache__"} & set(path.parts)}


def dry_run(project, python, *arguments):
    """The output of a dry run."""
    (project / "snakemake.log").unlink(missing_ok=True)
    assert start(project, python, *arguments, "--dry-run").wait() == 0
    return (project / "snakemake.log").read_text()


def test_results_are_in_a_bucket_and_those_of_a_disk(root, python, store, whole, tmp_path, outcome):
    project = copied(root, tmp_path / "project")
    before, stored = files_of(project), of_store(store, "one")
    report = ["--report", "report.html", "--report-after-run"]
    assert start(project, python, *stored, *report).wait() == 0, (
        project / "snakemake.log"
    ).read_text()
    store.fetch(f"one/{RESULTS}", tmp_path / "fetched" / "results")
    assert differences(tmp_path / "fetched", whole) == []
    assert {path.name for path in files_of(project) - before} == {"snakemake.log", "report.html"}
    kept = (project / ".snakemake/storage/s3/drills/one" / RESULTS).rglob("*")
    kinds = {p.parts[p.parts.index(RESULTS) + 1] for p in kept if p.is_file()}
    # the report shows tables and their pages
    assert kinds <= {"logs", "benchmarks", "tables", "explorer"}
    for path in [*project.rglob("*"), *(tmp_path / "fetched").rglob("*")]:
        if path.is_file():
            assert not any(key.encode() in path.read_bytes() for key in KEYS.values()), path
    assert "Nothing to be done" in dry_run(project, python, *stored)
    rules, fetched = of_another_entry(project, python, stored)
    assert rules == {"table", "explorer"}
    assert fetched == {"data", "predictions", "prompts", "rankings", "scores"}
    outcome("identical, nothing left in the folder, no key anywhere; another entry needs no errors")


def of_another_entry(project, python, stored):
    """Change the table's subtitle and loss; the rules that run, and folders of what they fetch."""
    config = project / "config/my-images.yaml"
    config.write_text(
        config.read_text().replace("confusion: [mine]", "subtitle: Another.\n    loss: l1")
    )
    (project / "snakemake.log").unlink()
    shutil.rmtree(project / ".snakemake/storage")
    assert start(project, python, *stored).wait() == 0, (project / "snakemake.log").read_text()
    log = (project / "snakemake.log").read_text()
    fetched = re.findall(rf"Retrieving from storage: s3://\S+?/{RESULTS}/(\w+)", log)
    assert fetched
    return set(re.findall(r"^(?:local)?rule (\w+):", log, re.M)) - {"all"}, set(fetched)


def scripts_of(process):
    """The running scripts of a snakemake's jobs."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [c for c in children if any(".snakemake/scripts" in arg for arg in c.cmdline())]
    except psutil.Error:
        return []


def test_jobs_and_the_store_vanish(root, python, store, whole, tmp_path, outcome):
    project, chance, killed = copied(root, tmp_path / "project"), random.Random(0), 0
    stored = [*of_store(store, "two"), "--retries", "8"]
    process, next_kill = start(project, python, *stored), 0.0
    uploading = f"Storing in storage: s3://drills/two/{RESULTS}/latents"
    while uploading not in (project / "snakemake.log").read_text():
        assert process.poll() is None, (project / "snakemake.log").read_text()
        time.sleep(0.01)
    kill_tree(process.pid)  # snakemake itself, which uploads
    process.wait()
    assert start(project, python, *stored, "--unlock").wait() == 0
    process = start(project, python, *stored)
    stop_at = time.monotonic() + 20
    while process.poll() is None:
        scripts = scripts_of(process)
        if killed < KILLS and scripts and time.monotonic() > next_kill:
            time.sleep(chance.uniform(0, 3))
            kill_tree(chance.choice(scripts).pid)
            killed, next_kill = killed + 1, time.monotonic() + 60
        if stop_at and time.monotonic() > stop_at:
            store.stop()
            time.sleep(30)
            store.start()
            stop_at = None
        time.sleep(0.2)
    assert process.returncode == 0, (project / "snakemake.log").read_text()
    assert killed and stop_at is None
    store.fetch(f"two/{RESULTS}", tmp_path / "fetched" / "results")
    assert differences(tmp_path / "fetched", whole) == []
    outcome(
        f"{killed} jobs killed, the store away for 30 s, snakemake killed in an upload: identical"
    )
