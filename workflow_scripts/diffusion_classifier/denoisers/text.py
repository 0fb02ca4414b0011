"""From prompts to tokens to hidden states: the text encoders CLIP and T5 of several families."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.networks import load_network

if TYPE_CHECKING:
    from transformers import CLIPTextConfig, PreTrainedModel, PreTrainedTokenizerBase

BATCH = 64
"""Prompts in one forward pass of a text encoder."""


def token_limit(tokenizer: PreTrainedTokenizerBase, positions: int) -> int:
    """The most tokens for a text encoder: its tokenizer's limit, and at most its `positions`.

    A tokenizer without `model_max_length` has the limit 10^30.
    """
    return min(tokenizer.model_max_length, positions)


def check_lengths(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], limit: int) -> None:
    """Raise InputError naming the first of `texts` that would have to be cut to `limit` tokens."""
    for text, tokens in zip(texts, tokenizer(texts).input_ids, strict=True):
        if len(tokens) > limit:
            raise InputError(
                f"prompts: found {text!r} with {len(tokens)} tokens, expected at most "
                f"{limit}, which is all the model reads; shorten it, or let "
                "the model's key `truncate_prompts` cut it"
            )


def tokenized(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], limit: int, truncate: bool
) -> tuple[Tensor, Tensor]:
    """Token numbers and attention mask, `(prompt, limit)` int64, padded and cut to `limit`.

    Without `truncate`, raises InputError naming the first text that is too long.
    """
    if not truncate:
        check_lengths(tokenizer, texts, limit)
    tokens = tokenizer(
        list(texts), padding="max_length", max_length=limit, truncation=True, return_tensors="pt"
    )
    return tokens.input_ids, tokens.attention_mask


@torch.inference_mode()
def clip_states(
    folder: str,
    suffix: str,
    texts: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool,
    projected: bool = True,
    limit: int | None = None,
) -> tuple[Tensor, Tensor | None]:
    """CLIP's last but one hidden states and, of a `projected` encoder, its text embedding.

    Reads tokenizer`suffix`/ and text_encoder`suffix`/ (safetensors only) of `folder`. Returns
    `(prompt, token, channel)` and `(prompt, projection)`, float32 on the CPU; `limit` is as in
    `check_lengths`. SDXL (Podell et al. 2023, section 2.1) and SD 3 (Esser et al. 2024, section
    4) are conditioned on the last but one layer.
    """
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    tokens = _clip_tokens(folder, suffix, texts, truncate, limit)
    kind = CLIPTextModelWithProjection if projected else CLIPTextModel
    encoder = load_network(kind, folder, "text_encoder" + suffix, dtype).to(device)
    hidden, pooled = [], []
    for part in tokens.split(BATCH):
        output = encoder(part.to(device), output_hidden_states=True)
        hidden.append(output.hidden_states[-2].float().cpu())
        if projected:
            pooled.append(output.text_embeds.float().cpu())
    return torch.cat(hidden), torch.cat(pooled) if projected else None


@torch.inference_mode()
def clip_pooled(
    folder: str,
    suffix: str,
    texts: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool,
) -> Tensor:
    """CLIP's last hidden state at each text's end, `(prompt, channel)` float32, on the CPU.

    Unlike a text embedding of `clip_states`, it is not projected. The rest is as there.
    """
    from transformers import CLIPTextModel

    tokens = _clip_tokens(folder, suffix, texts, truncate)
    encoder = load_network(CLIPTextModel, folder, "text_encoder" + suffix, dtype).to(device)
    parts = tokens.split(BATCH)
    return torch.cat([encoder(part.to(device)).pooler_output.float().cpu() for part in parts])


def _clip_tokens(
    folder: str, suffix: str, texts: Sequence[str], truncate: bool, limit: int | None = None
) -> Tensor:
    """Token numbers, `(prompt, token)`, as many as CLIP reads, or `limit` if that is less."""
    from transformers import CLIPTokenizer

    positions = clip_config(folder, suffix).max_position_embeddings
    tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer" + suffix)
    limit = min(limit or positions, token_limit(tokenizer, positions))
    return tokenized(tokenizer, texts, limit, truncate)[0]


def clip_config(folder: str, suffix: str = "") -> CLIPTextConfig:
    """The config of the CLIP in text_encoder`suffix`/."""
    from transformers import CLIPTextConfig

    return CLIPTextConfig.from_pretrained(folder, subfolder="text_encoder" + suffix)


@torch.inference_mode()
def t5_states(
    folder: str,
    suffix: str,
    texts: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool,
    limit: int,
    masked: bool,
) -> tuple[Tensor, Tensor]:
    """T5's last hidden states, `(prompt, token, channel)` float32, and the mask, int64; on the CPU.

    Reads tokenizer`suffix`/ and text_encoder`suffix`/ (safetensors only) of `folder`. `limit`
    is the number of tokens, which each family chose for its training, as T5 has no limit. With
    `masked`, no token attends to the padding; some families were trained without it.
    """
    from transformers import T5EncoderModel, T5Tokenizer

    _check_t5_tokenizer(Path(folder) / f"tokenizer{suffix}")
    tokenizer = T5Tokenizer.from_pretrained(folder, subfolder="tokenizer" + suffix)
    tokens, mask = tokenized(tokenizer, texts, limit, truncate)
    encoder = load_network(T5EncoderModel, folder, "text_encoder" + suffix, dtype).to(device)
    return last_states(encoder, tokens, mask if masked else None), mask


def last_states(encoder: PreTrainedModel, tokens: Tensor, mask: Tensor | None) -> Tensor:
    """An encoder's last hidden states, `(prompt, token, channel)` float32, on the CPU.

    `tokens` and `mask` are those of `tokenized`; without a `mask`, tokens attend to the padding.
    """
    hidden, device = [], encoder.device
    for start in range(0, len(tokens), BATCH):
        part = slice(start, start + BATCH)
        seen = None if mask is None else mask[part].to(device)
        hidden.append(encoder(tokens[part].to(device), attention_mask=seen)[0].float().cpu())
    return torch.cat(hidden)


def _check_t5_tokenizer(folder: Path) -> None:
    """Raise InputError if there is only SentencePiece's format and no package that reads it."""
    if (folder / "tokenizer.json").is_file() or (find_spec("sentencepiece") and _has_protobuf()):
        return
    raise InputError(
        f"{folder}: found no tokenizer.json, and the packages sentencepiece and protobuf, which "
        "read the older spiece.model, are not both installed; put the tokenizer.json of the same "
        "T5 there (for PixArt's, that of Stable Diffusion 3's tokenizer_3) or install them"
    )


def _has_protobuf() -> bool:
    try:
        return find_spec("google.protobuf") is not None
    except ModuleNotFoundError:
        return False
