"""Images sampled by the diffusion model itself, to train a classifier on (He et al. 2023)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from diffusion_classifier.data.sources.image_source import encode
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.denoisers.text import check_lengths, token_limit
from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network
from diffusion_classifier.progress import Progress
from diffusion_classifier.weights.model_parts import check_model_folder
from diffusion_classifier.weights.networks import load_network

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import StableDiffusionPipeline
    from PIL.Image import Image


class _Order(NamedTuple):
    """One image to be sampled, the `number`-th of its class."""

    label: int
    classname: str
    number: int
    prompt: str


def sample_images(
    folder: str | os.PathLike,
    prompts: pd.DataFrame,
    per_class: int,
    size: int,
    guidance: float,
    steps: int,
    seed: int,
    device: torch.device,
    dtype: torch.dtype,
    batch: int = 32,
    truncate: bool = False,
) -> pd.DataFrame:
    """A data set of `per_class` images, `size` pixels square, of every class of `prompts`.

    `prompts` has the columns `prompt, classname, classidx`; the prompts of a class take turns.
    Sampled by DDIM (Song et al. 2021) in `steps` steps (fewer than the model has timesteps) with
    classifier-free `guidance` (Ho & Salimans 2022; 1 is without). An image's noise is drawn from
    (`seed`, label, number within the class), so neither `batch` nor `per_class` changes it beyond
    rounding. Columns: `image` int64 (0..n-1), `label` int64, `classname`, `source`, `bytes` (PNG).
    Raises InputError for a `size` the model cannot draw and, unless `truncate` lets it be cut, for
    a prompt longer than the model reads.
    """
    import pandas as pd

    pipeline = load(folder, device, dtype)
    _check_size(size, pipeline.vae_scale_factor)
    if not truncate:
        limit = pipeline.tokenizer.model_max_length
        check_lengths(pipeline.tokenizer, prompts["prompt"].tolist(), limit)
    orders, rows = _orders(prompts, per_class), []
    progress = Progress(len(orders), "images")
    for start in range(0, len(orders), batch):
        group = orders[start : start + batch]
        images = _draw(pipeline, group, size, guidance, steps, seed)
        for order, image in zip(group, images, strict=True):
            source = (
                f"{order.prompt} guidance={guidance} steps={steps} "
                f"seed={seed}/{order.label}/{order.number}"
            )
            rows.append((order.label, order.classname, source, encode(image)))
        progress.update(len(rows))
    table = pd.DataFrame(rows, columns=["label", "classname", "source", "bytes"])
    table.insert(0, "image", np.arange(len(table), dtype=np.int64))
    return table.astype({"label": "int64"})


def _draw(
    pipeline: StableDiffusionPipeline,
    orders: list[_Order],
    size: int,
    guidance: float,
    steps: int,
    seed: int,
) -> list[Image]:
    """The images of `orders`, sampled in one batch."""
    with in_network():
        return pipeline(
            [order.prompt for order in orders],
            height=size,
            width=size,
            guidance_scale=guidance,
            num_inference_steps=steps,
            generator=[generator(seed, order.label, order.number) for order in orders],
        ).images


def load(
    folder: str | os.PathLike, device: torch.device, dtype: torch.dtype
) -> StableDiffusionPipeline:
    """The pipeline in `folder` (safetensors only), sampling by DDIM, without safety checker."""
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel, CLIPTokenizer

    check_model_folder(folder, FAMILIES["stable-diffusion"])
    # latents are not confined to [-1, 1], so they must not be clipped, which is DDIM's default;
    # the pipeline would set steps_offset to 1 itself, with a warning
    scheduler = DDIMScheduler.from_pretrained(
        folder, subfolder="scheduler", clip_sample=False, steps_offset=1, local_files_only=True
    )
    pipeline = StableDiffusionPipeline(
        load_network(AutoencoderKL, folder, "vae", dtype),
        load_network(CLIPTextModel, folder, "text_encoder", dtype),
        CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer", local_files_only=True),
        load_network(UNet2DConditionModel, folder, "unet", dtype),
        scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    # what the pipeline pads and cuts to, which a tokenizer need not say
    positions = pipeline.text_encoder.config.max_position_embeddings
    pipeline.tokenizer.model_max_length = token_limit(pipeline.tokenizer, positions)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def generator(seed: int, label: int, number: int) -> torch.Generator:
    """The source of one image's noise; on the CPU, so it is the same on every machine."""
    state = np.random.SeedSequence([seed, label, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def _orders(prompts: pd.DataFrame, per_class: int) -> list[_Order]:
    """Every image to be sampled, by class and number."""
    orders = []
    for label, rows in prompts.groupby("classidx"):
        texts, classname = rows["prompt"].tolist(), rows["classname"].iloc[0]
        orders += [
            _Order(int(label), classname, number, texts[number % len(texts)])
            for number in range(per_class)
        ]
    return orders


def _check_size(size: int, factor: int) -> None:
    unit = int(np.lcm(8, factor))  # diffusers asks for a multiple of 8 whatever the VAE
    if size % unit:
        raise InputError(
            f"`size` of synthetic images: found {size}, expected a multiple of {unit}; "
            "correct it in `baselines`"
        )
