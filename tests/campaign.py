"""A simulated large campaign, with its time and memory: `make load`.

    python tests/campaign.py [PART ...]

PARTs are plan, start, errors and shards; by default all but the last.

The workflow is planned and started with 20,000 jobs, and 10⁸ stored errors are aggregated; with
`shards`, 1,000 tiny shards are run to the end, which takes an hour on two cores.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import psutil
import yaml
from workflows import PARTS, own_library

from diffusion_classifier import files
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample

ROOT = Path(__file__).parents[1]
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml"]


TWO_STAGES = {"samples": [1, 2], "keep": [2, 1], "loss": "l2"}


def campaign(shards: int, model: str, stages: dict[str, Any], parts: int) -> str:
    """YAML of one evaluation of `shards` images, each image a shard of its own.

    A shard has a job for pairs, one for latents, `parts` of errors in each stage, and one of
    pruning between two stages: 7 with TWO_STAGES in two parts.
    """
    config = {
        "results": "results",
        "compute": {"device": "cpu"},
        "noise": {"seed": 0, "size": 2},
        "prompts": {"digits": {"classes": list("0123456789"), "templates": ["{}"]}},
        "datasets": {
            "mnist": {
                "label": "MNIST", "source": "mnist", "split": "test", "limit": shards,
                "copies": -(-shards // 1000), "shift": {"kind": "pose"}, "shards": shards,
                "prompts": "digits",
            }
        },
        "models": {
            "dit": {
                "label": "DiT", "family": "dit", "weights": model, "latent_shape": [1, 16, 16],
                "preprocess": {"mode": "L", "pad": 2, "size": 16, "interpolation": "box"},
            }
        },
        "evaluations": {
            "full": {
                "label": "Full", "model": "dit", "stages": stages, "class_parts": parts, "rate": 50,
            }
        },
        "baselines": {"chance": {"label": "Chance", "kind": "chance", "seeds": [0]}},
        "tables": {
            "accuracy": {
                "kind": "accuracy", "datasets": ["mnist"], "methods": ["full", "chance"],
                "subtitle": "A test.",
            }
        },
    }  # fmt: skip
    return yaml.safe_dump(config, sort_keys=False)


def project_with(folder: Path, shards: int, stages: dict[str, Any], parts: int) -> Path:
    """A copy of the project whose tiny.yaml is the campaign."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    model = str(ROOT / "resources/models/digits-dit")
    (folder / "tiny.yaml").write_text(campaign(shards, model, stages, parts))
    return folder


def plan(folder: Path) -> str:
    """`snakemake -n` with 20,000 jobs."""
    project = project_with(folder, 2860, TWO_STAGES, 2)
    command = [*SNAKEMAKE, "--cores", "2", "--dry-run", "--quiet", "rules"]
    begun = time.monotonic()
    message = subprocess.run(
        command, cwd=project, env=own_library(project), capture_output=True, text=True, check=True
    ).stdout
    seconds, memory = time.monotonic() - begun, _mib(resource.RUSAGE_CHILDREN)
    jobs = re.search(r"^total +(\d+)$", message, re.M).group(1)
    return f"plan of {jobs} jobs: {seconds:.0f} s, {memory:.0f} MiB"


def start(folder: Path) -> str:
    """`snakemake` with 20,000 jobs, until the first has finished."""
    project = project_with(folder, 2860, TWO_STAGES, 2)
    begun, peak = time.monotonic(), 0.0
    with open(folder / "snakemake.log", "w") as log:
        process = subprocess.Popen(
            [*SNAKEMAKE, "--cores", "2"],
            cwd=project,
            env=own_library(project),
            stdout=log,
            stderr=log,
        )
    while "Finished jobid" not in (folder / "snakemake.log").read_text():
        assert process.poll() is None, (folder / "snakemake.log").read_text()
        peak = max(peak, psutil.Process(process.pid).memory_info().rss / 2**20)
        time.sleep(0.5)
    seconds = time.monotonic() - begun
    process.send_signal(signal.SIGINT)
    process.wait()
    return f"first of 20,000 jobs finished after {seconds:.0f} s, {peak:.0f} MiB"


