"""Classify images among prompts in one call, with the same steps as the workflow's rules.

The error e(x, c) of an image x and a class c is the mean of the loss over the class's prompts and
the evaluated samples (t, ε); the loss is a mean over the D values of a latent. The class with the
lowest error wins (paper, algorithm 1), after pruning in stages (algorithm 2). The posterior is the
paper's approximation (section 3.2) with a uniform prior and the unweighted ELBO,

    p(c | x) = exp(-E ‖ε - ε_θ(x_t, t, c)‖²) / Σ_j exp(-E ‖ε - ε_θ(x_t, t, c_j)‖²),

where the squared norm is a sum over the latent's D values, D · e(x, c). Another loss than `l2`
replaces the squared norm.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.error_files import cost, error_dataset
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.selection.pruning import class_errors, mean_errors, survivors
from diffusion_classifier.selection.schedules import stage_samples
from diffusion_classifier.weights.reading import reading

if TYPE_CHECKING:
    import xarray as xr
    from PIL.Image import Image


@dataclass(frozen=True)
class Model:
    """The folder of a diffusion model, the preprocessing of images, device and dtype."""

    folder: str
    family: str
    preprocess: Preprocess
    device: torch.device
    dtype: torch.dtype
    truncate_prompts: bool = False


@dataclass(frozen=True)
class Evaluation:
    """The stages of an evaluation; `schedules.stage_samples` explains `samples` and `grid`.

    `keep` is the number of classes after each stage, `seed` that of the noise bank, and
    `batch_size` the number of evaluations in one forward pass, or `auto`.
    """

    samples: Sequence[int]
    keep: Sequence[int]
    grid: int | None = None
    loss: str = "l2"
    seed: int = 0
    batch_size: int | str = 32


def classify(
    model: Model, images: Sequence[Image], prompts: pd.DataFrame, evaluation: Evaluation
) -> pd.DataFrame:
    """The classes of every image, best first: the rows of `ranking` with three more columns.

    `prompts` has the columns `prompt, classname, classidx`. The columns are those of `ranking`,
    `prompt` (the name of the class), and, for the whole image, `evaluations` of the network and its
    share of their `seconds`, without reading and encoding. Raises InputError for a folder that
    cannot be read, a prompt that is too long, and a loss that the model does not have.
    """
    device, dtype = model.device, model.dtype
    adapter = family(model.family)
    expected = "the diffusers layout with .safetensors weights"
    what, remedy = f"a model of the family {model.family}", "name another family"
    with reading(model.folder, what, expected, remedy):
        conditions = adapter.encode_prompts(
            model.folder, prompts, device, dtype, model.truncate_prompts
        )
        latents = encode_images(model.folder, model.preprocess, images, device, dtype, model.family)
        denoiser = adapter.load(model.folder, device, dtype)
    _check_loss(evaluation.loss, denoiser)
    schedule = stage_samples(
        evaluation.samples, grid=evaluation.grid, timesteps=denoiser.process.timesteps
    )
    noise = noise_bank(latents.shape[1:], sum(map(len, schedule)), evaluation.seed)
    inputs = Inputs(latents, torch.arange(len(images)), conditions, noise)
    stages = stage_errors(denoiser, inputs, prompts, schedule, evaluation, device, dtype)
    class_of = prompts["classidx"].to_numpy()
    table = ranking(stages, class_of, evaluation.loss, latents[0].numel())
    table.insert(3, "prompt", table["class"].map(class_labels(prompts)))
    return table.merge(cost(stages), left_on="image", right_index=True)


def stage_errors(
    denoiser: Denoiser,
    inputs: Inputs,
    prompts: pd.DataFrame,
    schedule: Sequence[Sequence[Sample]],
    evaluation: Evaluation,
    device: torch.device,
    dtype: torch.dtype,
) -> list[xr.Dataset]:
    """The errors of all stages; each stage has the classes that the last one kept (algorithm 2)."""
    pairs = candidates(pd.DataFrame({"image": inputs.images.numpy()}), prompts)
    class_of = prompts["classidx"].to_numpy()
    engine = Engine(denoiser, inputs, evaluation.batch_size, device, dtype)
    stages: list[xr.Dataset] = []
    for samples, keep in zip(schedule, evaluation.keep, strict=True):
        start = time.perf_counter()
        errors = engine.errors(pairs, samples)
        record = {"seconds": time.perf_counter() - start}
        stages.append(error_dataset(errors, pairs, samples, record))
        pairs = survivors(stages, pairs, class_of, keep, evaluation.loss)
    return stages


def ranking(
    stages: Sequence[xr.Dataset], class_of: np.ndarray, loss: str, dimensions: int
) -> pd.DataFrame:
    """The classes of every image, best first; `dimensions` is D, the number of values of a latent.

    Columns: `image`, `rank` from 1, `class`, `error` (the mean over the evaluated samples),
    `difference` to the best class and its `standard_error`, `posterior`, `samples`. Classes come
    before those that were pruned in an earlier stage. The difference is paired: its mean is over
    the samples of the class, all of which the best class has too. So it can be compared between
    classes that were pruned in different stages, unlike the error. Its standard error is the
    standard deviation (n - 1) of the differences / √n, NaN if n = 1; it treats the samples as
    independent, although their timesteps are evenly spaced. The posterior is that of the module,
    computed from the differences: the softmax of -D · error if no class was pruned.
    """
    means = class_errors(mean_errors(stages, loss), class_of, "mean")
    per_sample = class_sample_errors(stages, class_of, loss)
    parts = [
        _ranked(of_image.set_index("class"), per_sample.loc[image], dimensions)
        for image, of_image in means.groupby("image")
    ]
    columns = ["image", "rank", "class", "error", "difference", "standard_error"]
    return pd.concat(parts, ignore_index=True)[[*columns, "posterior", "samples"]]


def class_sample_errors(
    stages: Sequence[xr.Dataset], class_of: np.ndarray, loss: str
) -> pd.DataFrame:
    """Errors per class and sample: index `image, class`, a float64 column per noise index.

    Means over the class's prompts; NaN where the class had been pruned.
    """
    parts = []
    for stage in stages:
        if not stage.sizes["sample"]:  # all its timesteps were evaluated in earlier stages
            continue
        values = sum(stage[name].values.astype("float64") for name in loss.split("+"))
        index = pd.MultiIndex.from_arrays(
            [stage["image"].values, class_of[stage["prompt"].values]], names=["image", "class"]
        )
        frame = pd.DataFrame(values, index, stage["noise"].values)
        parts.append(frame.groupby(level=["image", "class"]).mean())
    return pd.concat(parts, axis=1)


def class_labels(prompts: pd.DataFrame) -> dict[int, str]:
    """The text for each class: its prompt, or its name if it has several prompts."""
    labels = {}
    for index, rows in prompts.groupby("classidx"):
        name = f"{rows['classname'].iloc[0] or f'class {index}'} ({len(rows)} prompts)"
        labels[index] = rows["prompt"].iloc[0] if len(rows) == 1 else name
    return labels


def _ranked(means: pd.DataFrame, per_sample: pd.DataFrame, dimensions: int) -> pd.DataFrame:
    """The rows of one image; both are indexed by class."""
    table = means.assign(samples=per_sample.notna().sum(axis=1)).reset_index()
    table = table.sort_values(["samples", "error", "class"], ascending=[False, True, True])
    table = table.set_index("class")
    differences = per_sample.loc[table.index] - per_sample.loc[table.index[0]]
    table["difference"] = differences.mean(axis=1)
    table["standard_error"] = differences.std(axis=1, ddof=1) / np.sqrt(table["samples"])
    weights = np.exp(-dimensions * table["difference"])
    table["posterior"] = weights / weights.sum()
    table["rank"] = range(1, len(table) + 1)
    return table.reset_index()


def _check_loss(loss: str, denoiser: Denoiser) -> None:
    if "vlb" in loss and not getattr(denoiser, "learned_variance", False):
        raise InputError(
            f"loss: found {loss}, but the model does not learn its variance; expected l1, l2 or "
            "huber; choose one"
        )
