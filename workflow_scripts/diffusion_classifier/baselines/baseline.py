"""What every baseline is: three verbs, and what a config has to say for it.

Nothing here imports PyTorch, as the check of a config looks at the classes of baselines.
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
"""The models that a baseline can make use of."""


@dataclass(frozen=True)
class Setting:
    """What a job of a baseline is told beside images.

    `spec` is the config's entry of the baseline; `folder` that of its model or weights, and `model`
    the config's entry of the model, where it uses one; `noise_seed` settles noises that methods
    share.
    """

    spec: dict[str, Any]
    device: torch.device
    dtype: torch.dtype
    seed: int = 0
    folder: str | None = None
    model: dict[str, Any] = field(default_factory=dict)
    noise_seed: int = 0


class Images:
    """A data set's file, and those of its prompts and, where they are computed, its latents."""

    def __init__(
        self,
        data: str | os.PathLike,
        prompts: str | os.PathLike,
        latents: Sequence[str | os.PathLike] = (),
    ) -> None:
        self.data, self.prompts_file, self.latents = data, prompts, latents

    @cached_property
    def table(self) -> pd.DataFrame:
        """All columns of the data set but the images: `image`, `label`, `classname` and more."""
        from diffusion_classifier.data.stored_images import read_labels

        return read_labels(self.data)

    @property
    def labels(self) -> np.ndarray:
        """The class index of every image, int64 `(image,)`."""
        return self.table["label"].to_numpy()

    @cached_property
    def prompts(self) -> pd.DataFrame:
        """The prompts of the classes: `prompt`, `classname`, `classidx` and more."""
        from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts

        return named_prompts(read_prompts(self.prompts_file))

    @property
    def classes(self) -> int:
        """How many classes the prompts name."""
        return int(self.prompts["classidx"].max()) + 1

    def decoded(self) -> Iterator[Image]:
        """The images one after the other, of any size, in mode L or RGB."""
        from diffusion_classifier.data.sources.image_source import decode
        from diffusion_classifier.data.stored_images import encoded_images

        return map(decode, encoded_images(self.data))

    def batches(self, preprocess: Mapping[str, Any]) -> Iterator[Tensor]:
        """`(batch, channel, size, size)` float32 in [-1, 1] as the config's `preprocess` says."""
        from diffusion_classifier.data.preprocess import Preprocess, batches
        from diffusion_classifier.data.stored_images import encoded_images

        return batches(encoded_images(self.data), Preprocess(**preprocess))

    def pixels(self, preprocess: Mapping[str, Any]) -> Tensor:
        """All of `batches` as one tensor, `(image, channel, size, size)`."""
        import torch

        return torch.cat(list(self.batches(preprocess)))


class Baseline(ABC):
    """A method that is no diffusion classifier; the registry of this folder gives it its name.

    The class attributes say what a config's entry needs and how tables treat the method.
    """

    rule: ClassVar[str] = "predict_baseline"
    """The rule that asks it: this one, unless several methods share a job."""
    needs: ClassVar[tuple[str, ...]] = ()
    """The keys that an entry cannot do without, beside `label` and `kind`."""
    keys: ClassVar[dict[str, dict[str, Any]]] = {}
    """The JSON schemas of keys that no other baseline has."""
    model: ClassVar[str] = ""
    """What kind of model it makes use of: CLIP, TEXT_TO_IMAGE, or none."""
    weights: ClassVar[Literal["", "trained", "given"]] = ""
    """Its weights are shipped or trained here; or they are given, as a folder or to be fetched."""
    learns: ClassVar[bool] = False
    """Whether it learns a classifier for each set of prompts: those of `tasks`, from `train`."""
    validates: ClassVar[str] = ""
    """What it does with the images of `validation`, which a task then has to name."""
    reads_texts: ClassVar[bool] = False
    """Whether it answers any prompts, images' own captions too."""
    compared_as: ClassVar[Literal["baseline", "more-data", "chance"]] = "baseline"
    """`baseline` learns from labelled images alone, `more-data` knows other images as well."""
    varies: ClassVar[Literal["training", "seed", ""]] = "training"
    """What another run of it would draw anew."""
    evaluations: ClassVar[float] = 1.0
    """Passes of its classifier that an answer takes."""
    limits: ClassVar[dict[str, tuple[int, str]]] = {}
    """Of its `params`, the most that a whole number may be, and why."""
    at_most_images: ClassVar[tuple[str, ...]] = ()
    """Of its `params`, those that cannot be more than there are images in `train`."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.spec = setting, setting.spec

    def fit(self, train: Images, validation: Images | None = None) -> None:
        """Learn the classes of `train`; only where it `learns`."""
        raise NotImplementedError

    def save(self, folder: str | os.PathLike) -> None:
        """Write what was learned; only where that takes long enough to be kept."""
        raise NotImplementedError

    def load(self, folder: str | os.PathLike) -> None:
        """Read what `save` wrote."""
        raise NotImplementedError

    @abstractmethod
    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        """Predictions, int64 `(image,)`, and scores, float32 `(image, class)`, higher is likelier.

        A class that cannot be answered has the score -inf.
        """

    @classmethod  # noqa: B027
    def check(cls, key: str, spec: dict[str, Any]) -> None:
        """Raise InputError, beginning with `key`, for what the schemas allow in an entry."""

    @classmethod
    def outputs(cls, spec: dict[str, Any]) -> int | None:
        """How many classes its weights know, of which prompts have to name some; None for any."""
        return None

    @classmethod
    def passes(cls, spec: dict[str, Any]) -> tuple[int, int]:
        """Passes of a diffusion model, for each image that it learns from, and that it classifies.

        They count in the estimate of costs.
        """
        return 0, 0
