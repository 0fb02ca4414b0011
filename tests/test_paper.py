"""config/paper.yaml: it plans as it stands, and runs on tiny stand-ins of all that it names."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from paper_standins import build, shrunk
from workflows import PARTS, run_config

from diffusion_classifier.operations.costs import estimate

TOKEN = "hf_thisIsASecretOfTheUser"


def test_it_plans_and_says_what_it_costs(root, tmp_path):
    paper = root / "config" / "paper.yaml"
    result = run_config(
        root, paper, "-n", "--quiet", "rules", "--config", f"results={tmp_path / 'results'}"
    )
    assert result.returncode == 0, result.stderr
    config = yaml.safe_load(paper.read_text(encoding="utf-8"))
    costs = estimate(config)
    planned = result.stdout + result.stderr
    jobs = int(re.search(r"^errors +(\d+)$", planned, re.MULTILINE)[1])
    assert jobs == sum(cost.jobs for cost in costs) > 1000
    command = [sys.executable, "-m", "diffusion_classifier", "costs", "--configfile", str(paper)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for table in config["tables"]:
        assert re.search(rf"^{table}$", done.stdout, re.MULTILINE), f"no estimate of {table}"
    evaluations = sum(cost.evaluations for cost in costs)
    assert f"all tables: {evaluations:,.0f} evaluations in {jobs:,} jobs" in done.stdout


def rehearse(root, folder, tables=None):
    """Run the paper's config on stand-ins in a copy of the project; its folder and environment."""
    for part in PARTS:
        source = root / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    config = shrunk(root / "config" / "paper.yaml", tables)
    (folder / "shrunk.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    environment = build(folder, config) | {"HOME": str(folder / "home"), "HF_TOKEN": TOKEN}
    result = run_config(folder, "shrunk.yaml", "--cores", "2", **environment)
    logs = {path: path.read_text() for path in (folder / "results/logs").rglob("*.log")}
    failed = [text for text in logs.values() if "Error" in text or ": found" in text]
    assert result.returncode == 0, "\n".join([result.stderr[-3000:], *failed])
    return folder


def check_tables(folder, names):
    for name in names:
        table = pd.read_csv(folder / f"results/tables/{name}/table.csv")
        assert table["value"].between(0, 100).all() and len(table)
        assert table["published"].notna().any()
        beside = pd.read_csv(folder / f"results/tables/{name}/published.csv")
        assert np.allclose(beside["difference"], beside["value"] - beside["published"])


def check_secrets(folder):
    """No token and no path of this machine in anything that is made to be shown."""
    for path in (folder / "results").rglob("*"):
        if path.suffix not in (".safetensors", ".nc", ".png", ".parquet") and path.is_file():
            content = path.read_text(encoding="utf-8", errors="replace")
            for secret in (TOKEN, str(folder)):
                assert secret not in content, f"{secret} in {path}"


def test_it_runs_on_stand_ins(root, tmp_path):
    folder = rehearse(
        root,
        tmp_path,
        {
            "accuracy": {
                "datasets": ["cifar10"],
                "methods": ["sd-2-0", "clip-rn50"],
                "confusion": ["cifar10"],
                "trend": None,
                "reconstructions": None,
            },
            "robustness": {
                "datasets": ["imagenet-a", "objectnet-113"],
                "methods": ["dit-256", "resnet-18"],
            },
        },
    )
    check_tables(folder, ["accuracy", "robustness"])
    check_secrets(folder)
    found = pd.read_parquet(folder / "results/predictions/sd-2-0/cifar10.parquet")
    # 20 images; ten classes at two timesteps, then two classes at the two of four that are new
    assert found.groupby("loss").size().to_dict() == dict.fromkeys(
        ["huber", "l1", "l2", "pruning"], 20
    )
    assert (found["evaluations"] == 10 * 2 + 2 * 2).all()
    own = found.set_index(["loss", "image"])["prediction"]
    assert own["pruning"].equals(own["l1"])  # by which CIFAR-10 is pruned
    hub = yaml.safe_load((folder / "results/weights/models/dit-256/hub.json").read_text())
    assert hub["commit"] == "eab87f77abd5aef071a632f08807fbaab0b704d0"


@pytest.mark.slow
def test_all_of_it_runs_on_stand_ins(root, tmp_path):
    folder = rehearse(root, tmp_path)
    check_tables(folder, ["accuracy", "robustness", "winoground"])
    check_secrets(folder)
