"""Training classes must be those of the prompts, or predictions would mean other classes."""

import subprocess
import sys

import pandas as pd
import pytest

PROMPTS = """prompt,classname,classidx
a cat,cat,0
a dog,dog,1
an owl,owl,2
"""
# a job as Snakemake starts it, with what its script reads before it trains
JOB = """
import runpy
import sys
from types import SimpleNamespace

snakemake = SimpleNamespace(
    rule="learn", threads=1, log=["log"], config={"results": "."}, output=["./learned"],
    input=type("Input", (list,), {})(["photos.parquet", "pets.csv"]),
    params=SimpleNamespace(
        device="cpu", dtype="float32", folder=".", seed=0, setting={}, preprocess={},
        spec={"kind": "k_nearest", "preprocess": {"mode": "L", "size": 2}},
        questions=[
            {
                "data": "photos.parquet", "prompts": "pets.csv", "task": "pets",
                "train": "photos.parquet",
            },
        ],
    ),
)
many = sys.argv[2] == "train_probe"
given = dict.fromkeys(("train", "validation", "data"), "photos.parquet") | {"prompts": "pets.csv"}
vars(snakemake.input).update({key: [path] if many else path for key, path in given.items()})
sys.path.insert(0, sys.argv[1])
runpy.run_path(f"{sys.argv[1]}/{sys.argv[2]}.py", {"snakemake": snakemake})
"""


@pytest.mark.parametrize(
    "script", ["predict_baseline", "train_network", "train_probe", "timesteps"]
)
def test_training_classes_in_another_order_than_the_prompts_are_refused(root, tmp_path, script):
    """Without a folder `dog`, `owl` is the second class of the images but the prompts' third."""
    (tmp_path / "pets.csv").write_text(PROMPTS)
    rows = {"image": [0, 1], "label": [0, 1], "classname": ["cat", "owl"], "source": ["", ""]}
    photos = pd.DataFrame({**rows, "bytes": [b"", b""]})
    photos.to_parquet(tmp_path / "photos.parquet")
    command = [sys.executable, "-c", JOB, str(root / "workflow_scripts"), script]
    assert subprocess.run(command, cwd=tmp_path).returncode == 1
    last = (tmp_path / "log").read_text().splitlines()[-1]
    assert "data set photos: its class 1 is 'owl'" in last and "class index 2" in last
