"""The library reproduces the authors' errors, schedules, pruning and variational bound."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.losses import noise_losses, variational_bound
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.pruning import (
    best_classes,
    class_errors,
    mean_errors,
    survivors,
)
from diffusion_classifier.selection.schedules import check_stages, stage_samples

CPU = torch.device("cpu")
EXPECTED = json.loads((Path(__file__).parent / "golden" / "expected.json").read_text())


@pytest.fixture(scope="module")
def unet(golden):
    tensors = load_file(golden / "inputs.safetensors")
    model = UNet2DConditionModel.from_config(json.loads((golden / "unet_config.json").read_text()))
    model.load_state_dict(load_file(golden / "unet.safetensors"))
    inputs = Inputs(
        tensors["latents"],
        torch.arange(3),
        {"text": tensors["text_embeddings"]},
        tensors["noise"],
    )
    return StableDiffusion(model, ForwardProcess(tensors["alphas_cumprod"])), inputs


def measure(unet, pairs, samples, batch_size=16):
    denoiser, inputs = unet
    return epsilon_errors(denoiser, inputs, pairs, samples, batch_size, CPU, torch.float32)


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_errors_of_single_evaluations(unet, batch_size):
    expected = EXPECTED["eval_error"]
    samples = list(map(Sample, expected["timestep"], expected["noise"]))
    pairs = pd.DataFrame({"image": expected["image"], "prompt": expected["prompt"]})
    errors = measure(unet, pairs, samples, batch_size)
    for loss in ("l1", "l2", "huber"):
        # the golden data pairs the n-th prompt with the n-th sample
        assert np.diag(errors[loss]) == pytest.approx(expected[loss], rel=1e-5)


@pytest.mark.parametrize("run", EXPECTED["adaptive"])
def test_staged_evaluation(unet, run):
    stages = stage_samples(run["n_samples"], run["n_trials"])
    class_of = np.arange(10)
    pairs = pd.DataFrame({"image": run["image"], "prompt": class_of})
    evaluated = []
    for samples, keep in zip(stages, run["to_keep"], strict=True):
        errors = measure(unet, pairs, samples)
        evaluated.append(error_dataset(errors, pairs, samples, {"seconds": 1.0}))
        candidates, pairs = pairs, survivors(evaluated, pairs, class_of, keep, run["loss"])
    for prompt, expected in run["errors"].items():
        rows = [stage.sel(pair=stage["prompt"] == int(prompt)) for stage in evaluated]
        rows = [row for row in rows if row.sizes["pair"]]
        found = np.concatenate([row[run["loss"]].values[0] for row in rows])
        timesteps = np.concatenate([row["timestep"].values for row in rows])
        assert timesteps.tolist() == expected["timestep"]
        assert found == pytest.approx(expected["error"], rel=1e-5)
    assert pairs["prompt"].tolist() == [run["pred"]]
    errors = candidates.merge(mean_errors(evaluated, run["loss"]))
    assert best_classes(class_errors(errors, class_of, "mean"), 1)["class"].item() == run["pred"]


@pytest.mark.parametrize("name", EXPECTED["schedules"])
def test_schedules_of_all_data_sets(name):
    expected = EXPECTED["schedules"][name]
    check_stages(
        expected["n_samples"], expected["to_keep"], 1, None, 2 * max(expected["n_samples"])
    )
    stages = stage_samples(expected["n_samples"])
    assert [[s.timestep for s in stage] for stage in stages] == [
        stage["timestep"] for stage in expected["stages"]
    ]
    assert [[s.noise for s in stage] for stage in stages] == [
        stage["noise"] for stage in expected["stages"]
    ]


def test_four_columns_of_dit(golden):
    tensors, expected = load_file(golden / "dit_vb.safetensors"), EXPECTED["dit_vb"]
    process = ForwardProcess(tensors["alphas_cumprod"])
    timestep = torch.tensor(expected["timestep"])
    x0 = tensors["x0"].expand(len(timestep), -1, -1, -1)
    x_t = process.noised(x0, tensors["noise"], timestep)
    for output, values in zip(tensors["model_output"], expected["values"], strict=True):
        predicted, variance = output.chunk(2, dim=1)
        kl, nll = variational_bound(process, x0, x_t, timestep, predicted, variance)
        losses = noise_losses(predicted, tensors["noise"])
        found = np.stack([losses["l2"], losses["l1"], kl, nll], axis=1)
        assert found == pytest.approx(np.array(values), rel=1e-5)
