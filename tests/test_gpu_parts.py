"""The parts `jobs` and `limits` of the GPU check."""

import time

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from gpu_checks import CPU, check, held, written

from diffusion_classifier.benchmarks import timed_networks
from diffusion_classifier.benchmarks.full_size import FULL_SIZE, tiny
from diffusion_classifier.benchmarks.throughput import all_pairs
from diffusion_classifier.denoisers.families import FAMILIES, family
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.gpu_check import (
    jobs,
    limits,
    passes,
    random_pipeline,
    trials,
)
from diffusion_classifier.gpu_check.jobs import Job
from diffusion_classifier.gpu_check.shipped import Task
from diffusion_classifier.network_time import in_network
from diffusion_classifier.weights.model_parts import check_model_folder

# --- whole jobs


def test_a_jobs_time_is_split(monkeypatch):
    now = [10.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    job = Job(start=9.0)
    with job.step("network"):
        now[0] += 2
        with in_network():
            now[0] += 5
    with job.step("loading"):
        now[0] += 3
    # time of that step outside of the network belongs to the rest
    expected = {"wall": 11, "network": 5, "loading": 3, "rest": 3}
    assert job.split() == pytest.approx(expected)


def test_predictions_of_a_race_are_of_those_that_went_on():
    nan = np.nan
    errors = np.array([[0.1, nan], [0.8, 0.9], [0.7, 1.2], [0.5, 0.5], [0.4, 0.7], [0.9, nan]])
    prompts = pd.DataFrame({"classidx": range(3)})
    asked = Task("", "dit", None, prompts, all_pairs(range(2), 3), np.array([0, 0]))
    for weight, expected in ((1, [1, 0]), (9, [2, 1])):
        samples = [Sample(5, 0, weight), Sample(6, 1, 1)]
        assert asked.predictions(errors, samples).tolist() == expected


def test_digits_are_classified_as_by_the_default_config(root):
    config = yaml.safe_load((root / "config.yaml").read_text())
    race, every = (config["evaluations"][name] for name in ("digits", "digits-exhaustive"))
    assert race["stages"]["samples"] == [jobs.RACED]
    expected = race["stages"]["race"] | {"loss": race["stages"]["loss"]}
    assert expected == {name: jobs.RACE[name] for name in expected}
    assert every["stages"]["samples"] == [jobs.EXHAUSTIVE]
    assert config["datasets"]["mnist-calibration"]["limit"] == jobs.CALIBRATION_IMAGES


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("pipeline")
    scenes = root / "resources" / "models" / "scenes-sd"
    side = random_pipeline.save(folder, CPU, small=True, scenes=scenes)
    return str(folder), side


def test_a_random_pipeline_is_a_whole_model(pipeline):
    folder, side = pipeline
    check_model_folder(folder, FAMILIES["stable-diffusion"])
    assert side == 64
    denoiser = family("stable-diffusion").load(folder, CPU, torch.float32)
    assert denoiser.network.config.cross_attention_dim == 32


def staged(samples):
    spec = tiny(FULL_SIZE["stable-diffusion-2"])
    denoiser = timed_networks.adapted(timed_networks.full_size(spec, CPU, torch.float32))
    return denoiser, timed_networks.random_inputs(spec, 4, 5, samples), all_pairs(range(4), 5)


def test_a_pass_that_does_not_fit_is_halved(monkeypatch):
    asked = check()
    passes.too_large(asked, *staged(2))
    (row,) = written(asked, "too large a pass")
    assert (row["requested"], row["became"]) == (16, 4) and "as if" in row["how"]
    (name,) = held(asked)
    assert held(asked)[name]
    # fails if everything fits or if halves give other errors
    for fits, factor in ((100, 1), (5, 2)):
        monkeypatch.setattr(passes, "SmallMemory", small_memory(fits, factor))
        asked = check()
        passes.too_large(asked, *staged(2))
        assert not held(asked)[name]


def small_memory(fits, factor):
    class Other(passes.SmallMemory):
        def __init__(self, denoiser, _):
            super().__init__(denoiser, fits)

        def predict(self, *given):
            predicted, variance = super().predict(*given)
            return factor * predicted, variance

    return Other


def test_sizes_of_passes_are_measured():
    asked = check()
    passes.choice(asked, *staged(2))
    rows = written(asked, "passes of Stable Diffusion 2")
    assert {8, 16} <= {row["size"] for row in rows}
    assert [row["auto"] for row in rows].count(True) == 1


def test_kernels_of_attention_are_compared_and_the_fused_stay_on():
    asked = check()
    passes.attention(asked, *staged(1))
    rows = written(asked, "attention of Stable Diffusion 2")
    assert {row["attention"] for row in rows} == {"plain", "fused"}
    assert torch.backends.cuda.flash_sdp_enabled()


def test_a_job_that_has_no_time_is_left_out(monkeypatch):
    monkeypatch.setattr(jobs.random_pipeline, "save", lambda *given: 64)
    monkeypatch.setattr(jobs, "digits", lambda check: None)
    asked = check(rehearse=False, until=time.time() + 20)
    jobs.jobs(asked)
    (row,) = written(asked, "left out")
    assert row["what"] == "a staged job of Stable Diffusion 2"


# --- limits


def test_agreement_of_ranks():
    base = np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]])
    assert limits.agreement(base, 2 * base) == {"rank_agreement": 1.0, "same_best": 1.0}
    found = limits.agreement(base, np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]))
    assert found == {"rank_agreement": 0.0, "same_best": 0.5}


