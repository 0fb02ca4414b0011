"""CLIP as a zero-shot classifier: an image's class is the nearest prompt (Radford et al. 2021)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..denoisers.stable_diffusion import check_lengths
from ..messages import InputError

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import BaseImageProcessor, CLIPModel, CLIPTokenizer


class Clip:
    """A `CLIPModel` with its tokenizer and image processor; see `load`."""

    def __init__(
        self,
        model: CLIPModel,
        tokenizer: CLIPTokenizer,
        processor: BaseImageProcessor,
        truncate: bool = False,
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer, self.processor, self.truncate = tokenizer, processor, truncate

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
            check_lengths(self.tokenizer, prompts)
        parts = []
        for start in range(0, len(prompts), batch):
            texts = prompts[start : start + batch]
            tokens = self.tokenizer(
                texts, padding="max_length", truncation=True, return_tensors="pt"
            )
            tokens = {name: value.to(self.model.device) for name, value in tokens.items()}
            parts.append(_unit(self.model.get_text_features(**tokens).pooler_output))
        return torch.cat(parts)

    @torch.inference_mode()
    def embed_images(self, images: Iterable[Image], batch: int = 256) -> Tensor:
        """Embeddings of length 1, `(image, d)` float32 on the CPU.

        Images of any size and mode; at most `batch` of them are held in memory.
        """
        images, parts = iter(images), []
        while group := list(islice(images, batch)):
            pixels = self.processor(group, return_tensors="pt").pixel_values
            pixels = pixels.to(self.model.device, self.model.dtype)
            parts.append(_unit(self.model.get_image_features(pixel_values=pixels).pooler_output))
        return torch.cat(parts)


def load(
    folder: str | os.PathLike, device: torch.device, dtype: torch.dtype, truncate: bool = False
) -> Clip:
    """Read a folder laid out as `openai/clip-vit-base-patch32` is (safetensors only)."""
    from transformers import AutoImageProcessor, CLIPModel, CLIPTokenizer

    local = os.path.isdir(folder)  # a folder is whole: never ask the Hub for a part of it
    model = CLIPModel.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, local_files_only=local
    )
    tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=local)
    # PIL's resize is the one CLIP was trained with, and is the same without torchvision
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=local)
    return Clip(model.to(device), tokenizer, processor, truncate)


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
