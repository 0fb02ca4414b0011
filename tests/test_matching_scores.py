"""Scores of matching tasks against brute force, simulated guesses and closed forms."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from matching_items import SHAPES, data_of, mixed, prompts_of
from scipy import stats

from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import (
    memberships,
    pictures_of,
)
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import compositional, matching_metrics
from diffusion_classifier.scores.compositional import chance_similarities
from diffusion_classifier.selection.candidates import candidates, shard_candidates


def brute(item, score, free):
    """The metrics of one item by their definitions; `score(image, caption)`, `free(image)`."""
    images, captions = range(len(item.pictures)), range(len(item.captions))
    s = {(i, c): score(item.pictures[i], item.captions[c]) for i, c in product(images, captions)}
    if len(images) == 1:
        pairs = [(0, item.right)]
    elif len(captions) == 1:
        pairs = [(item.right, 0)]
    else:
        pairs = [(i, i) for i in images]
    found = {}
    if len(captions) > 1:
        found["text_score"] = all(s[i, c] > s[i, d] for i, c in pairs for d in captions if d != c)
    if len(images) > 1:
        found["image_score"] = all(s[i, c] > s[j, c] for i, c in pairs for j in images if j != i)
        if free is not None:
            d = {(i, c): s[i, c] - free(item.pictures[i]) for i, c in s}
            found["calibrated_image_score"] = all(
                d[i, c] > d[j, c] for i, c in pairs for j in images if j != i
            )
    if len(images) > 1 and len(captions) > 1:
        found["group_score"] = found["text_score"] and found["image_score"]
    return found


# one digit gives ties, which never count as right
@pytest.mark.parametrize(("free", "digits"), [(True, None), (False, None), (True, 1)])
def test_items_are_decided_as_defined(free, digits):
    items = mixed(60, np.random.default_rng(0))
    data, number = data_of(items)
    prompts = prompts_of(data, free)
    similarity = chance_similarities(data, prompts, seed=3)
    if digits is not None:
        similarity["score"] = similarity["score"].round(digits)
    found = matching_metrics.decide(similarity, data, prompts, "here")
    image = {picture: i for i, picture in enumerate(pictures_of(items))}
    value = similarity.set_index(["image", "prompt"])["score"].to_dict()
    for index, item in enumerate(items):
        expected = brute(
            item,
            lambda picture, caption: value[image[picture], number[caption]],
            (lambda picture: value[image[picture], len(number)]) if free else None,
        )
        # base rates of captions are in test_caption_rates
        rows = found[(found["unit"] == index) & (found["metric"] != "calibrated_text_score")]
        assert dict(zip(rows["metric"], rows["correct"], strict=True)) == expected
        assert set(rows["subtask"]) == {item.subtask}
    assert 0 < found["correct"].mean() < 1


def test_two_by_two_is_winoground():
    """The same examples as a Winoground table get the same scores from `compositional`."""
    items = [
        Item("Object", (Picture(f"{n}a"), Picture(f"{n}b")), (f"{n} a", f"{n} b"))
        for n in range(80)
    ]
    data, _ = data_of(items)
    prompts = prompts_of(data)
    similarity = chance_similarities(data, prompts, 1)
    old = data.assign(example=data["image"] // 2, tag="Object").drop(columns="items")
    expected = compositional.example_scores(similarity, old, prompts)
    found = matching_metrics.decide(similarity, data, prompts, "here")
    for metric in compositional.METRICS:
        own = found[found["metric"] == metric].sort_values("unit")
        np.testing.assert_array_equal(own["correct"].to_numpy(bool), expected[metric])
    pairs = candidates(data, prompts)
    assert pairs.equals(candidates(old, prompts))


def test_guessing_is_right_as_often_as_chance_says():
    rng, count = np.random.default_rng(4), 1500
    items = [
        Item(
            f"{images}x{captions}",
            tuple(Picture(f"{n} {images} {captions} {i}") for i in range(images)),
            tuple(f"{n} {images} {captions} {c}" for c in range(captions)),
            int(rng.integers(max(images, captions))),
            pair=f"{n // 2}" if (images, captions) == (1, 2) else "",
        )
        for images, captions in SHAPES
        for n in range(count)
    ]
    data, _ = data_of(items)
    prompts = prompts_of(data, free=False)
    found = matching_metrics.decide(chance_similarities(data, prompts, 7), data, prompts, "here")
    assert set(found["metric"]) == {"text_score", "image_score", "group_score", "pair_score"}
    for (_, _), own in found.groupby(["subtask", "metric"]):
        (chance,) = set(own["chance"])
        assert stats.binomtest(int(own["correct"].sum()), len(own), chance).pvalue > 1e-3
    assert matching_metrics.group_chance(2) == pytest.approx(1 / 6)


def test_a_caption_of_several_templates_has_their_mean():
    items = [Item("t", (Picture("a"),), ("one", "two"), 0)]
    data, _ = data_of(items)
    prompts = prompts_of(data, free=False, templates=("{}", "a photo of {}"))
    pairs = candidates(data, prompts)
    assert pairs["prompt"].tolist() == [0, 1, 2, 3]
    for scores, right in (([5, 0, 2, 2], True), ([4, 0, 2, 2], False)):
        similarity = pairs.assign(loss="", score=scores, evaluations=1.0, seconds=0.0)
        found = matching_metrics.decide(similarity, data, prompts, "here")
        assert found["correct"].tolist() == [right]


def test_pairs_and_sets_are_right_if_all_their_items_are():
    def item(n, **more):
        return Item("t", (Picture(f"{n}"),), (f"{n} right", f"{n} wrong"), 0, **more)

    items = [item(n, pair=f"{n // 2}", set=f"{n // 4}") for n in range(8)]
    items += [item(8, pair="4", set="2")]  # of a pair and a set of which the rest is missing
    data, number = data_of(items)
    prompts = prompts_of(data, free=False)
    wrong = {1, 6}
    similarity = candidates(data, prompts).assign(loss="", evaluations=1.0, seconds=0.0)
    captions = {n: caption for caption, n in number.items()}
    similarity["score"] = [
        float(("right" in captions[prompt]) != (image in wrong))
        for image, prompt in similarity[["image", "prompt"]].to_numpy()
    ]
    found = matching_metrics.decide(similarity, data, prompts, "here")
    of = {metric: own["correct"].tolist() for metric, own in found.groupby("metric")}
    assert of["pair_score"] == [False, True, True, False]
    assert of["set_score"] == [False, False]
    assert sum(of["text_score"]) == 7
    assert set(found.loc[found["metric"] == "set_score", "chance"]) == {2.0**-4}


def test_an_item_without_one_of_its_images_is_left_out():
    items = mixed(20, np.random.default_rng(1))
    data, _ = data_of(items)
    prompts = prompts_of(data)
    less = data[data["image"] != 0].reset_index(drop=True)
    found = matching_metrics.decide(chance_similarities(less, prompts, 0), less, prompts, "here")
    first = pictures_of(items)[0]
    whole = {n for n, item in enumerate(items) if first not in item.pictures}
    assert set(found["unit"]) == whole and 0 < len(whole) < len(items)


def test_mistakes_in_similarities_are_said():
    data, _ = data_of(mixed(10, np.random.default_rng(2)))
    prompts = prompts_of(data)
    similarity = chance_similarities(data, prompts, 0)
    with pytest.raises(InputError, match="here: found a pair of image and prompt twice"):
        matching_metrics.decide(pd.concat([similarity, similarity.head(1)]), data, prompts, "here")
    with pytest.raises(InputError, match="here: found no finite score of image 0 with caption"):
        matching_metrics.decide(similarity.iloc[1:], data, prompts, "here")


def test_shards_have_the_pairs_of_their_images():
    data, _ = data_of(mixed(40, np.random.default_rng(3)))
    prompts = prompts_of(data)
    parts = [shard_candidates(data, prompts, index, 3) for index in range(3)]
    whole = candidates(data, prompts)
    assert pd.concat(parts, ignore_index=True).equals(whole)
    asked = {
        (row.image, caption) for row in memberships(data).itertuples() for caption in row.captions
    }
    assert len(whole) == len(asked) + len(data)  # each caption of an image once, and none
