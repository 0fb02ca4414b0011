"""Sample images from the diffusion model, as training images of a classifier (He et al. 2023)."""

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


class _Request(NamedTuple):
    """An image to be sampled; `number` counts the images of its class."""

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
    """A data set of `per_class` images of `size` × `size` pixels for every class of `prompts`.

    `prompts` has the columns `prompt, classname, classidx`; the prompts of a class take turns.
    Images are sampled by DDIM (Song et al. 2021) in `steps` steps, fewer than the model has
    timesteps, with classifier-free `guidance` (Ho & Salimans 2022; 1 means none). The noise of an
    image depends on (`seed`, label, number within the class), so `batch` and `per_class` change it
    only by rounding. Columns: `image` int64 (0..n-1), `label` int64, `classname`, `source`, `bytes`
    (PNG). Raises InputError for a `size` that the model cannot draw and, unless `truncate` is set,
    for a prompt longer than the model reads.
    """
    import pandas as pd

    pipeline = load(folder, device, dtype)
    _check_size(size, pipeline.vae_scale_factor)
    if not truncate:
        limit = pipeline.tokenizer.model_max_length
        check_lengths(pipeline.tokenizer, prompts["prompt"].tolist(), limit)
    requests, rows = _requests(prompts, per_class), []
    progress = Progress(len(requests), "images")
    for start in range(0, len(requests), batch):
        group = requests[start : start + batch]
        images = _draw(pipeline, group, size, guidance, steps, seed)
        for request, image in zip(group, images, strict=True):
            source = (
                f"{request.prompt} guidance={guidance} steps={steps} "
                f"seed={seed}/{request.label}/{request.number}"
            )
            rows.append((request.label, request.classname, source, encode(image)))
        progress.update(len(rows))
    table = pd.DataFrame(rows, columns=["label", "classname", "source", "bytes"])
    table.insert(0, "image", np.arange(len(table), dtype=np.int64))
    return table.astype({"label": "int64"})


def _draw(
    pipeline: StableDiffusionPipeline,
    requests: list[_Request],
    size: int,
    guidance: float,
    steps: int,
    seed: int,
) -> list[Image]:
    """The images for `requests`, sampled in one batch."""
    with in_network():
        return pipeline(
            [request.prompt for request in requests],
            height=size,
            width=size,
            guidance_scale=guidance,
            num_inference_steps=steps,
            generator=[generator(seed, request.label, request.number) for request in requests],
        ).images


def load(
    folder: str | os.PathLike, device: torch.device, dtype: torch.dtype
) -> StableDiffusionPipeline:
    """The pipeline in `folder` (safetensors only), with DDIM and without a safety checker."""
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel, CLIPTokenizer

    check_model_folder(folder, FAMILIES["stable-diffusion"])
    # DDIM clips to [-1, 1] by default, but latents may lie outside of it; and the pipeline would
    # set steps_offset to 1 itself, with a warning
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
    # the length to which the pipeline pads and cuts; a tokenizer may not define it
    positions = pipeline.text_encoder.config.max_position_embeddings
    pipeline.tokenizer.model_max_length = token_limit(pipeline.tokenizer, positions)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def generator(seed: int, label: int, number: int) -> torch.Generator:
    """The generator of one image's noise, on the CPU so that it is the same on every machine."""
    state = np.random.SeedSequence([seed, label, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def _requests(prompts: pd.DataFrame, per_class: int) -> list[_Request]:
    """All images to be sampled, sorted by class and number."""
    requests = []
    for label, rows in prompts.groupby("classidx"):
        texts, classname = rows["prompt"].tolist(), rows["classname"].iloc[0]
        requests += [
            _Request(int(label), classname, number, texts[number % len(texts)])
            for number in range(per_class)
        ]
    return requests


def _check_size(size: int, factor: int) -> None:
    unit = int(np.lcm(8, factor))  # diffusers asks for a multiple of 8 whatever the VAE
    if size % unit:
        raise InputError(
            f"`size` of synthetic images: found {size}, expected a multiple of {unit}; "
            "correct it in `baselines`"
        )
