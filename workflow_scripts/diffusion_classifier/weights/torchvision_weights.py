"""Fetch a classifier of torchvision as a folder of safetensors and a config."""

from __future__ import annotations

import difflib
import os
import urllib.error
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from diffusion_classifier.files import atomic_folder, write_json
from diffusion_classifier.messages import InputError

from .checkpoints import convert

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum


def fetch_torchvision(name: str, folder: str | os.PathLike) -> None:
    """Write the weights `name`, such as `ViT_B_16_Weights.IMAGENET1K_V1`, to `folder`, atomically.

    The folder holds `model.safetensors`, and `config.json` with the names of the builder and the
    weights, and their transforms: edges in pixels, mean and std of RGB in [0, 1], interpolation.
    The download stays in torch.hub's cache, so that later calls need no network.

    Raises InputError if the weights are unknown, classify no images, cannot be downloaded, or
    differ from the SHA-256 in their name.
    """
    weights, builder = _find(name)
    config = {
        "torchvision": builder,
        "weights": str(weights),
        "transforms": _transforms(weights),
    }
    source = _download(weights)
    with atomic_folder(folder) as temporary:
        try:
            convert(source, temporary / "model.safetensors")
        except InputError as error:  # name the file, not the cache in the user's home
            raise InputError(str(error).replace(f"{source.parent}/", "torchvision: ")) from None
        write_json(config, temporary / "config.json")


def _find(name: str) -> tuple[WeightsEnum, str]:
    """The weights called `name`, and the builder of their model."""
    from torchvision.models import get_model_weights, list_models

    builders = {
        str(weights): (weights, model)
        for model in list_models()
        for weights in get_model_weights(model)
    }
    if name not in builders:
        close = difflib.get_close_matches(name, builders, n=1)
        remedy = f"did you mean `{close[0]}`?" if close else "see torchvision's table of weights"
        raise InputError(
            f"torchvision: found the unknown weights `{name}`, expected a name such as "
            f"`ViT_B_16_Weights.IMAGENET1K_V1`; {remedy}"
        )
    return builders[name]


def _transforms(weights: WeightsEnum) -> dict[str, Any]:
    """torchvision's preprocessing: resize the shorter edge, crop the centre, normalise."""
    transforms = weights.transforms()
    if type(transforms).__name__ != "ImageClassification":
        raise InputError(
            f"torchvision: found `{weights}`, whose input is that of "
            f"{type(transforms).__name__}, expected weights that classify images; choose others"
        )
    return {
        "resize": transforms.resize_size[0],
        "crop": transforms.crop_size[0],
        "mean": transforms.mean,
        "std": transforms.std,
        "interpolation": transforms.interpolation.value,
    }


def _download(weights: WeightsEnum) -> Path:
    """The weights' file in torch.hub's cache; its name ends with the beginning of its SHA-256."""
    file = weights.url.rsplit("/", 1)[-1]
    path = Path(torch.hub.get_dir()) / "checkpoints" / file
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    found = torch.hub.HASH_REGEX.search(file)
    try:
        torch.hub.download_url_to_file(
            weights.url, str(path), hash_prefix=found and found[1], progress=False
        )
    except RuntimeError:
        raise InputError(
            f"torchvision: found another SHA-256 than the name of {file} says, expected the file "
            "torchvision published; fetch it again"
        ) from None
    except OSError as error:  # no network, no such file, no space
        reason = error.reason if isinstance(error, urllib.error.URLError) else error.strerror
        raise InputError(
            f"torchvision: `{weights}` cannot be downloaded ({reason}), expected {weights.url}; "
            "fetch it where there is a network, and put it in $TORCH_HOME/hub/checkpoints/"
        ) from None
    return path
