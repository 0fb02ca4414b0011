"""Sentences on Winoground besides its scores, and its examples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from diffusion_classifier.data.sources.image_source import decode, encode
from diffusion_classifier.scores.compositional import METRICS
from diffusion_classifier.scores.intervals import wilson_percent

from .wide_tables import interval_text

CHANCE = {
    "text_score": 25.0,
    "image_score": 25.0,
    "group_score": 100 / 6,
    "calibrated_image_score": 25.0,
}
"""The scores of guessing, in percent. For the calibrated image score this is the maximum: it is
reached if the four differences s_ci - u_i are independent draws from one distribution. If all s and
u are independent draws from one distribution, the score is 1/6."""


def choose_examples(data: pd.DataFrame, images: Collection[int], count: int) -> list[int]:
    """`count` examples with both images in `images`: the first of each tag, then the second, …"""
    both = data["image"].isin(list(images)).groupby(data["example"]).transform("all")
    examples = data[both].drop_duplicates("example")
    turn = examples.groupby("tag").cumcount()
    return examples.assign(turn=turn).sort_values("turn", kind="stable")["example"].tolist()[:count]


def as_seen(data: pd.DataFrame, preprocess: Mapping[str, Any]) -> pd.DataFrame:
    """`data` with its images padded, resized and cropped by a model's `preprocess`.

    An empty `preprocess` leaves images unchanged. Raises InputError as `Preprocess` does.
    """
    if not preprocess:
        return data
    from diffusion_classifier.data.preprocess import Preprocess  # late: it imports torch

    resized = Preprocess(**preprocess).resized
    return data.assign(bytes=[encode(resized(decode(image))) for image in data["bytes"]])


def one_image_wins(scored: pd.DataFrame) -> str:
    """How many examples have one image that scores higher under both captions, as a sentence.

    `scored` is `compositional.example_scores` for one loss.
    """
    first = (scored["s00"] > scored["s01"]) & (scored["s10"] > scored["s11"])
    second = (scored["s00"] < scored["s01"]) & (scored["s10"] < scored["s11"])
    wins, n = int((first | second).sum()), len(scored)
    share = interval_text(*wilson_percent(wins, n))
    return (
        f"In {wins} of {n} examples ({share} %), the same image has the lower error under both "
        "captions; the image score is lost there, whatever the captions say."
    )


def against_chance(rows: pd.DataFrame, method: str, columns: Mapping[str, str]) -> list[str]:
    """One sentence per metric: on which tags `method` is above or below guessing."""
    sentences = []
    of_method = rows[(rows["method"] == method) & rows["dataset"].isin(list(columns))]
    for metric, found in of_method.groupby("metric", sort=False):
        expected = CHANCE[metric]
        most = "at most " if metric == "calibrated_image_score" else ""
        verdicts = {
            "above it": found["low"] > expected,
            "below it": found["high"] < expected,
            "indistinguishable from it": (found["low"] <= expected) & (found["high"] >= expected),
        }
        text = "; ".join(
            f"{verdict} on {', '.join(found.loc[where, 'dataset'].map(columns))}"
            for verdict, where in verdicts.items()
            if where.any()
        )
        sentences.append(
            f"{method}, {METRICS[metric].lower()} (guessing: {most}{expected:.3g} %): {text}."
        )
    return sentences
