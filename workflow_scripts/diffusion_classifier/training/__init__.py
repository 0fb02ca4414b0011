"""Training the miniature models: from a data set and a recipe to a diffusers model folder."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..preprocess import Preprocess, pixels
from .augment import Augmentation
from .loop import Optimisation

if TYPE_CHECKING:
    import pandas as pd


def train_model(
    table: pd.DataFrame, model: dict[str, Any], folder: Path, device: torch.device
) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """Train `model` (an entry of the config's `models`) on a data set and save it in `folder`.

    Images are augmented at `oversample` times the model's resolution and averaged down, which
    blurs them less than turning them at the final size. Returns the loss curve and the record
    of the training: recipe, image count, seconds, versions.
    """
    from .dit import train_dit

    recipe = model["training"]
    preprocess = Preprocess(**model["preprocess"])
    optimisation = Optimisation(**recipe["optimisation"])
    augmentation = dict(recipe["augmentation"])
    oversample = augmentation.pop("oversample")
    large = replace(preprocess, size=preprocess.size * oversample)
    images = pixels(table, large).to(device)
    labels = torch.tensor(table["label"].tolist(), device=device)
    transform = Augmentation(**augmentation)

    def augment(batch: Tensor) -> Tensor:
        return F.avg_pool2d(transform(batch), oversample)

    start = time.perf_counter()
    network, scheduler, curve = train_dit(
        images,
        labels,
        recipe["architecture"],
        recipe["scheduler"],
        optimisation,
        augment,
        tuple(recipe["timestep_logit"]),
    )
    network.save_pretrained(folder / "transformer", safe_serialization=True)
    scheduler.save_pretrained(folder / "scheduler")
    record = {
        "recipe": recipe | {"optimisation": asdict(optimisation)},
        "preprocess": model["preprocess"],
        "images": len(images),
        "parameters": sum(p.numel() for p in network.parameters()),
        "seconds": round(time.perf_counter() - start, 1),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "versions": {name: version(name) for name in ("torch", "diffusers")}
        | {"python": platform.python_version()},
    }
    return curve, record
