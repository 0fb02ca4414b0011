"""A diffusion model that is loaded once and asked many times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.families import FAMILIES, family
from diffusion_classifier.denoisers.model_folders import detect_family, input_size
from diffusion_classifier.denoisers.speed import LARGE, Speed, accelerate, precision
from diffusion_classifier.engine.encoders import image_encoder
from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError, known, note
from diffusion_classifier.weights.model_parts import check_model_folder
from diffusion_classifier.weights.reading import reading

from .command_inputs import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image


FILLED = 16
"""The fill of `selection.ahead` for a small network or a GPU."""


class Model:
    """The networks of a model's folder, and how images and prompts become their inputs.

    `source` is the folder or repository, `name` the family. Prompts are encoded once: the
    conditions of a table of prompts are kept.
    """

    def __init__(
        self,
        folder: str,
        name: str,
        preprocess: Preprocess,
        device: torch.device,
        dtype: torch.dtype,
        truncate: bool = False,
        guidance: float | None = None,
    ) -> None:
        self.folder, self.name, self.preprocess = folder, name, preprocess
        self.device, self.dtype, self.source = device, dtype, folder
        self.encoding: dict[str, Any] = {"truncate": truncate}
        if guidance is not None:
            check_guidance(folder, name, guidance)
            self.encoding["guidance"] = guidance
        with self._reading():
            self.denoiser: Denoiser = family(name).load(folder, device, dtype)
        accelerate(self.denoiser, Speed(compile=False), evaluations=0)
        self._encoder: Callable[[Image], Tensor] | None = None
        self._conditions: dict[tuple, dict[str, Tensor]] = {}
        self.files: TemporaryDirectory | None = None  # lives as long as the model

    @property
    def timesteps(self) -> int:
        """T, the number of timesteps of the model's training."""
        return self.denoiser.process.timesteps

    @property
    def fill(self) -> int:
        """Evaluations up to which a pass of the network takes hardly longer than with one."""
        small = sum(part.numel() for part in self.denoiser.network.parameters()) < LARGE
        return FILLED if small or self.device.type == "cuda" else 1

    @property
    def learned_variance(self) -> bool:
        return getattr(self.denoiser, "learned_variance", False)

    def latents(self, images: list[Image]) -> Tensor:
        """The latents of images, `(image, c, h, w)` float32 on the CPU."""
        if self._encoder is None:
            form = self.preprocess, self.device, self.dtype, self.name
            with self._reading():
                self._encoder = image_encoder(self.folder, *form)
        return torch.stack([self._encoder(image) for image in images])

    def conditions(self, prompts: pd.DataFrame) -> dict[str, Tensor]:
        """The conditions of `prompts`, one row each; see the family's `encode_prompts`."""
        key = tuple(prompts.itertuples(index=False, name=None))
        if key not in self._conditions:
            with self._reading():
                self._conditions[key] = family(self.name).encode_prompts(
                    self.folder, prompts, self.device, self.dtype, **self.encoding
                )
        return self._conditions[key]

    def _reading(self):
        expected = "the diffusers layout with .safetensors weights"
        what = f"a model of the family {self.name}"
        return reading(self.folder, what, expected, "name another family")


def load_model(
    source: str,
    revision: str | None = None,
    family_name: str | None = None,
    preprocess: Mapping[str, Any] | None = None,
    device: str = "auto",
    dtype: str | torch.dtype = "auto",
    truncate: bool = False,
    guidance: float | None = None,
) -> Model:
    """The model in a folder, or in a repository OWNER/NAME of the hub at `revision`.

    `preprocess` has keys of `Preprocess` that replace the defaults: the model's size and mode, a
    resize to a square. `dtype` "auto" is bfloat16 or float16 on a GPU and float32 elsewhere. Raises
    InputError for a model that cannot be read or used, and an unknown option.
    """
    files = None
    if not Path(source).is_dir() and re.fullmatch(REPOSITORY, source):
        files, folder = _fetched(source, revision)
    else:
        folder = source
    name = family_name or detect_family(folder)
    known("family", name, FAMILIES, "model family")
    check_model_folder(folder, FAMILIES[name])
    form = preprocessing(folder, name, preprocess or {})
    place = found_device(device)
    model = Model(folder, name, form, place, found_dtype(dtype, place), truncate, guidance)
    model.files, model.source = files, source
    return model


def _fetched(source: str, revision: str | None) -> tuple[TemporaryDirectory, str]:
    """A folder with links to the hub's cache, and its path."""
    from diffusion_classifier.weights.hub import fetch

    files = TemporaryDirectory()
    folder = str(Path(files.name) / "model")
    fetch(source, revision or "main", folder)
    if revision is None:
        commit = read_json(Path(folder) / "hub.json")["commit"]
        note(f'{source}: this is its newest version; revision="{commit}" keeps it')
    return files, folder


def preprocessing(folder: str, name: str, options: Mapping[str, Any]) -> Preprocess:
    """How images become the model's input; raises InputError for what the model cannot take."""
    for key in options:
        known("preprocess", key, ("mode", "pad", "size", "interpolation", "crop"), "key")
    remedy = "give the edge in pixels (`preprocess`)"
    size, mode = input_size(folder, name, options.get("size"), "size: ", remedy)
    if options.get("mode") not in (None, mode):
        raise InputError(f"mode: found {options['mode']}, but the model takes {mode}; leave it out")
    return Preprocess(**{**options, "mode": mode, "size": size})


def check_guidance(folder: str, name: str, guidance: float) -> None:
    """Raise InputError unless the model takes a scale of guidance as a condition."""
    config = Path(folder) / FAMILIES[name].part / "config.json"
    if not (FAMILIES[name].guidance and read_json(config).get("guidance_embeds")):
        raise InputError(
            f"guidance: found {guidance:g}, but the model takes no scale of guidance, expected one "
            "that was distilled from guidance (FLUX.1-dev); leave it out"
        )


def found_device(name: str) -> torch.device:
    """The device called `name`; `auto` is a GPU if there is one. Raises InputError for another."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):  # PyTorch without CUDA raises AssertionError
        raise InputError(
            f"device: found {name!r}, which is not on this machine; use cpu, or leave it out"
        ) from None


def found_dtype(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    """A dtype or its name, or `auto`; raises InputError for another name."""
    if isinstance(dtype, torch.dtype):
        return dtype
    known("dtype", dtype, ("auto", "float32", "float16", "bfloat16"), "dtype")
    return precision(dtype, device)
