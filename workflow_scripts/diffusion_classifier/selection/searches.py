"""The registry of searches: cheap looks at all classes of an image, of which few survive.

A search gives every class of an image a score at a cost far below one evaluation per class. The
classes whose score is near the best survive (`survival`), and the stages decide between them. A
new search is a module here and a line in `SEARCHES`.

This module imports neither PyTorch nor pandas, because checking a config reads the class attributes
of searches.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from diffusion_classifier.engine.samples import Sample

from .schedules import van_der_corput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch

    from diffusion_classifier.denoisers.denoiser import Denoiser
    from diffusion_classifier.engine.engine import Inputs
    from diffusion_classifier.engine.mixtures import Mixtures

SEARCHES: dict[str, str] = {
    "clusters": "clusters:ClusterSearch",
    "correlated": "correlated:CorrelatedSearch",
    "gradient": "gradient_search:GradientSearch",
}
"""`kind` in the config -> the module in this folder and the Search in that module."""

KEPT = 50
"""Default of the most classes that survive a search."""


@dataclass(frozen=True)
class Tools:
    """What a search works with, for the images of one job.

    `images` are the numbers of the images of `mixtures`, int64 `(image,)`; `class_of` is the class
    of every prompt of `mixtures`, int64 `(prompt,)`; `samples` are as many as the config's
    `samples`. `learned` is what `Search.learn` found on other images.
    """

    mixtures: Mixtures
    images: np.ndarray
    class_of: np.ndarray
    samples: Sequence[Sample]
    learned: Mapping[str, np.ndarray] = field(default_factory=dict)


class Search(ABC):
    """A cheap look; `spec` is the evaluation's `search` in the config."""

    keys: ClassVar[dict[str, dict[str, Any]]] = {}
    """The JSON schemas of keys that no other search has."""

    required: ClassVar[tuple[str, ...]] = ()
    """Those of `keys` that the config has to have."""

    learns: ClassVar[bool] = False
    """Whether it needs `learn`, and the key `learn` of the config, with labelled images."""

    def __init__(self, spec: dict[str, Any], tools: Tools) -> None:
        self.spec, self.tools = spec, tools

    @abstractmethod
    def scores(self) -> np.ndarray:
        """The scores of the images' classes, float64 `(image, class)`: lower is likelier."""

    @classmethod
    @abstractmethod
    def evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        """The evaluations per image, at most; a backward pass counts as two."""

    def spent(self, classes: int) -> float | np.ndarray:
        """The evaluations of each image, `(image,)`, or of all images alike, after `scores`."""
        return float(self.evaluations(self.spec, classes))

    def learn(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        """What is learned once on these images, with the classes `labels`, `(image,)` int64."""
        return {}

    @classmethod
    def learning_evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        """The evaluations of `learn` per image, at most."""
        return cls.evaluations(spec, classes)


def search_class(kind: str) -> type[Search]:
    """Import the module of a `kind` of searches and return its class."""
    module, _, name = SEARCHES[kind].partition(":")
    return getattr(import_module(f".{module}", __package__), name)


def open_search(
    spec: dict[str, Any],
    denoiser: Denoiser,
    inputs: Inputs,
    prompts: pd.DataFrame,
    densities: pd.DataFrame | None,
    batch_size: int | str,
    device: torch.device,
    dtype: torch.dtype,
    learned: Mapping[str, np.ndarray] | None = None,
) -> Search:
    """The search that `spec` describes, for the images of `inputs`, without the empty prompt.

    `densities` are those of learned timesteps, if the search has them; `learned` is what the search
    learned on other images. Raises InputError if the noise bank or the model's timesteps are too
    few for the samples.
    """
    from diffusion_classifier.data.prompt_sets import is_unconditional
    from diffusion_classifier.engine.engine import check_samples
    from diffusion_classifier.engine.mixtures import Mixtures

    named = ~is_unconditional(prompts).to_numpy()
    conditions = {name: value[named] for name, value in inputs.conditions.items()}
    count, timesteps, noises = spec["samples"], denoiser.process.timesteps, len(inputs.noise)
    drawn = None
    if densities is not None:
        from .learned_timesteps import learned_samples

        drawn = [sample.timestep for sample in learned_samples(densities, [count], "l2")[0]]
    samples = search_samples(count, timesteps, noises, drawn)
    check_samples(samples, noises, timesteps)
    mixtures = Mixtures(denoiser, replace(inputs, conditions=conditions), batch_size, device, dtype)
    class_of = prompts["classidx"].to_numpy()[named]
    tools = Tools(mixtures, inputs.images.cpu().numpy(), class_of, samples, learned or {})
    return search_class(spec["kind"])(spec, tools)


def learned_values(path: str | Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of a file that the rule `learn_search` wrote; {} if `path` is empty."""
    from diffusion_classifier.files import read_tensors

    return {name: value.numpy() for name, value in read_tensors(path).items()} if path else {}


def search_table(
    search: Search, labels: pd.DataFrame, scores: np.ndarray, seconds: float
) -> pd.DataFrame:
    """One row per image: `image, label, loss, evaluations, seconds, scores`.

    `labels` has `image, label`; `seconds` is the time of all images together. As in predictions,
    `loss` is empty, and `scores` is minus the score of every class, float32: higher is likelier.
    """
    table = labels.set_index("image").loc[search.tools.images, ["label"]].reset_index()
    cost = search.spent(scores.shape[1])
    shares = {"loss": "", "evaluations": cost, "seconds": seconds / len(table)}
    return table.assign(**shares, scores=list(-scores.astype("float32")))


def search_samples(
    count: int, timesteps: int, noises: int, drawn: Sequence[int] | None = None
) -> list[Sample]:
    """The samples of a search: `count` timesteps of the model's `timesteps`, spread evenly.

    `drawn` are learned timesteps, which take their place. The noises are the last of a bank of
    `noises`, in descending order: the stages that follow use the first ones, and their errors
    should be independent of the search.

    >>> [sample.timestep for sample in search_samples(3, 1000, 250)]
    [500, 250, 750]
    """
    spread = (van_der_corput(count) * timesteps).astype("int64").tolist()
    chosen = spread if drawn is None else list(drawn)
    return [Sample(t, noises - 1 - number) for number, t in enumerate(chosen)]
