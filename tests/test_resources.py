"""Resources of jobs, compared with counting by hand, and in a dry run."""

import re

import pytest
import torch
from cost_configs import config
from workflows import snakemake

from diffusion_classifier.config.work import Work, stage_work
from diffusion_classifier.engine.loss_names import MEASURED
from diffusion_classifier.engine.losses import noise_losses
from diffusion_classifier.operations import job_resources as resources
from diffusion_classifier.operations.job_resources import (
    error_megabytes,
    megabytes,
    minutes,
    tensor_megabytes,
)


def staged(**evaluation):
    stages = {"samples": [5, 20], "keep": [3, 1], "loss": "l2"}
    mnist = {"source": "mnist", "limit": 50, "shards": 4, "prompts": "digits"}
    return config(
        datasets={"mnist": mnist},
        evaluations={"full": {"model": "m", "stages": stages} | evaluation},
    )


def test_work_is_that_of_the_largest_shard_and_class_part():
    # 50 images in 4 shards are at most 13; 10 classes, then 3, in 2 parts are 5, then 2
    both = staged(class_parts=2)
    assert stage_work(both, "full", "mnist", 1) == Work(13, 13 * 5, 5)
    assert stage_work(both, "full", "mnist", 2) == Work(13, 13 * 2, 15)
    assert stage_work(both, "full", "mnist", 2).evaluations == 13 * 2 * 15


def test_a_prior_leaves_less_work():
    assert stage_work(staged(prior={"method": "clip", "keep": 4}), "full", "mnist", 1).pairs == 52


def test_work_of_unknown_images_is_unknown(tmp_path):
    unknown = staged()
    unknown["datasets"]["mnist"] = {
        "source": "folder", "path": str(tmp_path / "none"), "prompts": "digits",
    }  # fmt: skip
    assert stage_work(unknown, "full", "mnist", 1) is None
    assert minutes(None, 3.0) == minutes(5.0, None) == resources.UNKNOWN


def test_minutes_are_those_of_the_rate_with_room_and_grow():
    # an hour's work
    assert minutes(3600 * 50, 50) == 10 + 90
    assert minutes(3600 * 50, 50, attempt=3) == 3 * 100


def test_memory_holds_what_a_job_holds():
    assert tensor_megabytes(250, [4, 64, 64]) == pytest.approx(250 * 4 * 64 * 64 * 4 / 1e6)
    # four losses in float32, twice
    assert error_megabytes([Work(1, 1000, 250), None]) == pytest.approx(
        1000 * 250 * 4 * 4 * 2 / 1e6
    )
    assert set(noise_losses(*torch.zeros(2, 1, 1, 1, 1))) | {"vlb"} == set(MEASURED)
    assert megabytes(4000, 0.5, attempt=2) == 2 * 4001


def test_jobs_of_a_workflow_ask_for_it(root, tmp_path):
    text = (root / "tests/tiny.yaml").read_text()
    text = text.replace("    class_parts: 2", "    class_parts: 2\n    rate: 0.5")
    (tmp_path / "tiny.yaml").write_text(text)
    arguments = ["--dry-run", "--cores", "1", "--snakefile", root / "Snakefile", "--quiet", "host"]
    message = snakemake(tmp_path, *arguments).stdout
    jobs = re.findall(r"evaluation=staged, dataset=mnist, stage=1.*\n.*runtime=(\d+)", message)
    # 15 images × 5 classes × 4 samples at 0.5/s are 10 minutes
    assert jobs == ["25"] * 4