def errors(folder: Path) -> str:
    """10⁸ stored errors of 100 shards, 10⁶ each, to predictions."""
    shards, images, classes, samples = 100, 100, 100, 100
    generator = np.random.default_rng(0)
    for shard in range(shards):
        ids = range(images * shard, images * (shard + 1))
        grid = pd.MultiIndex.from_product([ids, range(classes)], names=["image", "prompt"])
        pairs = grid.to_frame(index=False)
        values = generator.random((len(pairs), samples), "float32")
        at = [Sample(10 * n, n) for n in range(samples)]
        files.write_dataset(error_dataset({"l2": values}, pairs, at, {"seconds": 1.0}),
                            folder / f"{shard}.nc")  # fmt: skip
        files.write_parquet(pairs, folder / f"{shard}.parquet")
    numbers = range(classes)
    files.write_csv(
        pd.DataFrame({"prompt": numbers, "classname": numbers, "classidx": numbers}),
        folder / "prompts.csv",
    )
    labels = pd.DataFrame({"image": range(shards * images), "label": 0})
    files.write_parquet(labels, folder / "data.parquet")
    code = f"""
import runpy
from types import SimpleNamespace
from snakemake.iocontainers import InputFiles, OutputFiles, Params
scripts, at, shards = {str(ROOT / "workflow_scripts")!r}, {str(folder)!r} + "/", range({shards})
def made(name):
    return {{"predictions": f"{{at}}{{name}}-out.parquet", "rankings": f"{{at}}{{name}}-out.nc"}}
def run(script, given, out, **params):
    job = SimpleNamespace(
        input=InputFiles(fromdict=given), output=OutputFiles(fromdict=out), rule=script, threads=1,
        params=Params(fromdict=params), wildcards={{}}, log=[at + "log"])
    runpy.run_path(f"{{scripts}}/{{script}}.py", {{"snakemake": job}})
for shard in shards:
    given = {{
        "errors": [f"{{at}}{{shard}}.nc"], "pairs": f"{{at}}{{shard}}.parquet", "group_errors": [],
        "searched": [], "prompts": at + "prompts.csv", "data": at + "data.parquet"}}
    run("predictions", given, made(shard), combine="mean", pruning=None, shards={shards})
whole = {{name: [made(shard)[name] for shard in shards] for name in made(0)}}
run("concatenate_predictions", whole, made("all"))
"""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    seconds = time.monotonic() - begun
    assert len(files.read_parquet(folder / "all-out.parquet")) == shards * images
    assert files.read_dataset(folder / "all-out.nc").sizes["row"] == shards * images
    memory = _mib(resource.RUSAGE_CHILDREN)
    return f"10⁸ errors to predictions and rankings: {seconds:.0f} s, {memory:.0f} MiB"


def shards(folder: Path) -> str:
    """1,000 shards, of three jobs each, to the end."""
    project = project_with(folder, 1000, {"samples": [1], "keep": [1], "loss": "l2"}, 1)
    begun = time.monotonic()
    with open(folder / "snakemake.log", "w") as log:
        subprocess.run(
            [*SNAKEMAKE, "--cores", str(os.cpu_count())],
            cwd=project, env=own_library(project), stdout=log, stderr=log, check=True,
        )  # fmt: skip
    minutes = (time.monotonic() - begun) / 60
    made = len(list((project / "results/errors").rglob("*.nc")))
    return f"1,000 shards: {made} files of errors in {minutes:.0f} min"


def _mib(who: int) -> float:
    """The largest resident size of any child so far."""
    return resource.getrusage(who).ru_maxrss / 1024


def main() -> None:
    parts = {part.__name__: part for part in (plan, start, errors, shards)}
    for name in sys.argv[1:] or ["plan", "start", "errors"]:
        with TemporaryDirectory() as folder, ProcessPoolExecutor(1) as own:
            # in a separate process, to measure the memory of its children
            print(own.submit(parts[name], Path(folder)).result(), flush=True)


if __name__ == "__main__":
    main()
