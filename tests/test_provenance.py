"""The provenance of a table."""

import hashlib
import subprocess

import numpy as np
import pandas as pd
import torch
from cost_configs import config

from diffusion_classifier import files
from diffusion_classifier.data.image_files.left_out import LeftOut
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import without_home
from diffusion_classifier.operations.table_provenance import commit, provenance, weights_digest

MNIST = {"source": "mnist", "limit": 10, "shards": 2, "prompts": "digits"}
STAGES = {"samples": [5], "keep": [1], "loss": "l2"}


def measured(results, shard, **record):
    pairs = pd.DataFrame({"image": np.repeat(range(5), 10), "prompt": [*range(10)] * 5})
    stored = error_dataset(
        {"l2": np.ones((50, 5), "float32")}, pairs, [Sample(t, 0) for t in range(5)], record
    )
    files.write_dataset(stored, results / f"errors/full/mnist/stage1/{shard}-0.nc")
    benchmark = pd.DataFrame({"s": [record["seconds"] + 3]})
    path = results / f"benchmarks/jobs/errors/full/mnist/stage1/{shard}-0.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    benchmark.to_csv(path, sep="\t", index=False)


def test_it_sums_what_was_measured(tmp_path):
    changed = config(
        datasets={"mnist": MNIST}, evaluations={"full": {"model": "m", "stages": STAGES}}
    )
    changed |= {"results": str(tmp_path / "results"), "noise": {"seed": 7, "size": 9}}
    changed["models"] = {"m": {"weights": {"hub": "a/b", "revision": "c" * 40}}}
    measured(tmp_path / "results", 0, seconds=2.0, device="cpu", dtype="float32", torch="1.0")
    measured(
        tmp_path / "results", 1, seconds=3.0, device="cuda", dtype="float32", torch="2.0", code="ab"
    )
    (tmp_path / "results/errors/full/mnist/stage1/.0-0.1234.nc").write_bytes(b"of a killed job")
    files.write_tensors({"w": torch.ones(3)}, tmp_path / "model/unet/w.safetensors")
    table = next(iter(changed["tables"]))
    data = {name: str(tmp_path / f"{name}.parquet") for name in ("mnist", "mine")}
    frame, record = pd.DataFrame({"image": range(3)}), LeftOut.before(5, {"a.txt": "not an image"})
    files.write_parquet_pieces([frame], data["mnist"])
    files.write_parquet_pieces([frame], data["mine"], record.metadata)
    found = provenance(changed, table, {"m": str(tmp_path / "model")}, data)
    left_out = {"files": 6, "looked_at": 6, "count": 1, "reasons": {"not an image": ["a.txt"]}}
    mine = {"images": 3, "left_out": left_out}
    assert found["datasets"] == {"mnist": {"images": 3}, "mine": mine}
    (row,) = found["errors"]
    assert row["images"] == 3  # of the 10 that the config asks for
    assert (row["evaluations"], row["device_seconds"], row["wall_seconds"]) == (500, 5.0, 11.0)
    assert (row["device"], row["dtype"]) == (["cpu", "cuda"], ["float32"])
    assert (row["torch"], row["code"]) == (["1.0", "2.0"], ["ab"])
    assert (found["evaluations"], found["device_seconds"]) == (500, 5.0)
    assert found["seeds"]["noise.seed"] == 7
    assert found["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert found["config"] == changed
    inner = hashlib.sha256((tmp_path / "model/unet/w.safetensors").read_bytes()).digest()
    digest = hashlib.sha256(b"unet/w.safetensors" + inner).hexdigest()
    expected = {"weights": {"hub": "a/b", "revision": "c" * 40}, "sha256": digest}
    assert found["models"] == {"m": expected}
    assert weights_digest(tmp_path / "model") == digest
    files.write_json({"sha256": digest}, tmp_path / "m.json")
    found = provenance(changed, table, {"m": str(tmp_path / "m.json")}, data)
    assert found["models"] == {"m": expected}


def test_the_commit_is_that_of_the_folder(tmp_path):
    assert commit(tmp_path) is None

    def git(*arguments):
        own = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", *own, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    git("init")
    (tmp_path / "a").write_text("one")
    git("add", "a")
    git("commit", "-m", "one")
    assert commit(tmp_path) == {"hash": git("rev-parse", "HEAD"), "changed": False}
    (tmp_path / "a").write_text("two")
    assert commit(tmp_path)["changed"]


def test_nobody_is_told_whose_home_it_was(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    message = {"a": ["/home/somebody/images", 3], "b": {"c": "x"}}
    assert without_home(message) == {"a": ["~/images", 3], "b": {"c": "x"}}
    monkeypatch.setenv("HOME", "/")
    assert without_home("/data/images") == "/data/images"


def test_without_errors_answers_say_what_was_spent(tmp_path):
    changed = config(
        datasets={"mnist": MNIST}, evaluations={"full": {"model": "m", "stages": STAGES}}
    )
    changed |= {"results": str(tmp_path / "results"), "noise": {"seed": 7, "size": 9}}
    changed["models"] = {"m": {"weights": "train"}}
    table = next(iter(changed["tables"]))
    rows = {"image": [0, 1] * 2, "loss": ["l1", "l1", "l2", "l2"], "seconds": [0.5, 1.5] * 2}
    files.write_parquet(pd.DataFrame(rows | {"evaluations": [50, 30] * 2}), tmp_path / "answers")
    for answers, evaluations, seconds in (
        ({"full": {"mnist": str(tmp_path / "answers")}}, 80, 2.0),
        ({}, None, None),
    ):
        found = provenance(changed, table, {"m": str(tmp_path)}, {}, None, answers)
        (row,) = found["errors"]
        for part in (row, found):
            assert (part["evaluations"], part["device_seconds"]) == (evaluations, seconds)
            assert part["wall_seconds"] is None
