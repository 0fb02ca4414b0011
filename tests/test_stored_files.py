"""Paths of a job with a store: which inputs stay on the disk, and where the others are found."""

import random
from pathlib import Path

import pytest
from snakemake import iocontainers

from diffusion_classifier.operations.stored_files import placed
from job import job
from rule_functions import Jobs, has_storage

COPIES = ".snakemake/storage/s3/results/run"  # the bucket has the name of the folder of results
NAMES = [
    "results/models/dit",
    "results/data/mnist.parquet",
    "results/errors/results/results/stage1/0-0.nc",  # entries may have that name too
    "results/results/data/mnist.parquet",
    "results/tables/accuracy",
]


def test_every_name_finds_its_copy():
    files = [f"{COPIES}/{name}" for name in NAMES] + ["notebooks/accuracy.ipynb"]
    random.Random(0).shuffle(files)
    for name in NAMES[:3] + NAMES[4:]:
        assert placed(name, files, "results") == f"{COPIES}/{name}"
    inside = placed("results/models/dit/scheduler/config.json", files, "results")
    assert inside == f"{COPIES}/results/models/dit/scheduler/config.json"


def test_all_of_a_notebooks_parameters_are_placed_and_nothing_else():
    files = [f"{COPIES}/{name}" for name in NAMES]
    given = {
        "data": {"digits": "results/data/mnist.parquet"},
        "labels": {"results/data/mnist.parquet": "MNIST"},
        "curves": [["results/models/dit", 3], ("results/unknown/file", None)],
        "published": "config/published.csv",
        "text": "results are in results/models/dit",
        "seeds": [0, 1.5, True],
    }
    assert placed(given, files, "results") == {
        "data": {"digits": f"{COPIES}/results/data/mnist.parquet"},
        "labels": {f"{COPIES}/results/data/mnist.parquet": "MNIST"},
        "curves": [[f"{COPIES}/results/models/dit", 3], ("results/unknown/file", None)],
        "published": "config/published.csv",
        "text": "results are in results/models/dit",
        "seeds": [0, 1.5, True],
    }


@pytest.mark.parametrize("results", ["results", "runs/one", "/data/runs/one"])
def test_without_a_store_nothing_changes(results):
    files = [f"{results}/models/dit", f"{results}/tables/accuracy", "my/results/models/dit"]
    given = {"folder": f"{results}/models/dit", "other": f"{results}/models/sd"}
    assert placed(given, files, results) == given


def a_job(root: Path, prefix: str):
    """The object that Snakemake gives to a script, with its log in `root`."""
    io, named = iocontainers, {"fromdict": {"model": f"{prefix}results/models/dit"}}
    params = {"folder": "results/models/dit", "code": "abc", "sizes": [1, 2]}
    lists = {
        "input_": io.InputFiles(**named),
        "output": io.OutputFiles(fromdict={"folder": f"{prefix}results/tables/accuracy"}),
        "params": io.Params(fromdict=params),
        "wildcards": io.Wildcards(fromdict={"table": "accuracy"}),
        "resources": io.ResourceList(),
        "log": io.Log(fromdict={"log": str(root / "log")}),
    }
    rest = {"threads": 1, "config": {"results": "results"}, "rulename": "table"}
    return io.Snakemake(**lists, **rest, bench_iteration=None)


@pytest.mark.parametrize("prefix", ["", f"{COPIES}/"])
def test_a_script_sees_where_the_files_are(tmp_path, prefix, monkeypatch):
    monkeypatch.setattr("os.dup2", lambda *streams: None)  # pytest's own
    snakemake = a_job(tmp_path, prefix)
    with job(snakemake) as snakemake:
        assert snakemake.params.folder == snakemake.input.model == f"{prefix}results/models/dit"
        assert dict(snakemake.params.items()).keys() == {"folder", "code", "sizes"}
        assert (snakemake.params.code, snakemake.params.sizes) == ("abc", [1, 2])


def test_what_is_shipped_or_the_users_is_marked_as_local():
    jobs = Jobs("config.yaml", Path(), "results", lambda path: f"local {path}")
    assert jobs.files_in({"a": ["results/x", "notebooks/y"], "b": "photos/results/z"}) == {
        "a": ["results/x", "local notebooks/y"],
        "b": "local photos/results/z",
    }
    inputs = jobs.files_of(lambda dataset: [f"{dataset}/0.png"])
    assert inputs(iocontainers.Wildcards(fromdict={"dataset": "mine"})) == ["local mine/0.png"]
    assert Jobs("config.yaml", Path()).files_in(["a", []]) == ["a", []]


def test_a_workflow_has_a_store_only_if_one_is_named():
    class Workflow:
        class storage_settings:  # noqa: N801
            default_storage_provider = None

    assert not has_storage(Workflow) and not has_storage(object())
    Workflow.storage_settings.default_storage_provider = "s3"
    assert has_storage(Workflow)
