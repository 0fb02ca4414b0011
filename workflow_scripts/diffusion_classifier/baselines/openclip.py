"""CLIP models in OpenCLIP's layout, such as OpenAI's ResNets (Ilharco et al. 2021).

A folder holds `open_clip_config.json` (architecture and preprocessing) and the weights of both
towers, `open_clip_model.safetensors`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diffusion_classifier.denoisers.text import check_lengths
from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.model_parts import OPEN_CLIP_CONFIG as CONFIG
from diffusion_classifier.weights.model_parts import OPEN_CLIP_STEMS
from diffusion_classifier.weights.reading import reading
from diffusion_classifier.weights.weight_files import (
    Shapes,
    WeightFiles,
    account_for,
    find_weights,
    network_shapes,
)

from .clip import Clip

if TYPE_CHECKING:
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
    from PIL.Image import Image
    from torch import nn

# OpenCLIP's names of the precisions; both half precisions keep the layer norms in float32
_PRECISION = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}


class OpenClip(Clip):
    """A model of open_clip with its tokenizer and its preprocessing; see `clip.load`."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: SimpleTokenizer | HFTokenizer,
        transform: Callable[[Image], Tensor],
        dtype: torch.dtype,
        truncate: bool = False,
    ) -> None:
        super().__init__(model, tokenizer, truncate)
        self.transform, self.dtype = transform, dtype

    def check_lengths(self, prompts: Sequence[str]) -> None:
        check_lengths(self._tokens, prompts, self.tokenizer.context_length)

    def encode_texts(self, prompts: Sequence[str]) -> Tensor:
        return self.model.encode_text(self.tokenizer(prompts).to(self.device))

    def pixels(self, image: Image) -> Tensor:
        return self.transform(image)

    def encode_images(self, pixels: Tensor) -> Tensor:
        return self.model.encode_image(pixels.to(self.device, self.dtype))

    def _tokens(self, texts: Sequence[str]) -> Any:
        """All tokens of each text. Calling the tokenizer itself would cut long texts."""
        tokenizer = self.tokenizer
        if hasattr(tokenizer, "tokenizer"):  # a wrapper of a tokenizer of transformers
            return tokenizer.tokenizer([tokenizer.clean_fn(text) for text in texts])
        ends = tokenizer.sot_token_id, tokenizer.eot_token_id
        return SimpleNamespace(
            input_ids=[[ends[0], *tokenizer.encode(text), ends[1]] for text in texts]
        )


def load(
    folder: str | os.PathLike, device: torch.device, dtype: torch.dtype, truncate: bool = False
) -> OpenClip:
    """Read a folder with the layout of `timm/resnet50_clip.openai`; nothing is downloaded.

    The config determines the preprocessing and the activation (OpenAI trained with `quick_gelu`).
    The tokenizer is that of open_clip unless the config names one, which the folder must contain.
    Raises InputError for weights that are missing or do not fit, and for towers of other libraries.
    """
    import open_clip

    root = Path(folder)
    stored = find_weights(root, OPEN_CLIP_STEMS)
    found = stored.shapes()
    with reading(folder, "an OpenCLIP model", f"{CONFIG} and {stored.file.name} of one model"):
        config = read_json(root / CONFIG)["model_cfg"]
        _refuse_foreign_towers(folder, config)
        name = f"local-dir:{folder}"
        with _weights_come_later():
            model, _, transform = open_clip.create_model_and_transforms(
                name, precision=_PRECISION[dtype], device=device, load_weights=False
            )
        _read_weights(model, stored, found)
        named = config["text_cfg"].get("hf_tokenizer_name")
        options = {"local_files_only": True, "trust_remote_code": False} if named else {}
        tokenizer = open_clip.get_tokenizer(name, **options)
    return OpenClip(model, tokenizer, transform, dtype, truncate)


@contextmanager
def _weights_come_later() -> Iterator[None]:
    """Without open_clip's warning that the model is random: `_read_weights` reads all of it."""

    def is_other(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("No pretrained weights loaded")

    logger = logging.getLogger()
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


def _read_weights(model: nn.Module, stored: WeightFiles, found: Shapes) -> None:
    """Load the weights into `model` by open_clip, which translates other libraries' tensor names.

    It would also resize position embeddings and invent SigLIP's bias. The comparisons with the
    tensors in the file refuse such weights.
    """
    import open_clip

    needed = network_shapes(model)
    shared = {name: found.get(name, shape) for name, shape in needed.items()}
    account_for(stored.file, type(model).__name__, needed, shared)  # compares only the shapes
    missing, extra = open_clip.load_checkpoint(model, str(stored.file), strict=False)
    if not any(name.endswith("logit_bias") for name in found):
        missing.append("logit_bias")
    loaded = {name: shape for name, shape in needed.items() if name not in missing}
    account_for(stored.file, type(model).__name__, needed, loaded | dict.fromkeys(extra, ()))


def _refuse_foreign_towers(folder: str | os.PathLike, config: dict[str, Any]) -> None:
    """Refuse towers of transformers, or of timm by a hub address: they would be downloaded."""
    text = config["text_cfg"].get("hf_model_name")
    vision = config["vision_cfg"].get("timm_model_name")
    if text or (vision and ":" in vision):
        raise InputError(
            f"{folder}: found {text or vision!r} as a part of the model, expected towers of "
            "open_clip or timm that need no other repository; choose another model"
        )
