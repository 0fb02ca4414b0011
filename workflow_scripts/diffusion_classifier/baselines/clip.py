"""CLIP as a zero-shot classifier: an image's class is the nearest prompt (Radford et al. 2021)."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion_classifier.denoisers.text import check_lengths, token_limit
from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network
from diffusion_classifier.weights.model_parts import check_clip_folder, in_open_clips_layout
from diffusion_classifier.weights.networks import load_network
from diffusion_classifier.weights.reading import reading

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn
    from transformers import BaseImageProcessor, CLIPModel, CLIPTokenizer


class Clip(ABC):
    """Texts and images as embeddings in one space; see `load`."""

    def __init__(self, model: nn.Module, tokenizer: Any, truncate: bool = False) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer, self.truncate = tokenizer, truncate

    @abstractmethod
    def check_lengths(self, prompts: Sequence[str]) -> None:
        """Raise InputError for a prompt longer than the tokenizer takes."""

    @abstractmethod
    def encode_texts(self, prompts: Sequence[str]) -> Tensor:
        """`(prompt, d)`, of any length, dtype and device; prompts too long are cut."""

    @abstractmethod
    def pixels(self, image: Image) -> Tensor:
        """What the model takes in of an image of any size and mode: `(3, height, width)`."""

    @abstractmethod
    def encode_images(self, pixels: Tensor) -> Tensor:
        """`(image, d)`, of any length, dtype and device, of `(image, 3, height, width)`."""

    @property
    def device(self) -> torch.device:
        return self.model.logit_scale.device

    @property
    def scale(self) -> float:
        """What cosines are multiplied with: the inverse of the learned temperature."""
        return self.model.logit_scale.float().exp().item()

    @torch.inference_mode()
    def embed_texts(self, prompts: Sequence[str], batch: int = 256) -> Tensor:
        """Embeddings of length 1, `(prompt, d)` float32 on the CPU.

        A prompt longer than the tokenizer takes is cut with `truncate`; without, InputError.
        """
        prompts = list(prompts)
        if not self.truncate:
            self.check_lengths(prompts)
        starts = range(0, len(prompts), batch)
        return torch.cat([_unit(self.encode_texts(prompts[at : at + batch])) for at in starts])

    @torch.inference_mode()
    def embed_images(self, images: Iterable[Image], batch: int = 256) -> Tensor:
        """Embeddings of length 1, `(image, d)` float32 on the CPU.

        Images of any size and mode; of at most `batch` the pixels the model takes are held in
        memory, and one image itself.
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
    """Read a CLIP from safetensors, in either of the two layouts it is published in.

    That of open_clip, as `timm/resnet50_clip.openai`, which is preferred where a folder has both;
    or that of transformers, as `openai/clip-vit-large-patch14`.
    Raises InputError for a folder that cannot be read.
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
        # PIL's resize is the one CLIP was trained with, and is the same without torchvision
        processor = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
    return TransformersClip(model.to(device), tokenizer, processor, truncate)


def classify(
    images: Tensor, texts: Tensor, class_of: np.ndarray, scale: float, combine: str = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, int64 `(image,)`, and scores, `scale` times a cosine, float32 `(image, class)`.

    `images` `(image, d)` and `texts` `(prompt, d)` have rows of length 1; `class_of` `(prompt,)`
    is each prompt's class, of which there are 0 to its largest, all with a prompt. Several prompts
    of a class: `mean` compares with the direction of their mean (prompt ensembling, Radford et al.
    2021, section 3.1.4), `best` takes the nearest of them.
    Raises InputError for another `combine`.
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


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features.float().cpu(), dim=1)
