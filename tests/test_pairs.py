"""Candidate pairs, compared with loops."""

import pandas as pd
import pytest

from diffusion_classifier.selection.candidates import candidates


def prompt_table(*rows):
    return pd.DataFrame(rows, columns=["prompt", "classname", "classidx"])


def listed(pairs):
    return list(map(tuple, pairs.to_numpy().tolist()))


def test_without_examples_every_image_is_asked_about_every_named_prompt():
    data = pd.DataFrame({"image": [7, 3, 5], "label": [0, 1, 0]})
    prompts = prompt_table(("a cat", "cat", 0), ("", "", 2), ("a dog", "dog", 1), ("dog", "dog", 1))
    pairs = candidates(data, prompts)
    assert listed(pairs) == [(image, prompt) for image in (3, 5, 7) for prompt in (0, 2, 3)]
    assert (pairs.dtypes == "int64").all() and list(pairs.columns) == ["image", "prompt"]


# the class index of an unconditional prompt must not matter
@pytest.mark.parametrize("free", [0, 3, 99])
def test_an_example_is_asked_about_its_own_captions_and_unconditional_prompts(free):
    images = range(6)
    data = pd.DataFrame({"image": images, "label": images, "example": [i // 2 for i in images]})
    named = [(f"{frame}{i}", f"caption {i}", i) for frame in ("", "a picture of ") for i in images]
    prompts = prompt_table(*named[:4], ("", "", free), *named[4:])
    wanted = [
        (image, number)
        for image in images
        for number, row in prompts.iterrows()
        if row["prompt"] == "" or row["classidx"] // 2 == image // 2
    ]
    pairs = candidates(data.sample(frac=1, random_state=0), prompts)
    assert listed(pairs) == wanted and len(pairs) == 6 * (2 * 2 + 1)
    assert (pairs.dtypes == "int64").all()


def test_an_example_without_unconditional_prompt_has_four_pairs():
    data = pd.DataFrame({"image": [0, 1], "label": [0, 1], "example": [0, 0]})
    prompts = prompt_table(("a b", "a b", 0), ("b a", "b a", 1))
    assert listed(candidates(data, prompts)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_prompt_that_names_a_class_or_says_something_is_not_unconditional():
    data = pd.DataFrame({"image": [0], "label": [3]})
    prompts = prompt_table(("", "", 0), ("", "cat", 1), ("cat", "", 2), ("cat", "cat", 3))
    assert listed(candidates(data, prompts)) == [(0, 1), (0, 2), (0, 3)]
