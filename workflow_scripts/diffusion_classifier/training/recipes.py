"""Train a model of any family from a data set and a recipe."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion_classifier.data.preprocess import Preprocess, pixels
from diffusion_classifier.weights.networks import load_network

from .augment import Augmentation
from .loop import Optimisation, training_record
from .registry import training_function

if TYPE_CHECKING:
    import pandas as pd

Trained = tuple[list[dict[str, Any]], nn.Module]


def train_model(
    table: pd.DataFrame,
    model: dict[str, Any],
    folder: Path,
    device: torch.device,
    clip_folder: str | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Train `model` (an entry of the config's `models`) on a data set and save it in `folder`.

    `clip_folder` is the folder of the CLIP whose text encoder a text-to-image model starts from.
    Returns the loss curve and the record of the training: recipe, image count, seconds, versions.
    """
    recipe = model["training"]
    preprocess = Preprocess(**model["preprocess"])
    start = time.perf_counter()
    curve, trained = training_function(model["family"])(
        table, recipe, preprocess, folder, device, clip_folder
    )
    seconds = time.perf_counter() - start
    optimisations = {
        key: asdict(Optimisation(**value))
        for key, value in recipe.items()
        if key.endswith("optimisation")
    }
    complete = {"recipe": recipe | optimisations, "preprocess": model["preprocess"]}
    return curve, training_record(complete, trained, len(table), seconds, device)


def dit(
    table: pd.DataFrame,
    recipe: dict[str, Any],
    preprocess: Preprocess,
    folder: Path,
    device: torch.device,
    clip_folder: str | None,
) -> Trained:
    """Train a DiT on augmented images and save it.

    Images are augmented at `oversample` times the model's resolution and then averaged down, which
    blurs them less than an augmentation at the final size.
    """
    from .class_conditional import train_dit

    augmentation = dict(recipe["augmentation"])
    oversample = augmentation.pop("oversample")
    large = replace(preprocess, size=preprocess.size * oversample)
    images = pixels(table, large).to(device)
    labels = torch.tensor(table["label"].tolist(), device=device)
    transform = Augmentation(**augmentation)

    def augment(batch: Tensor) -> Tensor:
        return F.avg_pool2d(transform(batch), oversample)

    network, scheduler, curve = train_dit(
        images,
        labels,
        recipe["architecture"],
        recipe["scheduler"],
        Optimisation(**recipe["optimisation"]),
        augment,
        tuple(recipe["timestep_logit"]),
    )
    network.save_pretrained(folder / "transformer", safe_serialization=True)
    scheduler.save_pretrained(folder / "scheduler")
    return curve, network


def clip(
    table: pd.DataFrame,
    recipe: dict[str, Any],
    preprocess: Preprocess,
    folder: Path,
    device: torch.device,
    clip_folder: str | None,
) -> Trained:
    """Train a CLIP and save it like `openai/clip-vit-*`, with its tokenizer and image processor."""
    from transformers import CLIPImageProcessorPil

    from .contrastive import train_clip

    network, tokenizer, curve = train_clip(
        pixels(table, preprocess).to(device),
        table["captions"],
        recipe["architecture"],
        Optimisation(**recipe["optimisation"]),
    )
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    side = {"height": preprocess.size, "width": preprocess.size}
    half = [0.5] * network.config.vision_config.num_channels  # pixels become [-1, 1]
    CLIPImageProcessorPil(
        size=side, crop_size=side, do_center_crop=False, image_mean=half, image_std=half
    ).save_pretrained(folder)
    return curve, network


def stable_diffusion(
    table: pd.DataFrame,
    recipe: dict[str, Any],
    preprocess: Preprocess,
    folder: Path,
    device: torch.device,
    clip_folder: str | None,
) -> Trained:
    """Train a VAE, then a UNet with a CLIP's text encoder, and save them as a Stable Diffusion."""
    from diffusers import StableDiffusionPipeline
    from transformers import CLIPTextModel, CLIPTokenizer

    from .text_to_image import posterior_means, train_unet, train_vae

    images, architecture = pixels(table, preprocess).to(device), recipe["architecture"]
    optimisation = Optimisation(**recipe["vae_optimisation"])
    vae, vae_curve = train_vae(images, architecture["vae"], optimisation, recipe["kl_weight"])
    tokenizer = CLIPTokenizer.from_pretrained(clip_folder)
    unet, scheduler, curve = train_unet(
        posterior_means(vae, images).clone() * vae.config.scaling_factor,
        table["captions"],
        tokenizer,
        text_encoder := load_network(CLIPTextModel, clip_folder),
        architecture["unet"],
        recipe["scheduler"],
        Optimisation(**recipe["optimisation"]),
    )
    pipeline = StableDiffusionPipeline(
        vae,
        text_encoder,
        tokenizer,
        unet,
        scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    parts = {"vae": vae_curve, "unet": curve}
    rows = [{"part": name, **row} for name, rows in parts.items() for row in rows]
    return rows, nn.ModuleList([vae, text_encoder, unet])
