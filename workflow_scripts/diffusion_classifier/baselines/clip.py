"""CLIP as a zero-shot classifier: the nearest prompt gives the class (Radford et al. 2021)."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion_classifier.data.prompt_sets import is_unconditional, read_prompts
from diffusion_classifier.denoisers.text import check_lengths, token_limit
from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.weights.model_parts import check_clip_folder, in_open_clips_layout
from diffusion_classifier.weights.networks import load_network
from diffusion_classifier.weights.reading import reading

from .answers import prediction_table
from .baseline import Images

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image
    from torch import nn
    from transformers import BaseImageProcessor, CLIPModel, CLIPTokenizer


class Clip(ABC):
    """Embeds texts and images in one space; see `load`."""

    def __init__(self, model: nn.Module, tokenizer: Any, truncate: bool = False) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer, self.truncate = tokenizer, truncate

    @abstractmethod
    def check_lengths(self, prompts: Sequence[str]) -> None:
        """Raise InputError for a prompt longer than the tokenizer takes."""

    @abstractmethod
    def encode_texts(self, prompts: Sequence[str]) -> Tensor:
        """Embeddings `(prompt, d)` of any norm, dtype and device; long prompts are cut."""

    @abstractmethod
    def pixels(self, image: Image) -> Tensor:
        """The model's input `(3, height, width)` for an image of any size and mode."""

    @abstractmethod
    def encode_images(self, pixels: Tensor) -> Tensor:
        """Embeddings `(image, d)` of any norm, dtype and device of `(image, 3, height, width)`."""

    @property
    def device(self) -> torch.device:
        return self.model.logit_scale.device

    @property
    def scale(self) -> float:
        """The factor of cosines: the inverse of the learned temperature."""
        return self.model.logit_scale.float().exp().item()

    @torch.inference_mode()
    def embed_texts(self, prompts: Sequence[str], batch: int = 256) -> Tensor:
        """Embeddings of norm 1, `(prompt, d)` float32 on the CPU.

        Raises InputError for a prompt longer than the tokenizer takes, unless `truncate` is set.
        """
        prompts = list(prompts)
        if not self.truncate:
            self.check_lengths(prompts)
        starts = range(0, len(prompts), batch)
        return torch.cat([_unit(self.encode_texts(prompts[at : at + batch])) for at in starts])

    @torch.inference_mode()
    def embed_images(self, images: Iterable[Image], batch: int = 256) -> Tensor:
        """Embeddings of norm 1, `(image, d)` float32 on the CPU.

        Images may have any size and mode. One of them and the inputs of `batch` images are in
        memory at a time.
        """
        pixels, parts = map(self.pixels, images), []
        while group := list(islice(pixels, batch)):
            with in_network():
                parts.append(_unit(self.encode_images(torch.stack(group))))
        return torch.cat(parts)


