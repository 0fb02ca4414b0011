"""What a benchmark times: a model of the workflow, or a full-size one with random inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from diffusion_classifier import files
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.denoisers.speed import Speed, accelerate
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError

from . import timed_networks
from .full_size import FULL_SIZE
from .plain_loop import BATCH, PlainModel, plain_errors

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Subject:
    """One model for the plain loop and for the engine, its inputs, and how it runs.

    `compiled` is a second copy for the engine, compiled by PyTorch, or None.
    """

    plain: PlainModel
    denoiser: Denoiser
    inputs: Inputs
    batch_size: int | str
    device: torch.device
    dtype: torch.dtype
    compiled: Denoiser | None = None

    def runs(
        self, pairs: pd.DataFrame, samples: Sequence[Sample]
    ) -> dict[str, Callable[[], dict[str, np.ndarray]]]:
        """Functions that compute the errors: `plain`, `engine` and, if present, `compiled`."""
        on = (self.device, self.dtype)

        def engine(denoiser: Denoiser) -> dict[str, np.ndarray]:
            return epsilon_errors(denoiser, self.inputs, pairs, samples, self.batch_size, *on)

        ways = {
            "plain": lambda: plain_errors(self.plain, self.inputs, pairs, samples, *on),
            "engine": lambda: engine(self.denoiser),
        }
        return ways | ({"compiled": lambda: engine(self.compiled)} if self.compiled else {})

    @property
    def prompts(self) -> int:
        """Number of prompts."""
        return len(next(iter(self.inputs.conditions.values())))

    @property
    def one_condition(self) -> dict[str, Tensor]:
        """The conditions of the first prompt."""
        return {name: value[:1] for name, value in self.inputs.conditions.items()}

    def first_images(self, count: int, key: str) -> list[int]:
        """The first `count` images; InputError, naming the config's `key`, if there are fewer."""
        if count > len(self.inputs.images):
            raise InputError(
                f"{key}: found {count}, expected at most the {len(self.inputs.images)} images of "
                "the data set's first shard; lower it"
            )
        return self.inputs.images[:count].tolist()

    def check_prompts(self, count: int, key: str) -> None:
        """Raise InputError, naming the config's `key`, if there are fewer prompts than `count`."""
        if count > self.prompts:
            raise InputError(
                f"{key}: found {count}, expected at most the {self.prompts} prompts of the data "
                "set; lower it"
            )


def workflow_subject(
    input: Any, params: Any, device: torch.device, dtype: torch.dtype, compiled: bool = False
) -> Subject:
    """The subject of a rule: its `input` names files, its `params` the model, as in rule errors."""

    def load() -> Denoiser:
        return family(params.family).load(params.folder, device, dtype)

    shard = files.read_tensors(input.latents)
    inputs = Inputs(
        shard["latents"],
        shard["image"],
        files.read_tensors(input.conditions),
        files.read_tensors(input.noise)["noise"],
    )
    return Subject(
        timed_networks.plain_model(params.family, params.folder, device, dtype),
        _accelerated(load()),
        inputs,
        params.batch_size,
        device,
        dtype,
        _accelerated(load(), compile=True) if compiled else None,
    )


def full_size_subject(
    name: str,
    images: int,
    prompts: int,
    samples: int,
    device: torch.device,
    dtype: torch.dtype,
    compiled: bool = False,
) -> Subject:
    """A network of FULL_SIZE; the engine's batches have the size of the plain loop's."""
    plain = timed_networks.full_size(FULL_SIZE[name], device, dtype)
    inputs = timed_networks.random_inputs(FULL_SIZE[name], images, prompts, samples)
    copy = _accelerated(timed_networks.adapted(plain), compile=True) if compiled else None
    denoiser = _accelerated(timed_networks.adapted(plain))
    return Subject(plain, denoiser, inputs, BATCH, device, dtype, copy)


def _accelerated(denoiser: Denoiser, compile: bool = False) -> Denoiser:
    """The denoiser with the workflow's default speed settings, and optionally compiled."""
    accelerate(denoiser, Speed(compile=compile), evaluations=0)
    return denoiser
