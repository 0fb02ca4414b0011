"""Classify images among prompts in one go: what the workflow's rules do one by one.

Of every image x and class c, the error e(x, c) is the mean over the class's prompts and the
evaluated (t, ε) of the loss, which is itself a mean over the D values of a latent. The class of
least error wins (paper, algorithm 1), after pruning in stages (algorithm 2). The posterior is the
paper's approximation (section 3.2), of a uniform prior and the unweighted ELBO,

    p(c | x) = exp(-E ‖ε - ε_θ(x_t, t, c)‖²) / Σ_j exp(-E ‖ε - ε_θ(x_t, t, c_j)‖²),

where the squared norm is a sum over the latent's D values, D · e(x, c). With another loss than
`l2` that loss takes the squared norm's place.
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
    """A diffusion model's folder, how images become its input, and where it runs."""

    folder: str
    family: str
    preprocess: Preprocess
    device: torch.device
    dtype: torch.dtype
    truncate_prompts: bool = False


@dataclass(frozen=True)
class Evaluation:
    """What is measured: see `schedules.stage_samples` for samples and grid.

    keep: how many classes stay after each stage; seed: the noise bank's; batch_size: evaluations
    in one forward pass, or `auto`.
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
    """Every image's classes, best first: the rows of `ranking` and what the image took.

    `prompts` has the columns `prompt, classname, classidx`. Beside those of `ranking`, columns
    are `prompt`, what the class is called, and `evaluations` and `seconds`, of the whole image:
    network evaluations and its share of the time they took, without reading and encoding. Raises
    InputError for a folder that cannot be read, a prompt that is too long, and a loss that the
    model has not.
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
    """The errors of all stages, each over the classes the one before kept (algorithm 2)."""
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
    """Every image's classes, best first; `dimensions` is D, the number of values of a latent.

    Columns: `image`, `rank` from 1, `class`, `error` (the mean over what was evaluated),
    `difference` to the best class and its `standard_error`, `posterior`, `samples`. Classes that
    stayed longer come before those pruned earlier. The difference is paired: over the samples of
    the class, all of which the best saw too, so that classes pruned at different stages can be
    compared, as their errors cannot. Its standard error is the standard deviation (n - 1) of
    these differences / √n, NaN if n = 1; it takes the samples as independent, though their
    timesteps are evenly spaced. The posterior is the module's, written with these differences
    (the errors' common part cancels): exactly the softmax of -D · error if none was pruned.
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
        if not stage.sizes["sample"]:  # its timesteps were all seen in earlier stages
            continue
        values = sum(stage[name].values.astype("float64") for name in loss.split("+"))
        index = pd.MultiIndex.from_arrays(
            [stage["image"].values, class_of[stage["prompt"].values]], names=["image", "class"]
        )
        frame = pd.DataFrame(values, index, stage["noise"].values)
        parts.append(frame.groupby(level=["image", "class"]).mean())
    return pd.concat(parts, axis=1)


def class_labels(prompts: pd.DataFrame) -> dict[int, str]:
    """What a class is called: its prompt, or its name where it has several prompts."""
    labels = {}
    for index, own in prompts.groupby("classidx"):
        many = f"{own['classname'].iloc[0] or f'class {index}'} ({len(own)} prompts)"
        labels[index] = own["prompt"].iloc[0] if len(own) == 1 else many
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
