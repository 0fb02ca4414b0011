"""What a CLIP answers about a data set: the class of every image, or how captions fit images."""

from __future__ import annotations

import os
import time

import pandas as pd

from diffusion_classifier.data.prompt_sets import is_unconditional, named_prompts
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.stored_images import encoded_images, read_labels
from diffusion_classifier.selection.candidates import candidates

from .answers import prediction_table
from .clip import Clip, classify


def predict_set(
    model: Clip, path: str | os.PathLike, prompts: pd.DataFrame, combine: str
) -> pd.DataFrame:
    """The predictions of the data set at `path` among the classes that `prompts` name."""
    data, prompts = read_labels(path), named_prompts(prompts)
    start = time.perf_counter()
    texts = model.embed_texts(prompts["prompt"])
    images = model.embed_images(map(decode, encoded_images(path)))
    class_of = prompts["classidx"].to_numpy()
    predictions, scores = classify(images, texts, class_of, model.scale, combine)
    return prediction_table(data, predictions, scores, time.perf_counter() - start)


def compare_set(model: Clip, path: str | os.PathLike, prompts: pd.DataFrame) -> pd.DataFrame:
    """How well each candidate pair of an image and a prompt go together: the logits.

    Columns `image, prompt, loss, score, evaluations, seconds`; `loss` is empty.
    """
    pairs = candidates(read_labels(path), prompts)
    # CLIP knows no unconditional prompt: its loss compares images as it is
    pairs = pairs[~is_unconditional(prompts).to_numpy()[pairs["prompt"]]].reset_index(drop=True)
    start = time.perf_counter()
    texts = model.embed_texts(prompts["prompt"])
    images = model.embed_images(map(decode, encoded_images(path)))
    asked = images[pairs["image"].to_list()] * texts[pairs["prompt"].to_list()]
    logits = model.scale * asked.sum(dim=1)
    share = (time.perf_counter() - start) / len(pairs)
    return pairs.assign(loss="", score=logits.double().numpy(), evaluations=1.0, seconds=share)
