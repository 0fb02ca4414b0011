"""The interface of baselines: fit, save, load and predict, and the keys of their config entries.

This module imports no PyTorch, because checking a config reads the class attributes of baselines.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch
    from PIL.Image import Image
    from torch import Tensor

CLIP, TEXT_TO_IMAGE = "CLIP model", "text-to-image model"
"""The kinds of models that a baseline can use."""


@dataclass(frozen=True)
class Setting:
    """The settings of a baseline in a job.

    `spec` is the baseline's entry in the config. If it uses a model or given weights, `folder` has
    them, and `model` is the model's entry in the config. `noise_seed` is the seed of the noise that
    several methods share.
    """

    spec: dict[str, Any]
    device: torch.device
    dtype: torch.dtype
    seed: int = 0
    folder: str | None = None
    model: dict[str, Any] = field(default_factory=dict)
    noise_seed: int = 0


class Images:
    """The files of a data set: its images, its prompts and, for some baselines, its latents."""

    def __init__(
        self,
        data: str | os.PathLike,
        prompts: str | os.PathLike,
        latents: Sequence[str | os.PathLike] = (),
    ) -> None:
        self.data, self.prompts_file, self.latents = data, prompts, latents

    @cached_property
    def table(self) -> pd.DataFrame:
        """The data set without the encoded images: `image`, `label`, `classname` and so on."""
        from diffusion_classifier.data.stored_images import read_labels

        return read_labels(self.data)

    @property
    def labels(self) -> np.ndarray:
        """The class index of every image, int64 `(image,)`."""
        return self.table["label"].to_numpy()

    @cached_property
    def prompts(self) -> pd.DataFrame:
        """The prompts except the unconditional one: `prompt`, `classname`, `classidx` and so on."""
        from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts

        return named_prompts(read_prompts(self.prompts_file))

    @property
    def classes(self) -> int:
        """The number of classes that the prompts name."""
        return int(self.prompts["classidx"].max()) + 1

    def decoded(self) -> Iterator[Image]:
        """The images one after the other, of any size, in mode L or RGB."""
        from diffusion_classifier.data.sources.image_source import decode
        from diffusion_classifier.data.stored_images import encoded_images

        return map(decode, encoded_images(self.data))

    def batches(self, preprocess: Mapping[str, Any]) -> Iterator[Tensor]:
        """Batches of preprocessed images, `(batch, channel, size, size)` float32 in [-1, 1]."""
        from diffusion_classifier.data.preprocess import Preprocess, batches
        from diffusion_classifier.data.stored_images import encoded_images

        return batches(encoded_images(self.data), Preprocess(**preprocess))

    def pixels(self, preprocess: Mapping[str, Any]) -> Tensor:
        """All preprocessed images as one tensor, `(image, channel, size, size)`."""
        import torch

        return torch.cat(list(self.batches(preprocess)))


class Baseline(ABC):
    """A method that is no diffusion classifier; its name in a config is in the registry.

    The class attributes describe its entry in the config and its place in tables.
    """

    rule: ClassVar[str] = "predict_baseline"
    """The rule that runs it; another one if several methods share a job."""
    needs: ClassVar[tuple[str, ...]] = ()
    """The required keys of an entry, besides `label` and `kind`."""
    keys: ClassVar[dict[str, dict[str, Any]]] = {}
    """The JSON schemas of keys that no other baseline has."""
    model: ClassVar[str] = ""
    """The kind of model that it uses: CLIP, TEXT_TO_IMAGE, or none."""
    weights: ClassVar[Literal["", "trained", "given"]] = ""
    """`trained` if the workflow ships or trains its weights, `given` if the config names them."""
    learns: ClassVar[bool] = False
    """Whether it learns a classifier from labelled images for each set of prompts in `tasks`."""
    validates: ClassVar[str] = ""
    """The use of the images of `validation`, if a task has to name them; part of a message."""
    reads_texts: ClassVar[bool] = False
    """Whether it can compare an image with any text, such as a caption."""
    compared_as: ClassVar[Literal["baseline", "more-data", "chance"]] = "baseline"
    """`baseline` learns only from the labelled images, `more-data` also from other images."""
    varies: ClassVar[Literal["training", "seed", ""]] = "training"
    """The source of chance in which two of its runs differ; empty if it is deterministic."""
    evaluations: ClassVar[float] = 1.0
    """Number of passes through its classifier per image."""
    limits: ClassVar[dict[str, tuple[int, str]]] = {}
    """Name of an integer in `params` -> its largest allowed value, and the reason."""
    at_most_images: ClassVar[tuple[str, ...]] = ()
    """The names in `params` of numbers that cannot exceed the number of `train` images."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.spec = setting, setting.spec

    def fit(self, train: Images, validation: Images | None = None) -> None:
        """Learn to classify `train`; only for baselines that learn."""
        raise NotImplementedError

    def save(self, folder: str | os.PathLike) -> None:
        """Write the fitted parameters to `folder`; only for baselines whose fit is kept."""
        raise NotImplementedError

    def load(self, folder: str | os.PathLike) -> None:
        """Read the parameters that `save` wrote."""
        raise NotImplementedError

    @abstractmethod
    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        """Predictions, int64 `(image,)`, and scores, float32 `(image, class)`, higher is likelier.

        A class that the baseline does not know has the score -inf.
        """

    @classmethod  # noqa: B027
    def check(cls, key: str, spec: dict[str, Any]) -> None:
        """Raise InputError, beginning with `key`, for mistakes in an entry that schemas allow."""

    @classmethod
    def outputs(cls, spec: dict[str, Any]) -> int | None:
        """Number of classes of its weights, if the classes of the prompts must be among them."""
        return None

    @classmethod
    def passes(cls, spec: dict[str, Any]) -> tuple[int, int]:
        """Passes of a diffusion model per training image, and per classified image.

        They count in the estimate of costs.
        """
        return 0, 0
