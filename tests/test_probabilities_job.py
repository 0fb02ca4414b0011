"""The job of the rule `probabilities`, run as a process on stored errors and predictions."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier import files
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample

DRIVER = """
import json, runpy, sys
from types import SimpleNamespace

sys.path.insert(0, "{scripts}")
given = json.load(open("job.json"))
class Named(list):
    def __init__(self, values):
        super().__init__(values.values())
        self.__dict__.update(values)
    def items(self):
        return self.__dict__.items()
snakemake = SimpleNamespace(
    input=Named(given["input"]), output=Named(given["output"]), params=Named(given["params"]),
    wildcards=SimpleNamespace(table="t"), log=["log.txt"], threads=1, rule="probabilities",
    config={{"results": ""}}, resources={{}},
)
runpy.run_path("{scripts}/probabilities.py", {{"snakemake": snakemake}})
"""


def stored(folder, name, images, seed):
    """Errors of a race in two shards, a baseline's predictions and the data set, of 3 classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, images)
    data = pd.DataFrame({"image": range(images), "label": labels, "classname": "abc", "bytes": b""})
    files.write_parquet(data, folder / f"{name}.parquet")
    pairs = pd.DataFrame([(i, p) for i in range(images) for p in range(3)])
    pairs.columns = ["image", "prompt"]
    true = (pairs["prompt"].to_numpy() != labels[pairs["image"]])[:, None]
    values = 0.05 * true + rng.normal(1, 0.08, (len(pairs), 8))
    values[rng.random(len(pairs)) < 0.3, 3:] = np.nan  # some classes left after 3 samples
    paths = []
    for shard in range(2):
        own = (pairs["image"] % 2 == shard).to_numpy()
        errors = {"l2": values[own].astype("float32")}
        samples = [Sample(100 * n, n) for n in range(8)]
        found = error_dataset(errors, pairs[own], samples, {"seconds": 1.0})
        files.write_dataset(found, folder / f"{name}-{shard}.nc")
        paths.append([f"{name}-{shard}.nc"])
    scores = 3.0 * np.eye(3)[labels] + rng.normal(0, 1.5, (images, 3))
    table = pd.DataFrame({"image": range(images), "label": labels, "loss": ""})
    files.write_parquet(table.assign(scores=list(scores.astype("float32"))),
                        folder / f"{name}-clip.parquet")  # fmt: skip
    return {
        "diffusion": {"dataset": name, "loss": "l2", "errors": paths, "combine": "mean",
                      "scale": 512.0},
        "clip": {"dataset": name, "loss": "", "predictions": f"{name}-clip.parquet", "scale": 1.0},
    }  # fmt: skip


@pytest.fixture
def made(root, tmp_path):
    asked, held = (stored(tmp_path, n, k, seed) for n, k, seed in
                   (("test", 80, 1), ("held", 60, 2)))  # fmt: skip
    prompts = pd.DataFrame({"prompt": list("abc"), "classname": list("abc"), "classidx": range(3)})
    files.write_csv(prompts, tmp_path / "prompts.csv")
    both = ("test", "held")
    job = {
        "input": {},
        "output": {name: f"{name}.parquet"
                   for name in ("scores", "reliability", "coverage", "parameters")},
        "params": {
            "questions": [
                {"method": name, "dataset": "test", "asked": [asked[name]],
                 "calibration": [held[name]]}
                for name in ("diffusion", "clip")
            ],
            "fusions": [{"label": "both", "of": "diffusion", "with": "clip"}],
            "datasets": ["test"],
            "priors": {},
            "data": {name: f"{name}.parquet" for name in both},
            "prompts": dict.fromkeys(both, "prompts.csv"),
        },
    }  # fmt: skip
    (tmp_path / "job.json").write_text(json.dumps(job))
    code = DRIVER.format(scripts=root / "workflow_scripts")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=300)
    assert done.returncode == 0, (tmp_path / "log.txt").read_text()
    return tmp_path


def test_errors_and_predictions_become_scores(made):
    rows = files.read_parquet(made / "scores.parquet")
    assert set(rows["method"]) == {"diffusion", "clip", "both"}
    assert rows["images"].eq(80).all()
    accuracy = rows[(rows["metric"] == "accuracy") & (rows["parent"] == "")]
    clip = files.read_parquet(made / "test-clip.parquet")
    right = np.stack(clip["scores"]).argmax(axis=1) == clip["label"]
    of_clip = accuracy.loc[accuracy["method"] == "clip", "value"]
    np.testing.assert_allclose(of_clip, 100 * right.mean())
    assert files.read_parquet(made / "reliability.parquet")["images"].sum() == 5 * 80
    assert set(files.read_parquet(made / "coverage.parquet")["way"]) == {"as scored", "calibrated"}
    parameters = files.read_parquet(made / "parameters.parquet")
    half = parameters[(parameters["method"] == "diffusion") & (parameters["parameter"] == "half")]
    assert half["value"].item() > 0 and half["calibration_images"].item() == 60
