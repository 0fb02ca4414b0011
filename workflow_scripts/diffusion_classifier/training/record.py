"""The record of a training, which is stored beside its weights."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch

from diffusion_classifier.machine import processor

if TYPE_CHECKING:
    from torch import nn


def training_record(
    recipe: dict[str, Any], network: nn.Module, images: int, seconds: float, device: torch.device
) -> dict[str, Any]:
    """Recipe, numbers of images and parameters, seconds, processor and versions, for JSON."""
    return {
        **recipe,
        "images": images,
        "parameters": sum(p.numel() for p in network.parameters()),
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "processor": processor(),
        "versions": {name: version(name) for name in ("torch", "diffusers", "transformers")}
        | {"python": platform.python_version()},
    }
