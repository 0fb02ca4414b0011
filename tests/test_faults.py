"""Faults, each followed by a run that ends with the results of an undisturbed one.

Those that take longer are drills: `make drill` runs them all and prints their outcomes.
"""

import os
import re
import resource
import shutil
import signal
import time

import h5py
import pyarrow.parquet as pq
import pytest
import torch
from drills.runs import (
    HIT,
    before_the_hit,
    differences,
    job_with_a_journal,
    replayed,
    resumed,
    start,
    undisturbed,
    wait_until,
)
from tiny_dit import save_dit, tiny_engine
from workflows import planned, snakemake

drill = pytest.mark.drill


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory):
    """A run without faults."""
    return undisturbed(root, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def project(whole, tmp_path):
    """A run in which HIT, and what follows from it, is still to be made."""
    return before_the_hit(whole, tmp_path / "project")


def errors_file(project):
    return project / "results" / f"{HIT}.nc"


def test_a_killed_job_goes_on_where_its_journal_ends(project, whole, outcome):
    process = start(project)
    job_with_a_journal(process, project).kill()
    assert process.wait() != 0
    assert not errors_file(project).exists()
    jobs = planned(project)
    assert jobs["errors"] == 1 and "latents" not in jobs
    count = replayed(resumed(project))
    assert 0 < count < 20 * 4 * 200
    assert differences(project, whole) == []
    outcome(f"{count:,} of 16,000 evaluations were not made again; results identical")


@drill
def test_a_journal_of_another_question_is_not_believed(project, whole):
    process = start(project)
    job_with_a_journal(process, project).kill()
    assert process.wait() != 0
    latents = project / "results/latents/dit/mnist/0.safetensors"
    os.utime(latents)  # made anew since
    assert replayed(resumed(project)) == 0
    assert differences(project, whole) == []


@drill
def test_snakemake_is_killed(project, whole, outcome):
    process = start(project)
    job = job_with_a_journal(process, project)
    process.kill()
    process.wait()
    job.kill()
    refused = snakemake(project, "--cores", "2")
    assert refused.returncode != 0 and "unlock" in refused.stdout + refused.stderr
    assert snakemake(project, "--unlock").returncode == 0
    count = replayed(resumed(project))
    assert count > 0
    assert differences(project, whole) == []
    outcome(f"after --unlock, {count:,} of 16,000 evaluations not made again; results identical")


@drill
def test_old_and_new_job_of_a_shard_run_at_once(project, whole, outcome):
    process = start(project)
    job = job_with_a_journal(process, project)
    process.kill()  # its job lives on, as on a node that was given up for lost
    process.wait()
    assert snakemake(project, "--unlock").returncode == 0
    again = start(project)
    wait_until(lambda: job.is_running() and job_with_a_journal(again, project).pid != job.pid)
    assert again.wait() == 0
    wait_until(lambda: not job.is_running())
    assert differences(project, whole) == []
    outcome("both finished, the result is whole and identical")


@drill
def test_two_workflows_on_one_folder(project, whole, outcome):
    first = start(project)
    job_with_a_journal(first, project)
    second = snakemake(project, "--cores", "2")
    assert second.returncode != 0
    assert "locked" in (second.stdout + second.stderr).lower()
    assert first.wait() == 0
    assert differences(project, whole) == []
    outcome("the second is told that the folder is locked; the first ends undisturbed")


@drill
def test_two_working_copies_share_their_results(project, whole, tmp_path, outcome):
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("results"))
    (other / "results").symlink_to(project / "results")
    runs = [start(folder) for folder in (project, other)]
    assert [run.wait() for run in runs] == [0, 0]
    assert differences(project, whole) == []
    outcome("both made the same files at the same time; results whole and identical")


@drill
def test_the_disk_is_full(project, whole, outcome):
    limit = 60_000  # bytes of a file: less than the errors and their journal take

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    process = start(project, preexec_fn=full)
    assert process.wait() != 0
    log = (project / "results/logs" / f"{HIT}.log").read_text()
    message = log.strip().splitlines()[-1]
    assert message.startswith("failed: errors:") and "too large" in message.lower(), log
    assert not errors_file(project).exists()
    resumed(project)
    assert differences(project, whole) == []
    outcome(f"“{message}”, nothing half-written; with room, results identical")


