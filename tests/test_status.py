"""The progress of a run, for fabricated results with known numbers."""

import os

import numpy as np
import pandas as pd
import pytest
from cost_configs import config

from diffusion_classifier import files
from diffusion_classifier.cli.commands import main
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.operations.status import SILENT, progress, render, troubles

STAGES = {"samples": [5, 20], "keep": [3, 1], "loss": "l2"}


@pytest.fixture
def run(tmp_path):
    """The config of a run of 50 digits in 5 shards and two stages, without any results yet."""
    mnist = {"source": "mnist", "limit": 50, "shards": 5, "prompts": "digits"}
    evaluations = {"full": {"model": "m", "stages": STAGES, "rate": 2}}
    changed = config(datasets={"mnist": mnist}, evaluations=evaluations)
    return changed | {"results": str(tmp_path / "results")}


def measured(run, stage, shard, samples, missing=0, seconds=100.0):
    """Write the errors of a shard of 10 images × 10 prompts, the last `missing` not measured."""
    pairs = pd.DataFrame({"image": np.repeat(range(10), 10), "prompt": [*range(10)] * 10})
    errors = np.ones((100, samples), "float32")
    errors.ravel()[errors.size - missing :] = np.nan
    every = [Sample(t, 0) for t in range(samples)]
    stored = error_dataset({"l2": errors}, pairs, every, {"seconds": seconds})
    files.write_dataset(stored, f"{run['results']}/errors/full/mnist/stage{stage}/{shard}-0.nc")


def test_nothing_is_done(run):
    (row,) = progress(run)
    assert (row.jobs, row.jobs_done, row.shards, row.shards_done) == (10, 0, 5, 0)
    # 50 images × (10 classes × 5 samples + 3 × 15), at the config's rate
    assert (row.evaluations, row.left) == (0, 50 * 95)
    assert row.hours == pytest.approx(50 * 95 / 2 / 3600)


def test_what_is_done_says_how_fast_and_how_much_is_left(run):
    for shard in range(5):
        measured(run, 1, shard, 5)
    measured(run, 2, 0, 15, missing=1200)  # like pairs that had left a race
    (row,) = progress(run)
    assert (row.jobs_done, row.shards_done, row.images) == (6, 1, 50)
    assert row.evaluations == 5 * 500 + 300
    assert row.rate == pytest.approx(2800 / 600)
    # four more jobs of stage 2, each like the finished one
    assert row.left == 4 * 300
    assert row.hours == pytest.approx(4 * 300 / (2800 / 600) / 3600)
    message = render([row], [])
    assert "1/5   10/50  6/10        2,800  1,200" in message
    assert "No job has failed." in message


def test_all_is_done(run):
    for shard in range(5):
        measured(run, 1, shard, 5)
        measured(run, 2, shard, 15)
    (row,) = progress(run)
    assert (row.left, row.hours, row.shards_done) == (0, 0, 5)


def test_files_of_other_shards_do_not_count(run):
    measured(run, 1, 7, 5)
    assert progress(run)[0].jobs_done == 0


def test_failed_and_silent_jobs_are_named(run, tmp_path):
    logs = tmp_path / "results/logs"
    texts = {
        "errors/done.log": "60/60 evaluations\nin networks: 1.234 s\n",
        "errors/failed.log": "Traceback ...\nfailed: errors: MemoryError: too little\n\n",
        "errors/busy.log": "10/60 evaluations, 1/s\n",
        "errors/killed.log": "20/60 evaluations, 1/s\n",
    }
    for name, text in texts.items():
        files.write_text(text, logs / name)
    now = (logs / "errors/busy.log").stat().st_mtime + 1
    os.utime(logs / "errors/killed.log", (now, now - SILENT - 60))
    found = {path.name: message for path, message in troubles(run["results"], now)}
    assert found == {
        "failed.log": "failed: errors: MemoryError: too little",
        "killed.log": "running or killed, silent for 11 min 0 s: 20/60 evaluations, 1/s",
    }
    assert "failed.log: failed: errors" in render(progress(run), [*troubles(run["results"], now)])


def test_the_command_reads_the_config(root, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["status", "--configfile", str(root / "tests/tiny.yaml")]) == 0
    assert "0 of 20 jobs" in capsys.readouterr().out
    assert main(["status", "--configfile", "none.yaml"]) == 2
    assert "none.yaml cannot be read" in capsys.readouterr().err
