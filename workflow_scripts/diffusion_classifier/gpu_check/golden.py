"""Reproduce on a device the numbers of the authors' implementation, stored in tests/golden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from diffusion_classifier.benchmarks.throughput import deviation
from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.losses import noise_losses, variational_bound
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.files import read_json, read_tensors
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.pruning import survivors
from diffusion_classifier.selection.schedules import stage_samples

from .check import Check

LOSSES = ("l1", "l2", "huber")


def golden(check: Check, tolerance: float) -> None:
    """Check errors, staged evaluations and DiT's bound in float32 against expected values.

    `tolerance` is relative. The caller decides whether products may use TF32.
    """
    folder = check.root / "tests" / "golden"
    expected = read_json(folder / "expected.json")
    engine = _engine(folder, check.device)
    apart = _single_errors(engine, expected["eval_error"])
    _holds(check, "golden errors", apart, tolerance)
    runs = expected["adaptive"]
    for number, run in enumerate(runs[:2] if check.rehearse else runs, start=1):
        apart, predicted = _staged(engine, run)
        _holds(check, f"golden staged run {number}, errors", apart, tolerance)
        found = f"prompts {predicted} stay, expected {run['pred']}"
        check.holds(f"golden staged run {number}, pruning", predicted == [run["pred"]], found)
    apart = _bound(folder, expected["dit_vb"], check.device)
    _holds(check, "golden bound of DiT", apart, tolerance)


def _holds(check: Check, name: str, apart: float, tolerance: float) -> None:
    found = f"largest deviation {apart:.1e}, at most {tolerance:g}"
    check.holds(name, apart <= tolerance, found)


def _engine(folder: Path, device: torch.device) -> Engine:
    from diffusers import UNet2DConditionModel

    tensors = read_tensors(folder / "inputs.safetensors")
    network = UNet2DConditionModel.from_config(read_json(folder / "unet_config.json"))
    network.load_state_dict(read_tensors(folder / "unet.safetensors"))
    denoiser = StableDiffusion(network.to(device), ForwardProcess(tensors["alphas_cumprod"]))
    texts = {"text": tensors["text_embeddings"]}
    images = torch.arange(len(tensors["latents"]))
    inputs = Inputs(tensors["latents"], images, texts, tensors["noise"])
    return Engine(denoiser, inputs, 64, device, torch.float32)


def _single_errors(engine: Engine, expected: dict[str, Any]) -> float:
    """The largest deviation; the n-th pair is measured at the n-th sample."""
    samples = list(map(Sample, expected["timestep"], expected["noise"]))
    pairs = pd.DataFrame({"image": expected["image"], "prompt": expected["prompt"]})
    errors = engine.errors(pairs, samples, Silence())
    return max(deviation(np.diag(errors[loss]), expected[loss]).max() for loss in LOSSES)


def _staged(engine: Engine, run: dict[str, Any]) -> tuple[float, list[int]]:
    """The largest deviation of an error of a staged evaluation, and the prompts that stay.

    The deviation is infinite if a prompt was not evaluated as often as expected.
    """
    class_of = np.arange(10)
    pairs = pd.DataFrame({"image": run["image"], "prompt": class_of})
    stages, found = [], {prompt: [] for prompt in class_of}
    schedule = stage_samples(run["n_samples"], run["n_trials"])
    for samples, keep in zip(schedule, run["to_keep"], strict=True):
        errors = engine.errors(pairs, samples, Silence())
        for prompt, values in zip(pairs["prompt"], errors[run["loss"]], strict=True):
            found[prompt].extend(values)
        stages.append(error_dataset(errors, pairs, samples, {}))
        pairs = survivors(stages, pairs, class_of, keep, run["loss"])
    apart = 0.0
    for prompt, expected in run["errors"].items():
        errors = found[int(prompt)]
        same = len(errors) == len(expected["error"])
        apart = max(apart, deviation(errors, expected["error"]).max() if same else np.inf)
    return apart, pairs["prompt"].tolist()


def _bound(folder: Path, expected: dict[str, Any], device: torch.device) -> float:
    """The largest deviation of L2, L1, KL and decoder NLL of a DiT's stored outputs."""
    tensors = read_tensors(folder / "dit_vb.safetensors")
    tensors = {name: value.to(device) for name, value in tensors.items()}
    process = ForwardProcess(tensors["alphas_cumprod"].cpu()).to(device)
    timestep = torch.tensor(expected["timestep"], device=device)
    x0 = tensors["x0"].expand(len(timestep), -1, -1, -1)
    x_t = process.noised(x0, tensors["noise"], timestep)
    apart = 0.0
    for output, values in zip(tensors["model_output"], expected["values"], strict=True):
        predicted, variance = output.chunk(2, dim=1)
        kl, nll = variational_bound(process, x0, x_t, timestep, predicted, variance)
        losses = noise_losses(predicted, tensors["noise"])
        found = torch.stack([losses["l2"], losses["l1"], kl, nll], dim=1)
        apart = max(apart, deviation(found.cpu().numpy(), values).max())
    return apart
