"""Captions as tokens."""

import math

import pytest
import torch
from trained_text import SAID
from transformers import CLIPTokenizer

from diffusion_classifier.data.world.captions import words
from diffusion_classifier.training.tokenizer import (
    caption_ids,
    random_captions,
    token_ids,
    word_tokenizer,
)


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer(SAID, 8)


def test_every_word_is_one_token_between_start_and_end(tokenizer):
    ids = token_ids(tokenizer, ["a red circle left of a", "", "a square"])
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    assert (start, end) == (len(tokenizer) - 2, len(tokenizer) - 1)
    assert tokenizer.pad_token_id == end  # as CLIP's, which pools at the first end
    number = tokenizer.convert_tokens_to_ids
    words = [number(f"{word}</w>") for word in ("a", "red", "circle", "left", "of", "a")]
    assert ids.dtype == torch.int64
    assert ids.tolist() == [
        [start, *words, end],
        [start] + [end] * 7,
        [start, words[0], number("square</w>")] + [end] * 5,
    ]
    assert len({tokenizer(word).input_ids[1] for word in SAID}) == len(SAID)


def test_a_word_of_the_rendered_world_is_one_token_or_a_few():
    world = words()
    tokenizer = word_tokenizer(world, 24)
    pieces = [len(tokenizer.tokenize(word)) for word in world]
    assert sum(n == 1 for n in pieces) >= 0.85 * len(world)
    assert [tokenizer.decode(tokenizer(w).input_ids[1:-1]).strip() for w in world] == world


@pytest.mark.parametrize("text", ["a zebra", "redcircle of", "café", "漢字 😀"])
def test_what_the_tokenizer_never_saw_is_read_all_the_same(text):
    tokenizer = word_tokenizer(SAID, 40)
    ids = token_ids(tokenizer, [text])[0]
    assert int(ids.max()) < len(tokenizer)
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_a_text_too_long_is_cut_and_keeps_its_end(tokenizer):
    ids = token_ids(tokenizer, ["a red circle above a blue square"])[0]
    assert ids.shape == (8,)
    assert int(ids[-1]) == tokenizer.eos_token_id
    assert tokenizer.decode(ids, skip_special_tokens=True) == "a red circle above a blue"


def test_a_saved_tokenizer_is_the_same(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    texts = ["a red circle above a", "zebra", ""]
    tokenizer.save_pretrained(tmp_path)
    for kind in (CLIPTokenizer, AutoTokenizer):
        again = kind.from_pretrained(tmp_path)
        assert again.model_max_length == 8
        assert torch.equal(token_ids(again, texts), token_ids(tokenizer, texts))


def test_the_captions_of_every_image_keep_their_place(tokenizer):
    captions = [["a red circle", "a circle"], ["a square", "a circle"], ["", "a blue square"]]
    ids = caption_ids(tokenizer, captions)
    assert ids.shape == (3, 2, 8)
    for image, texts in enumerate(captions):
        assert torch.equal(ids[image], token_ids(tokenizer, texts))


def test_a_random_caption_is_the_images_own_and_sometimes_empty():
    """Each image has four numbered captions; empty ones are -1. Counts are within 4 sigma."""
    torch.manual_seed(0)
    images, share = 20_000, 0.1
    ids = torch.arange(images * 4).view(images, 4, 1).expand(-1, -1, 3).contiguous()
    before = ids.clone()
    picked = random_captions(ids, torch.full((3,), -1), share)
    assert torch.equal(ids, before)
    assert picked.shape == (images, 3)
    empty = (picked == -1).all(dim=1)
    assert abs(int(empty.sum()) - share * images) < 4 * math.sqrt(images * share * (1 - share))
    named = picked[~empty]
    assert torch.equal(named[:, 0] // 4, torch.arange(images)[~empty])
    assert torch.equal(named[:, 0], named[:, 2])  # a caption is taken whole
    for count in torch.bincount(named[:, 0] % 4, minlength=4).tolist():
        assert abs(count - len(named) / 4) < 4 * math.sqrt(len(named) * 3 / 16)
    assert int(random_captions(ids).min()) >= 0
