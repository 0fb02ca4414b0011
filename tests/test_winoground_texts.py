"""What the table of Winoground says besides its scores: guessing, sentences and chosen examples."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.data.sources.image_source import decode, encode
from diffusion_classifier.scores import caption_curves, compositional
from diffusion_classifier.tables.texts import winoground_texts


def test_chance_is_what_guesses_score():
    """Also of the calibrated score, where images differ in their level and captions are guessed."""
    image = np.arange(20000)
    data = pd.DataFrame({"image": image, "label": image, "example": image // 2, "tag": "Both"})
    prompts = with_unconditional(from_captions(data.assign(classname=image.astype(str))))
    guessed = compositional.chance_similarities(data, prompts, 0)
    level = np.random.default_rng(1).normal(scale=10, size=len(data))
    free = guessed["prompt"] == len(prompts) - 1
    levelled = guessed["score"].mask(free, 0) + level[guessed["image"]]
    found = compositional.example_scores(guessed, data, prompts)
    calibrated = compositional.example_scores(guessed.assign(score=levelled), data, prompts)
    found["calibrated_image_score"] = calibrated["calibrated_image_score"]
    measured = (100 * found[list(winoground_texts.CHANCE)].mean()).to_dict()
    assert measured == pytest.approx(winoground_texts.CHANCE, abs=1.5)


def test_examples_take_turns_and_are_whole():
    data = pd.DataFrame({"example": np.repeat(range(6), 2), "image": range(12)})
    data["tag"] = np.repeat(["Relation", "Relation", "Object", "Both", "Object", "Both"], 2)
    chosen = winoground_texts.choose_examples(data, range(12), 4)
    assert chosen == [0, 2, 3, 1]
    assert winoground_texts.choose_examples(data, [0, 1, 2, 4, 5], 4) == [0, 2]


def test_heat_maps_lie_on_what_the_model_saw():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    data = pd.DataFrame({"image": [0], "bytes": [encode(Image.fromarray(wide))]})
    seen = winoground_texts.as_seen(data, {"size": 10, "crop": "center", "interpolation": "box"})
    pixels = np.asarray(decode(seen["bytes"][0]))
    assert pixels.shape == (10, 10, 3) and (pixels == 255).all()
    assert winoground_texts.as_seen(data, {}) is data


def test_sentences_follow_the_numbers():
    scored = pd.DataFrame(
        [(2, 1, 2, 1), (1, 2, 1, 2), (2, 1, 1, 2), (1, 1, 1, 1)],
        columns=["s00", "s01", "s10", "s11"],
    )
    assert winoground_texts.one_image_wins(scored).startswith("In 2 of 4 examples (50.0 [")
    table = pd.DataFrame(
        {
            "method": "A",
            "kind": "baseline",
            "metric": "text_score",
            "dataset": ["object", "relation", "both"],
            "low": [30.0, 20.0, 1.0],
            "high": [50.0, 40.0, 24.0],
        }
    )
    assert winoground_texts.against_chance(table, "A", caption_curves.TAGS) == [
        "A, text score (guessing: 25 %): above it on Object; below it on Both; "
        "indistinguishable from it on Relation."
    ]