class TransformersClip(Clip):
    """A `CLIPModel` with its tokenizer and image processor."""

    def __init__(
        self,
        model: CLIPModel,
        tokenizer: CLIPTokenizer,
        processor: BaseImageProcessor,
        truncate: bool = False,
    ) -> None:
        super().__init__(model, tokenizer, truncate)
        self.processor = processor
        self.limit = token_limit(tokenizer, model.config.text_config.max_position_embeddings)

    def check_lengths(self, prompts: Sequence[str]) -> None:
        check_lengths(self.tokenizer, prompts, self.limit)

    def encode_texts(self, prompts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(
            prompts,
            padding="max_length",
            max_length=self.limit,
            truncation=True,
            return_tensors="pt",
        )
        return self.model.get_text_features(**tokens.to(self.device)).pooler_output

    def pixels(self, image: Image) -> Tensor:
        return self.processor([image], return_tensors="pt").pixel_values[0]

    def encode_images(self, pixels: Tensor) -> Tensor:
        pixels = pixels.to(self.device, self.model.dtype)
        return self.model.get_image_features(pixel_values=pixels).pooler_output


def load(
    folder: str | os.PathLike, device: torch.device, dtype: torch.dtype, truncate: bool = False
) -> Clip:
    """Read a CLIP from safetensors, in the layout of open_clip or of transformers.

    Examples are `timm/resnet50_clip.openai` and `openai/clip-vit-large-patch14`. open_clip's layout
    is preferred if a folder has both. Raises InputError for a folder that cannot be read.
    """
    from . import openclip

    check_clip_folder(folder)
    if in_open_clips_layout(folder):
        return openclip.load(folder, device, dtype, truncate)
    return _load_transformers(folder, device, dtype, truncate)


def _load_transformers(
    folder: str | os.PathLike, device: torch.device, dtype: torch.dtype, truncate: bool
) -> TransformersClip:
    from transformers import AutoImageProcessor, CLIPModel, CLIPTokenizer

    with reading(folder, "a CLIP", "a CLIPModel with its tokenizer, in .safetensors"):
        model = load_network(CLIPModel, folder, dtype=dtype)
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        # CLIP was trained with PIL's resize, which also gives the same pixels without torchvision
        processor = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
    return TransformersClip(model.to(device), tokenizer, processor, truncate)


def classify(
    images: Tensor, texts: Tensor, class_of: np.ndarray, scale: float, combine: str = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, int64 `(image,)`, and scores, `scale` times a cosine, float32 `(image, class)`.

    `images` `(image, d)` and `texts` `(prompt, d)` have rows of norm 1. `class_of` `(prompt,)` is
    the class of each prompt; every class from 0 to the largest has a prompt. If a class has several
    prompts, `combine: mean` takes the cosine to the direction of their mean (prompt ensembling,
    Radford et al. 2021, section 3.1.4) and `best` the largest cosine. Raises InputError for another
    `combine`.
    """
    of_class = torch.tensor(np.asarray(class_of), dtype=torch.int64)
    classes = int(of_class.max()) + 1
    if combine == "mean":
        sums = texts.new_zeros(classes, texts.shape[1]).index_add(0, of_class, texts)
        scores = scale * (images @ F.normalize(sums, dim=1).T)
    elif combine == "best":
        cosines = images @ texts.T
        columns = of_class.expand(len(images), -1)
        lowest = cosines.new_full((len(images), classes), -torch.inf)
        scores = scale * lowest.scatter_reduce(1, columns, cosines, "amax")
    else:
        raise InputError(
            f"`combine` of a CLIP baseline: found {combine!r}, expected 'mean' or 'best'; "
            "correct it in `baselines`"
        )
    return scores.argmax(dim=1).numpy(), scores.numpy()


def predict(model: Clip, images: Images, combine: str) -> tuple[np.ndarray, np.ndarray]:
    """`classify` the images of a data set by its prompts."""
    texts = model.embed_texts(images.prompts["prompt"])
    embedded = model.embed_images(images.decoded())
    class_of = images.prompts["classidx"].to_numpy()
    return classify(embedded, texts, class_of, model.scale, combine)


def predict_set(model: Clip, images: Images, combine: str) -> pd.DataFrame:
    """The `prediction_table` of a data set."""
    data, start = images.table, time.perf_counter()
    predictions, scores = predict(model, images, combine)
    return prediction_table(data, predictions, scores, time.perf_counter() - start)


def compare_set(model: Clip, images: Images) -> pd.DataFrame:
    """The logit of each candidate pair of an image and a prompt.

    Columns `image, prompt, loss, score, evaluations, seconds`; `loss` is empty.
    """
    prompts = read_prompts(images.prompts_file)
    pairs = candidates(images.table, prompts)
    # CLIP has no unconditional prompt: its logits need no correction for the image
    pairs = pairs[~is_unconditional(prompts).to_numpy()[pairs["prompt"]]].reset_index(drop=True)
    start = time.perf_counter()
    texts = model.embed_texts(prompts["prompt"])
    embedded = model.embed_images(images.decoded())
    products = embedded[pairs["image"].to_list()] * texts[pairs["prompt"].to_list()]
    logits = model.scale * products.sum(dim=1)
    share = (time.perf_counter() - start) / len(pairs)
    return pairs.assign(loss="", score=logits.double().numpy(), evaluations=1.0, seconds=share)


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features.float().cpu(), dim=1)
