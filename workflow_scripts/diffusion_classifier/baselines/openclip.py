"""CLIP models in OpenCLIP's own layout, as OpenAI's ResNets are published (Ilharco et al. 2021).

A folder holds `open_clip_config.json` (architecture and preprocessing) and the weights of both
towers, `open_clip_model.safetensors`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
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
from diffusion_classifier.weights.stored import Stored, find_weights
from diffusion_classifier.weights.tensors import Shapes, account_for, shapes, stored_shapes

from .clip import Clip

if TYPE_CHECKING:
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
    from PIL.Image import Image
    from torch import nn

# OpenCLIP's own words; its half precisions keep the layer norms in float32
_PRECISION = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}


class OpenClip(Clip):
    """A model of open_clip with its tokenizer and the transform of an image; see `clip.load`."""

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
        """All tokens of each text, none cut; both kinds of tokenizer cut when called."""
        tokenizer = self.tokenizer
        if hasattr(tokenizer, "tokenizer"):  # a wrapped one of transformers
            return tokenizer.tokenizer([tokenizer.clean_fn(text) for text in texts])
        ends = tokenizer.sot_token_id, tokenizer.eot_token_id
        return SimpleNamespace(
            input_ids=[[ends[0], *tokenizer.encode(text), ends[1]] for text in texts]
        )


def load(
    folder: str | os.PathLike, device: torch.device, dtype: torch.dtype, truncate: bool = False
) -> OpenClip:
    """Read a folder laid out as `timm/resnet50_clip.openai` is; never anything from the network.

    Preprocessing and activation (`quick_gelu`, with which OpenAI trained) are those of its config.
    The tokenizer is open_clip's own unless the config names one, which has to lie in the folder.
    Raises InputError for missing or other weights, and for towers that are not open_clip's.
    """
    import open_clip

    root = Path(folder)
    stored = find_weights(root, OPEN_CLIP_STEMS)
    found = stored_shapes(stored)
    with reading(folder, "an OpenCLIP model", f"{CONFIG} and {stored.file.name} of one model"):
        config = read_json(root / CONFIG)["model_cfg"]
        _refuse_foreign_towers(folder, config)
        name = f"local-dir:{folder}"
        model, _, transform = open_clip.create_model_and_transforms(
            name, precision=_PRECISION[dtype], device=device, load_weights=False
        )
        _read_weights(model, stored, found)
        named = config["text_cfg"].get("hf_tokenizer_name")
        options = {"local_files_only": True, "trust_remote_code": False} if named else {}
        tokenizer = open_clip.get_tokenizer(name, **options)
    return OpenClip(model, tokenizer, transform, dtype, truncate)


def _read_weights(model: nn.Module, stored: Stored, found: Shapes) -> None:
    """Read the weights into `model`; open_clip knows the names of other libraries for its tensors.

    It would also stretch positions to another size, and invent a bias of SigLIP's.
    """
    import open_clip

    needed = shapes(model)
    shared = {name: found.get(name, shape) for name, shape in needed.items()}
    account_for(stored.file, type(model).__name__, needed, shared)  # in their shapes
    missing, extra = open_clip.load_checkpoint(model, str(stored.file), strict=False)
    if not any(name.endswith("logit_bias") for name in found):
        missing.append("logit_bias")
    held = {name: shape for name, shape in needed.items() if name not in missing}
    account_for(stored.file, type(model).__name__, needed, held | dict.fromkeys(extra, ()))


def _refuse_foreign_towers(folder: str | os.PathLike, config: dict[str, Any]) -> None:
    """A tower of transformers, or of timm's by address, would be asked of the Hub."""
    text = config["text_cfg"].get("hf_model_name")
    vision = config["vision_cfg"].get("timm_model_name")
    if text or (vision and ":" in vision):
        raise InputError(
            f"{folder}: found {text or vision!r} as a part of the model, expected towers of "
            "open_clip's or timm's own, which need no other repository; choose another model"
        )
