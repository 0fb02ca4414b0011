"""Ranking classes of images, against loops over diffusers' own model."""

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import DDPMScheduler, DiTTransformer2DModel
from scipy.special import softmax
from tiny_dit import grey_images

from diffusion_classifier import DiffusionClassifier
from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.selection.pruning import survivors
from diffusion_classifier.selection.schedules import stage_samples

CPU = torch.device("cpu")
FORM = Preprocess("L", 0, 8)
FOUR = from_templates(["0", "1", "2", "3"], ["{}"])


@pytest.fixture(scope="module")
def images():
    return grey_images()


def ranked(folder, images, samples, keep, seed=0, batch_size=32):
    classifier = DiffusionClassifier.from_pretrained(folder, device="cpu", progress=False)
    stages = {"samples": samples, "keep": keep}
    return classifier.rank(images, FOUR, stages=stages, race=0, seed=seed, batch_size=batch_size)


def brute_force(folder, image, label, samples, seed):
    """The L2 errors of one image and class, one at a time, by diffusers' own model: `(sample,)`."""
    model = DiTTransformer2DModel.from_pretrained(folder, subfolder="transformer").eval()
    alpha_bar = DDPMScheduler.from_pretrained(folder, subfolder="scheduler").alphas_cumprod
    x0 = torch.from_numpy(np.asarray(image, "float32") / 127.5 - 1)[None, None]
    bank = noise_bank((1, 8, 8), len(samples), seed)
    found = []
    for t, number, _ in samples:
        noise = bank[number][None]
        x_t = alpha_bar[t] ** 0.5 * x0 + (1 - alpha_bar[t]) ** 0.5 * noise
        with torch.no_grad():
            output = model(x_t, torch.tensor([t]), torch.tensor([label])).sample[:, :1]
        found.append((output - noise).square().mean().item())
    return np.array(found)


def test_the_ranking_is_that_of_a_loop_over_diffusers_own_model(dit, images):
    table = ranked(dit, images, [5], [1], seed=3, batch_size=7)
    samples = stage_samples([5])[0]
    for number, image in enumerate(images):
        rows = table[table["image"] == number]
        errors = np.stack([brute_force(dit, image, label, samples, 3) for label in range(4)])
        order = errors.mean(axis=1).argsort()
        assert rows["class"].tolist() == order.tolist()
        assert rows["prompt"].tolist() == [str(label) for label in order]
        assert rows["rank"].tolist() == [1, 2, 3, 4]
        np.testing.assert_allclose(rows["error"], errors.mean(axis=1)[order], rtol=1e-4)
        np.testing.assert_allclose(
            rows["posterior"], softmax(-64 * errors.mean(axis=1)[order]), rtol=1e-3
        )
        differences = errors[order] - errors[order[0]]
        np.testing.assert_allclose(
            rows["standard_error"], differences.std(axis=1, ddof=1) / 5**0.5, rtol=1e-3, atol=1e-9
        )
        assert (rows["evaluations"] == 20).all()
    assert (table["seconds"] > 0).all()
    assert len(table["seconds"].unique()) == 1  # all images took the same number


def test_pruning_measures_less_and_keeps_the_workflows_decision(dit, images):
    table = ranked(dit, images, [2, 10], [2, 1], batch_size=16)
    schedule = stage_samples([2, 10])
    expected = 4 * len(schedule[0]) + 2 * len(schedule[1])
    assert (table["evaluations"] == expected).all()
    adapter = family("dit")
    inputs = Inputs(
        torch.stack([FORM(image) for image in images]),
        torch.arange(3),
        adapter.encode_prompts(str(dit), FOUR, CPU, torch.float32),
        noise_bank((1, 8, 8), 20, 0),
    )
    denoiser = adapter.load(str(dit), CPU, torch.float32)
    pairs = pd.DataFrame([(i, p) for i in range(3) for p in range(4)], columns=["image", "prompt"])
    stages, class_of = [], FOUR["classidx"].to_numpy()
    for samples, keep in zip(schedule, [2, 1], strict=True):
        errors = epsilon_errors(denoiser, inputs, pairs, samples, 5, CPU, torch.float32)
        stages.append(error_dataset(errors, pairs, samples, {"seconds": 1.0}))
        pairs = survivors(stages, pairs, class_of, keep, "l2")
    best = table[table["rank"] == 1].set_index("image")["class"]
    assert best.to_dict() == pairs.set_index("image")["prompt"].to_dict()