def test_the_kernels_of_a_pass():
    asked = check()
    limits.kernels(asked)
    rows = written(asked, "kernels of a pass of Stable Diffusion 2")
    took = [row["milliseconds"] for row in rows]
    assert len(rows) == 10 and took == sorted(took, reverse=True)
    assert 0.5 < sum(row["share"] for row in rows) <= 1


def test_trials_are_compared_and_one_that_fails_is_left_out(monkeypatch):
    def rounded(network, down_to):
        for block in network.transformer_blocks:
            block.ff.net[2].weight.mul_(1.5)

    def broken(network, down_to):
        raise AssertionError("needs compute capability 8.9")

    every = (
        trials.Trial("bfloat16", trials.unchanged, compiled=True),
        trials.Trial("bfloat16", trials.unchanged, compiled=False),
        trials.Trial("broken", broken, compiled=True),
        trials.Trial("missing", broken, compiled=True, package="no_such_package"),
        trials.Trial("other", torch.no_grad()(rounded), compiled=False),
    )
    monkeypatch.setattr(limits, "TRIALS", every)
    asked = check()
    limits.full_size(asked, "dit-256")
    rows = {row["trial"]: row for row in written(asked, "trials")}
    assert list(rows) == ["bfloat16", "other", "engine, bfloat16"]
    assert rows["bfloat16"]["rank_agreement"] == rows["bfloat16"]["times_bfloat16"] == 1
    assert rows["other"]["rank_agreement"] < 1
    assert rows["engine, bfloat16"]["rank_agreement"] > 0.9
    (row,) = written(asked, "left out")
    assert row["what"] == "broken" and "compute capability" in row["why"]


def test_a_trial_that_has_no_time_is_left_out():
    asked = check(rehearse=False, until=time.time() + 1)
    limits.full_size(asked, "dit-256")
    assert [row["what"] for row in written(asked, "left out")] == ["all trials"]


@pytest.mark.parametrize("name", ["dit-xl-2", "stable-diffusion-2"])
def test_linear_layers_of_blocks_alone_are_made_smaller(name):
    with torch.device("meta"):
        spec = tiny(FULL_SIZE[name])
        network = timed_networks.network_class(spec.family)(**spec.config)
    chosen = {n for n, module in network.named_modules() if trials.in_a_block(module, n)}
    ends = {n.split("transformer_blocks.")[1].split(".", 1)[1] for n in chosen}
    own = {f"attn1.{part}" for part in ("to_q", "to_k", "to_v", "to_out.0")}
    assert own | {"ff.net.0.proj", "ff.net.2"} <= ends
    assert not any("norm" in n or "emb" in n for n in chosen)
