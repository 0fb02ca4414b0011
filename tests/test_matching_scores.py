"""Scores of matching tasks against brute force, simulated guesses and closed forms."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import (
    caption_classes,
    captions_of,
    group_sizes,
    memberships,
    pictures_of,
    rows_by_picture,
)
from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import compositional, effects, matching, matching_tables
from diffusion_classifier.scores.compositional import chance_similarities
from diffusion_classifier.selection.candidates import candidates, shard_candidates

SHAPES = [(1, 2), (1, 4), (5, 1), (2, 2), (3, 3)]


def data_of(items):
    """The data set of `items`, without images."""
    pictures = pictures_of(items)
    rows = rows_by_picture(items, range(len(items)), group_sizes(items))
    number = {caption: i for i, caption in enumerate(captions_of(items))}
    first = [rows[picture][0] for picture in pictures]
    return pd.DataFrame(
        {
            "image": range(len(pictures)),
            "label": [row["captions"][max(row["right"], 0)] for row in first],
            "classname": [row["texts"][max(row["right"], 0)] for row in first],
            "items": [rows[picture] for picture in pictures],
        }
    ), number


def mixed(count, rng):
    """Items of all shapes that share images and captions."""
    items = []
    for number in range(count):
        images, captions = SHAPES[number % len(SHAPES)]
        pictures = [Picture(f"{i}.png") for i in rng.choice(12, images, replace=False)]
        texts = [f"caption {i}" for i in rng.choice(15, captions, replace=False)]
        right = int(rng.integers(max(images, captions)))
        items.append(Item(f"{images}x{captions}", tuple(pictures), tuple(texts), right))
    return items


def prompts_of(data, free=True, templates=("{}",)):
    prompts = from_captions(caption_classes(data["items"]), templates)
    return with_unconditional(prompts) if free else prompts


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
    found = matching.decide(similarity, data, prompts, "here")
    image = {picture: i for i, picture in enumerate(pictures_of(items))}
    value = similarity.set_index(["image", "prompt"])["score"].to_dict()
    for index, item in enumerate(items):
        expected = brute(
            item,
            lambda picture, caption: value[image[picture], number[caption]],
            (lambda picture: value[image[picture], len(number)]) if free else None,
        )
        rows = found[found["unit"] == index]
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
    found = matching.decide(similarity, data, prompts, "here")
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
    found = matching.decide(chance_similarities(data, prompts, 7), data, prompts, "here")
    assert set(found["metric"]) == {"text_score", "image_score", "group_score", "pair_score"}
    for (_, _), own in found.groupby(["subtask", "metric"]):
        (chance,) = set(own["chance"])
        assert stats.binomtest(int(own["correct"].sum()), len(own), chance).pvalue > 1e-3
    assert matching.group_chance(2) == pytest.approx(1 / 6)


def test_a_caption_of_several_templates_has_their_mean():
    items = [Item("t", (Picture("a"),), ("one", "two"), 0)]
    data, _ = data_of(items)
    prompts = prompts_of(data, free=False, templates=("{}", "a photo of {}"))
    pairs = candidates(data, prompts)
    assert pairs["prompt"].tolist() == [0, 1, 2, 3]
    for scores, right in (([5, 0, 2, 2], True), ([4, 0, 2, 2], False)):
        similarity = pairs.assign(loss="", score=scores, evaluations=1.0, seconds=0.0)
        found = matching.decide(similarity, data, prompts, "here")
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
    found = matching.decide(similarity, data, prompts, "here")
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
    found = matching.decide(chance_similarities(less, prompts, 0), less, prompts, "here")
    first = pictures_of(items)[0]
    whole = {n for n, item in enumerate(items) if first not in item.pictures}
    assert set(found["unit"]) == whole and 0 < len(whole) < len(items)


def test_mistakes_in_similarities_are_said():
    data, _ = data_of(mixed(10, np.random.default_rng(2)))
    prompts = prompts_of(data)
    similarity = chance_similarities(data, prompts, 0)
    with pytest.raises(InputError, match="here: found a pair of image and prompt twice"):
        matching.decide(pd.concat([similarity, similarity.head(1)]), data, prompts, "here")
    with pytest.raises(InputError, match="here: found no finite score of image 0 with caption"):
        matching.decide(similarity.iloc[1:], data, prompts, "here")


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


# --- tables

MEANS = (matching_tables.MICRO, matching_tables.MACRO)
METHODS = {
    "sd": {"label": "SD", "kind": "diffusion", "group": "sd", "varies": "training"},
    "clip-seed0": {"label": "CLIP", "kind": "more-data", "group": "clip", "varies": "training"},
    "clip-seed1": {"label": "CLIP", "kind": "more-data", "group": "clip", "varies": "training"},
    "chance-seed0": {"label": "Chance", "kind": "chance", "group": "chance", "varies": "seed"},
    "chance-seed1": {"label": "Chance", "kind": "chance", "group": "chance", "varies": "seed"},
}


@pytest.fixture(scope="module")
def answered():
    items = [
        Item(f"task {n % 3}", (Picture(f"{n}"),), tuple(f"{n} {c}" for c in range(2 + n % 3)), 0)
        for n in range(90)
        if n % 3 or n % 2  # subtasks of different sizes
    ]
    data, _ = data_of(items)
    sets = {"mine": (data, prompts_of(data, free=False))}
    found = {}
    for number, name in enumerate(METHODS):
        similarity = chance_similarities(*sets["mine"], number)
        similarity["evaluations"] = 4.0
        if name == "sd":
            last = similarity.assign(loss="l2", score=-similarity["prompt"].astype(float))
            similarity = pd.concat([similarity.assign(loss="l1"), last], ignore_index=True)
        found[name, "mine"] = similarity
    return matching_tables.decide_all(found, sets)


def test_means_over_items_and_over_subtasks(answered):
    rows = matching_tables.score_table(METHODS, *answered, "t")
    decisions = answered[0]
    own = decisions[(decisions["name"] == "sd") & (decisions["loss"] == "l1")]
    found = rows[rows["method"] == "SD [L1]"].set_index("subtask")
    each = own.groupby("subtask")["correct"].mean()
    assert list(found.index) == ["task 1", "task 2", "task 0", *MEANS]  # the order of the data
    for subtask, value in each.items():
        assert found.loc[subtask, "value"] == pytest.approx(100 * value)
        right, count = own.loc[own["subtask"] == subtask, "correct"].agg(["sum", "size"])
        low, high = stats.binomtest(int(right), int(count)).proportion_ci(method="wilson")
        assert found.loc[subtask, ["low", "high"]].tolist() == pytest.approx(
            [100 * low, 100 * high]
        )
        k = 2 + int(subtask[-1])
        assert found.loc[subtask, "chance"] == pytest.approx(100 / k)
        assert found.loc[subtask, "evaluations"] == pytest.approx(4 * k)
    assert found.loc[matching_tables.MICRO, "value"] == pytest.approx(100 * own["correct"].mean())
    assert found.loc[matching_tables.MACRO, "value"] == pytest.approx(100 * each.mean())
    assert found.loc[matching_tables.MACRO, "chance"] == pytest.approx(
        100 * np.mean([1 / 2, 1 / 3, 1 / 4])
    )
    assert len(own) != 3 * (own["subtask"] == "task 0").sum()  # so that both means differ


def test_trainings_are_averaged_and_seeds_pooled(answered):
    rows = matching_tables.score_table(METHODS, *answered, "t")
    decisions = answered[0]
    for label in ("CLIP", "Chance"):
        names = [name for name in METHODS if METHODS[name]["label"] == label]
        own = decisions[decisions["name"].isin(names)]
        found = rows[(rows["method"] == label) & (rows["subtask"] == matching_tables.MICRO)]
        (row,) = found.itertuples()
        values = own.groupby("name")["correct"].mean() * 100
        assert row.value == pytest.approx(values.mean()) and row.trainings == 2
        assert (row.least, row.most) == pytest.approx((values.min(), values.max()))
        if label == "Chance":
            wilson = stats.binomtest(int(own["correct"].sum()), len(own))
            expected = wilson.proportion_ci(method="wilson")
            assert (row.low, row.high) == pytest.approx([100 * bound for bound in expected])


def test_differences_are_mcnemars(answered):
    decisions = answered[0]
    methods = {name: METHODS[name] for name in ("sd", "clip-seed0")}
    paired = matching_tables.paired_table(methods, decisions)
    assert len(paired) == 2 * 4  # losses, and subtasks with all items
    (row,) = paired[(paired["loss"] == "l1") & (paired["subtask"] == "task 1")].itertuples()
    own = decisions[(decisions["subtask"] == "task 1") & decisions["loss"].isin(["l1", ""])]
    wide = own[own["name"].isin(methods)].pivot(index="unit", columns="name", values="correct")
    only_a = int((wide["sd"] & ~wide["clip-seed0"].astype(bool)).sum())
    apart = int((wide["sd"] != wide["clip-seed0"]).sum())
    assert (row.b, row.b + row.c) == (only_a, apart)
    assert row.p == pytest.approx(stats.binomtest(only_a, apart).pvalue)
    assert row.difference == pytest.approx(100 * (wide["sd"].mean() - wide["clip-seed0"].mean()))


def test_the_export_has_the_columns_that_verify_reads(answered):
    from diffusion_classifier.operations.expected import KEYS
    from diffusion_classifier.scores.accuracy import LONG

    rows = matching_tables.score_table(METHODS, *answered, "t")
    found = matching_tables.long_form(rows)
    assert list(found) == [*LONG, "chance"] and not found.duplicated(KEYS).any()
    assert "mine/task 0" in set(found["dataset"])


# --- effect sizes


def biased(images=14):
    """Two comparisons of three groups, by five captions; and their data set."""
    items = []
    for first, second in (("X", "Y"), ("X", "Z")):
        for name in (first, second):
            for number in range(images):
                side = 1 if name == first else -1
                picture = Picture(f"{name}{number}")
                captions = ("a", "b", "c", "d", "e")
                items.append(
                    Item(f"{first} - {second}", (picture,), captions, side=side,
                         signs=(1, 1, -1, -1, -1))
                )  # fmt: skip
    data, _ = data_of(items)
    prompts = prompts_of(data, free=False)
    similarity = chance_similarities(data, prompts, 5)
    names = [picture.path[0] for picture in pictures_of(items)]
    towards = similarity["prompt"] < 2
    shift = similarity["image"].map(lambda image: 0.6 * (names[image] == "Y"))
    similarity["score"] += shift * towards
    return items, data, prompts, similarity


def test_effect_sizes_are_those_of_the_formula():
    items, data, prompts, similarity = biased()
    score = similarity.pivot(index="image", columns="prompt", values="score").to_numpy()
    phi = score[:, :2].mean(axis=1) - score[:, 2:].mean(axis=1)
    names = np.array([picture.path[0] for picture in pictures_of(items)])
    found = effects.associations(similarity, data, prompts, "here")
    methods = {"sd": METHODS["sd"]}
    table = effects.effect_table(methods, {("sd", "bias"): found}, "t").set_index("subtask")
    for other in ("Y", "Z"):
        x, y = phi[names == "X"], phi[names == other]
        expected = (x.mean() - y.mean()) / np.concatenate([x, y]).std()
        row = table.loc[f"X - {other}"]
        assert row["value"] == pytest.approx(expected)
        assert row["low"] < expected < row["high"] and row["images"] == 28

        def statistic(x, y):
            return (x.mean() - y.mean()) / np.concatenate([x, y]).std()

        rng = np.random.default_rng(1)
        theirs = stats.bootstrap((x, y), statistic, method="percentile", vectorized=False,
                                 n_resamples=2000, rng=rng).confidence_interval  # fmt: skip
        assert row[["low", "high"]].tolist() == pytest.approx([theirs.low, theirs.high], abs=0.12)
        tested = stats.permutation_test((x, y), statistic, n_resamples=2000, rng=rng)
        assert row["p"] == pytest.approx(tested.pvalue, abs=0.04)
    assert table.loc["X - Y", "high"] < 0 and table.loc["X - Y", "p"] < 0.01
    # an item without a right caption is in no other score
    assert matching.decide(similarity, data, prompts, "here").empty
