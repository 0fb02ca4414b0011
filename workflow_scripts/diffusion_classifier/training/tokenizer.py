"""Turn captions into token ids: CLIP's tokenizer with a vocabulary of a few hundred pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import CLIPTextConfig, CLIPTokenizer


def word_tokenizer(words: Sequence[str], length: int) -> CLIPTokenizer:
    """CLIP's byte-pair tokenizer with merges for `words`.

    A word is one token, or a few if the merge of another word is applied first. The vocabulary has
    all bytes, so any other text is encoded letter by letter. Texts are padded to `length` tokens,
    including their start and end.
    """
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    alphabet = sorted(ByteLevel.alphabet())
    pieces, merges = [*alphabet, *(f"{letter}</w>" for letter in alphabet)], []
    for word in words:
        letters = [*word[:-1], f"{word[-1]}</w>"]
        merged = letters[0]
        for letter in letters[1:]:
            merges.append((merged, letter))
            merged += letter
            pieces.append(merged)
    pieces = [*dict.fromkeys(pieces), "<|startoftext|>", "<|endoftext|>"]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=numbers, merges=list(dict.fromkeys(merges)), model_max_length=length)


def token_ids(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> Tensor:
    """`texts` padded to the tokenizer's length, int64 `(text, token)`."""
    return tokenizer(
        list(texts), padding="max_length", truncation=True, return_tensors="pt"
    ).input_ids


def caption_ids(tokenizer: CLIPTokenizer, captions: Sequence[Sequence[str]]) -> Tensor:
    """Token ids, `(image, caption, token)` int64; all images have the same number of captions."""
    flat = [text for texts in captions for text in texts]
    known = {text: number for number, text in enumerate(dict.fromkeys(flat))}
    ids = token_ids(tokenizer, list(known))
    rows = torch.tensor([known[text] for text in flat]).view(len(captions), -1)
    return ids[rows]


def random_captions(ids: Tensor, empty: Tensor | None = None, empty_share: float = 0.0) -> Tensor:
    """One random caption per image of `(image, caption, token)`: `(image, token)`.

    `empty`, `(token,)`, replaces a share `empty_share` of them, so that the model learns to predict
    without a prompt (classifier-free guidance, Ho & Salimans 2022).
    """
    picked = ids[torch.arange(len(ids)), torch.randint(ids.shape[1], (len(ids),))]
    if empty is not None:
        picked[torch.rand(len(ids)) < empty_share] = empty
    return picked


def text_config(tokenizer: CLIPTokenizer, architecture: dict) -> CLIPTextConfig:
    """The configuration of a CLIP text model with this `tokenizer` and `architecture`."""
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **architecture,
    )
