"""The report of the benchmarks: shares, figures, and messages for mistakes in the config."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from snakemake.utils import update_config

from diffusion_classifier import machine, network_time
from diffusion_classifier.benchmarks import benchmark_plots, growth, summary, time_shares
from diffusion_classifier.benchmarks.benchmark_config import checked_benchmark
from diffusion_classifier.benchmarks.class_growth import COLUMNS as CLASSES
from diffusion_classifier.benchmarks.policies import COLUMNS as POLICIES
from diffusion_classifier.benchmarks.policies import COMPARED
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.files import write_json
from diffusion_classifier.messages import InputError
from diffusion_classifier.tables.notebook_pages import execute

CPU = torch.device("cpu")
JOBS = {  # job -> seconds, ended at, in networks
    "dataset/digits": (4.0, 104.0, None),
    "errors/staged/digits/stage1/0-0": (20.0, 124.0, 15.0),
    "errors/staged/digits/stage1/0-1": (10.0, 120.0, 6.0),
    "accuracy": (6.0, 206.0, 0.0),  # the run was resumed after a break
    "errors/staged/large/stage1/0-0": (100.0, 400.0, 90.0),
    "benchmark_growth": (50.0, 500.0, 0.0),
}


@pytest.fixture
def records(tmp_path):
    for job, (seconds, ended, network) in JOBS.items():
        tsv, log = tmp_path / f"jobs/{job}.tsv", tmp_path / f"logs/{job}.log"
        tsv.parent.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        tsv.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:04\t100\n")
        os.utime(tsv, (ended, ended))
        if network is not None:
            log.write_text(f"10/10 evaluations\nin networks: {network:.3f} s\n")
    return time_shares.job_records(tmp_path / "jobs", tmp_path / "logs")


def test_shares_of_a_run(records):
    assert list(records["rule"]) == [
        "accuracy", "benchmark_growth", "dataset", "errors", "errors", "errors",
    ]  # fmt: skip
    run = time_shares.without(records, ["large"], ["benchmark_growth"])
    found = time_shares.run_shares("whole run", run, cores=2)
    assert list(found) == time_shares.RUN_COLUMNS
    assert found["jobs"] == 4 and found["job_seconds"] == 40 and found["network_seconds"] == 21
    assert found["wall_seconds"] == 4 + 20 + 6  # 100-104, 104-124 with 110-120 in it, 200-206
    assert found["outside_of_jobs"] == pytest.approx(1 - 21 / 40)
    assert found["outside_of_cores"] == pytest.approx(1 - 21 / 60)
    rules = time_shares.rule_shares("whole run", run).set_index("rule")
    assert list(rules.index) == ["errors", "accuracy", "dataset"]
    assert rules.loc["errors", ["jobs", "seconds", "network"]].tolist() == [2, 30, 21]


def test_time_in_networks_is_what_was_logged(monkeypatch):
    monkeypatch.setattr(network_time, "_spent", [])
    clock = iter([0.0, 2.0, 10.0, 10.5])
    monkeypatch.setattr(network_time.time, "perf_counter", lambda: next(clock))

    @network_time.in_network()
    def evaluate():
        return "answer"

    with network_time.in_network():
        pass
    assert evaluate() == "answer"
    log = f"loading\n{network_time.log_line()}\ndone\n"
    assert network_time.logged_seconds(log) == 2.5
    assert network_time.logged_seconds("in networks: not said\n") == 0


# --- what is shown


def test_the_machine_is_described_without_names():
    found = machine.describe(CPU, 1)
    message = machine.sentence(found)
    assert found["cores"] >= 1 and found["memory_gib"] > 0 and torch.__version__ in message
    uname = os.uname()
    assert uname.nodename not in message and os.path.expanduser("~") not in json.dumps(found)


FRAMES = ("growth", "shares", "rules", "policies", "compared", "classes", "exponents")


def policy_rows(folder):
    """Two policies and their comparison, made by hand; also written to `folder`."""
    policies = pd.DataFrame(
        [("mnist", "paper", 300, 1375, 96.0, 93.1, 97.7), ("mnist", "race", 300, 64, 95.7, 93, 97)],
        columns=POLICIES,
    )
    compared = pd.DataFrame([("mnist", "race", 21.48, -0.3, -1.6, 0.9, 1.0)], columns=COMPARED)
    policies.to_csv(folder / "policies.csv", index=False)
    compared.to_csv(folder / "compared.csv", index=False)
    return policies, compared


def test_policies_are_drawn_with_their_intervals(tmp_path):
    policies, compared = policy_rows(tmp_path)
    figure = benchmark_plots.policies_plot(policies, {"mnist": "MNIST"})
    (ax,) = figure.axes
    assert ax.get_xscale() == "log" and ax.get_title(loc="left") == "MNIST"
    drawn = {c.get_label(): c.lines[0].get_xydata()[0].tolist() for c in ax.containers}
    assert drawn == {"paper": [1375, 96.0], "race": [64, 95.7]}
    table = summary.policy_table(policies, {"mnist": "MNIST"})
    assert table.iloc[0].tolist() == ["MNIST", "paper", 300, "1,375.0", "96.0 [93.1, 97.7]"]
    table = summary.comparison_table(compared, {})
    assert table.iloc[0].tolist() == ["mnist", "race", "21.5", "-0.3 [-1.6, +0.9]", "1"]


def test_the_notebook_runs(root, tmp_path, records):
    record = {
        "model": "DiT", "dtype": "float32", "evaluations": 100, "flops": 2e9, "peak": 1e12,
        "seconds": {"plain": [2.0, 4.0], "engine": [1.0, 2.5], "compiled": [0.9, 2.0]},
        "difference": 1e-7,
        "between_prompts": 0.1, "tolerance": 1e-4, "machine": machine.describe(CPU, 1),
    }  # fmt: skip
    write_json(record, tmp_path / "record.json")
    run = time_shares.run_shares("whole run", records, 2)
    pd.DataFrame([run]).to_csv(tmp_path / "shares.csv", index=False)
    time_shares.rule_shares("whole run", records).to_csv(tmp_path / "rules.csv", index=False)
    rows = [
        (v, n, e, 0, n, 1.0 * n) for v in ("classes", "images") for n in (1, 2) for e in
        summary.ENGINES
    ]  # fmt: skip
    pd.DataFrame(rows, columns=growth.COLUMNS).to_csv(tmp_path / "growth.csv", index=False)
    policy_rows(tmp_path)
    by_classes = [
        ("mnist", n, "race", 300, 2.0 * n, 1e9 * n, 96.0, 93.1, 97.7, np.nan, np.nan)
        for n in (10, 100)
    ]
    pd.DataFrame(by_classes, columns=CLASSES).to_csv(tmp_path / "classes.csv", index=False)
    slopes = pd.DataFrame([("race", 1.0)], columns=["policy", "exponent"])
    slopes.to_csv(tmp_path / "exponents.csv", index=False)
    given = {
        "records": [str(tmp_path / "record.json")],
        "figure": str(tmp_path / "figure"),
        "throughput": str(tmp_path / "throughput.csv"),
        "machine": str(tmp_path / "machine.txt"),
    } | {name: str(tmp_path / f"{name}.csv") for name in FRAMES}
    execute(root / "notebooks/benchmarks.ipynb", tmp_path / "done.ipynb", given)
    table = pd.read_csv(tmp_path / "throughput.csv")
    assert list(table.columns) == summary.COLUMNS
    assert list(table["engine"]) == ["plain", "engine", "compiled"]
    assert (tmp_path / "machine.txt").read_text().startswith("Measured on ")
    drawn = {path.stem for path in tmp_path.glob("figure-*.svg")}
    names = ("throughput", "peak", "growth", "shares", "policies", "classes", "flops")
    assert drawn == {f"figure-{name}" for name in names}


# --- the config


@pytest.fixture
def config(root):
    found = yaml.safe_load((root / "config.yaml").read_text())
    added = yaml.safe_load((root / "config/benchmark.yaml").read_text())
    update_config(found, added)
    return found


def test_the_default_config_asks_for_no_benchmark(root):
    assert "benchmark" not in yaml.safe_load((root / "config.yaml").read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b["shard"].update(dataset="mnits"), r"benchmark.shard.dataset: .*`mnits`"),
        (lambda b: b["growth"].update(evaluation="sd"), r"benchmark.growth.evaluation: .*`sd`"),
        (lambda b: b["growth"].update(timesteps=[1, 999]), r"benchmark.growth.timesteps: .*250"),
        (lambda b: b["shard"].update(dataset="scenes-captions"), r"has no `prompts`"),
        (lambda b: b["full_size"].update(networks=["sdxl"]), r"expected one of `stable-diff"),
    ],
)
def test_mistakes_in_the_config_are_named(root, config, change, message):
    spec = config.pop("benchmark")
    check_config(config, root)
    assert checked_benchmark(spec, config) == spec
    change(spec)
    with pytest.raises(InputError, match=message):
        checked_benchmark(spec, config)


def test_a_prior_of_a_policy_has_to_be_in_a_table(root, config):
    """Policies compute no predictions of baselines."""
    spec = config.pop("benchmark")
    config["evaluations"]["scenes"]["prior"] = {"method": "clip", "keep": 2}
    check_config(config, root)
    spec["policies"] = {"shapes": {"prior": "scenes", "none": "scenes-exhaustive"}}
    assert checked_benchmark(spec, config) == spec
    config["datasets"]["more"] = config["datasets"]["shapes"]
    spec["policies"] = {"more": spec["policies"]["shapes"]}
    with pytest.raises(InputError, match=r"policies.more.prior: .*`clip-seed0` is in no table"):
        checked_benchmark(spec, config)


def test_benchmarks_come_after_the_tables(root, tmp_path):
    """A dry run of both config files in an empty folder: the whole run, then the timed jobs."""
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", root / "benchmarks/Snakefile",
        "--directory", tmp_path, "--dry-run", "--cores", "2", "--configfile",
        root / "config.yaml", root / "config/benchmark.yaml",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}
    )
    message = done.stdout + done.stderr
    assert done.returncode == 0, message
    jobs = re.findall(r"^ *rule (\w+):$", message, re.M)
    wanted = len(yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))["tables"])
    for timed in ("benchmark_miniature", "benchmark_full_size", "benchmark_growth"):
        tables = [index for index, job in enumerate(jobs) if job == "table"]
        assert len(tables) == wanted and max(tables) < jobs.index(timed)
    assert "mnist-shard" in message and jobs.count("benchmark_full_size") == 4