@drill
def test_the_host_has_too_little_memory(project, whole, outcome):
    def little():
        resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))

    process = start(project, preexec_fn=little)
    assert process.wait() != 0
    assert not errors_file(project).exists()
    resumed(project)
    assert differences(project, whole) == []
    outcome("the job fails and writes nothing; with memory, results identical")


def test_the_device_has_too_little_memory(tmp_path, monkeypatch, outcome):
    save_dit(tmp_path)
    engine, pairs, samples = tiny_engine(tmp_path)
    expected = engine.errors(pairs, samples)
    passes, refused = type(engine.denoiser).predict_shared, []

    def predict_shared(denoiser, query, prepared):
        if len(query.row) > 10:
            refused.append(len(query.row))
            raise torch.OutOfMemoryError("simulated")
        return passes(denoiser, query, prepared)

    monkeypatch.setattr(type(engine.denoiser), "predict_shared", predict_shared)
    found = engine.errors(pairs, samples)
    assert refused == [64, 32, 16]
    for name, values in expected.items():
        torch.testing.assert_close(torch.tensor(found[name]), torch.tensor(values))
    outcome(f"passes of {refused} were halved; results equal")


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    else:
        content[_of_data(path)] ^= 0x55
    path.write_bytes(content)


def _of_data(path):
    """Where a byte of a file's data is."""
    if path.suffix == ".nc":
        with h5py.File(path) as file:
            return file["l2"].id.get_chunk_info(0).byte_offset + 100
    if path.suffix == ".parquet":
        column = pq.read_metadata(path).row_group(0).column(0)
        start = column.dictionary_page_offset or column.data_page_offset
        return start + column.total_compressed_size - 1
    return path.stat().st_size - 1


RESULTS = {
    "errors/staged/mnist/stage1/1-0.nc",
    "pairs/staged/mnist/stage2/1.parquet",
    "latents/dit/mnist/0.safetensors",
}


@pytest.mark.parametrize("how", ["truncated", pytest.param("a byte in the middle", marks=drill)])
def test_damaged_results_are_found_and_made_again(whole, tmp_path, how, outcome):
    project = before_the_hit(whole, tmp_path / "project")
    for name in RESULTS:
        path = project / "results" / name
        state = path.stat()
        damage(path, how)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # as a bad disk does
    named = set()
    for _ in range(4):  # a reader names what it reads
        result = snakemake(project, "--cores", "2")
        message = result.stdout + result.stderr
        named |= {name for name in RESULTS if re.search(rf"{name}: is damaged", message)}
        if result.returncode == 0:
            break
        assert "Traceback" not in message
    assert result.returncode == 0, message
    assert named == set(RESULTS)
    for aside in (project / "results").rglob("*.damaged"):
        aside.unlink()
    assert differences(project, whole) == []
    outcome(f"{len(named)} files named, set aside and made again; results identical")


@drill
@pytest.mark.parametrize(
    "oddity",
    [
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"},
        {"TZ": "Antarctica/Troll", "LC_NUMERIC": "de_DE.UTF-8"},
        {"HOME": "/proc", "XDG_CONFIG_HOME": "/proc/config", "XDG_CACHE_HOME": "/tmp"},
    ],
    ids=lambda env: ",".join(f"{key}={value}" for key, value in env.items()),
)
def test_the_surroundings_are_odd(project, whole, oddity, outcome):
    process = start(project, env=oddity)
    assert process.wait() == 0, (project / "snakemake.log").read_text()
    assert differences(project, whole) == []
    outcome("results identical")


@drill
def test_the_clock_was_wrong(project, whole, outcome):
    tomorrow = time.time() + 86_400
    for path in (project / "results/latents").rglob("*.safetensors"):
        os.utime(path, (tomorrow, tomorrow))
    result = snakemake(project, "--cores", "2")
    assert result.returncode != 0
    assert "clock skew" in result.stdout + result.stderr
    for path in (project / "results/latents").rglob("*.safetensors"):
        os.utime(path)
    resumed(project)
    assert differences(project, whole) == []
    outcome("a file of tomorrow is named and refused; with its time put right, results identical")


@drill
def test_a_job_that_is_asked_to_stop_leaves_its_journal(project, whole, outcome):
    process = start(project)
    job = job_with_a_journal(process, project)
    os.kill(job.pid, signal.SIGTERM)  # as a scheduler's time limit does
    assert process.wait() != 0
    assert replayed(resumed(project)) > 0
    assert differences(project, whole) == []
    outcome("went on where the journal ends; results identical")
