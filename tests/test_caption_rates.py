"""Text scores without the base rates of captions, against loops, simulation and known answers."""

import numpy as np
import pytest
from matching_items import data_of, prompts_of
from scipy import stats

from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import pictures_of
from diffusion_classifier.scores import matching_metrics
from diffusion_classifier.scores.compositional import chance_similarities
from diffusion_classifier.scores.matching_tables import long_form, score_table

METRIC = "calibrated_text_score"


def shared(count, captions=4, images=1, sets=3, seed=0):
    """Items whose captions are those of one of a few sets, with images of their own."""
    rng = np.random.default_rng(seed)
    items = []
    for n in range(count):
        texts = [f"set {n % sets}, caption {c}" for c in rng.permutation(captions)]
        pictures = tuple(Picture(f"{n} {i}") for i in range(images))
        right = int(rng.integers(captions)) if images == 1 else 0
        items.append(Item(f"{images}x{captions}", pictures, tuple(texts), right))
    return items


def decided(items, edit=lambda frame: frame, seed=1):
    data, number = data_of(items)
    prompts = prompts_of(data, free=False)
    similarity = edit(chance_similarities(data, prompts, seed))
    return matching_metrics.decide(similarity, data, prompts, "here"), similarity, number


def by_definition(item, items, value):
    """Whether each image of `item` prefers its caption; None where captions have no base rate."""
    others = [
        picture
        for other in items
        for picture in other.pictures
        if picture not in item.pictures and all((picture, c) in value for c in item.captions)
    ]
    if not others:
        return None
    others = sorted(set(others), key=repr)
    rate = {c: sum(value[p, c] for p in others) / len(others) for c in item.captions}
    right = []
    for position, picture in enumerate(item.pictures):
        left = {c: value[picture, c] - rate[c] for c in item.captions}
        own = item.captions[item.own_caption(position)]
        right.append(all(left[own] > left[c] for c in item.captions if c != own))
    return all(right)


@pytest.mark.parametrize(("captions", "images"), [(2, 1), (4, 1), (3, 3)])
def test_items_are_decided_as_defined(captions, images):
    items = shared(30, captions, images)
    found, similarity, number = decided(items)
    picture, text = pictures_of(items), {n: caption for caption, n in number.items()}
    value = {(picture[row.image], text[row.prompt]): row.score for row in similarity.itertuples()}
    own = found[found["metric"] == METRIC].set_index("unit")["correct"]
    expected = {n: by_definition(item, items, value) for n, item in enumerate(items)}
    assert own.to_dict() == expected and 0 < own.mean() < 1
    plain = found[found["metric"] == "text_score"].set_index("unit")["correct"]
    assert images > 1 or (plain != own).any()


def test_what_a_model_likes_about_a_caption_is_taken_off():
    """Each right pair has 1 more, and a caption that is liked everywhere has 5 more."""
    items = shared(24)
    picture = pictures_of(items)

    def biased(frame):
        pairs = zip(frame["image"], frame["prompt"], strict=True)
        right = [item.captions[item.right] for item in items]
        of = {picture[n]: text for n, text in enumerate(right)}
        text = {n: caption for caption, n in data_of(items)[1].items()}
        truth = [float(of[picture[image]] == text[prompt]) for image, prompt in pairs]
        liked = frame["prompt"].map(lambda prompt: 5.0 * text[prompt].endswith("0"))
        return frame.assign(score=np.array(truth) + liked + 0.01 * frame["score"])

    found, _, _ = decided(items, biased)
    share = found.groupby("metric")["correct"].mean()
    assert share["text_score"] < 0.5 and share[METRIC] == 1


def test_guessing_is_right_as_often_as_chance_says():
    found, _, _ = decided(shared(3000, sets=300))
    own = found[found["metric"] == METRIC]
    assert set(own["chance"]) == {0.25} and len(own) == 3000
    assert stats.binomtest(int(own["correct"].sum()), len(own), 0.25).pvalue > 1e-3


def test_captions_of_one_item_have_no_base_rate():
    alone = [Item("alone", (Picture(f"{n}"),), (f"{n} a", f"{n} b"), 0) for n in range(10)]
    two = [
        Item("two", (Picture(f"{n}x"), Picture(f"{n}y")), (f"{n} x", f"{n} y")) for n in range(10)
    ]
    found, _, _ = decided([*alone, *two, *shared(8)])
    assert set(found.loc[found["metric"] == METRIC, "subtask"]) == {"1x4"}


@pytest.mark.parametrize(("unlike", "there"), [(2, 18), (3, 0)])
def test_a_subtask_needs_them_for_nine_of_ten_items(unlike, there):
    items = shared(20 - unlike)
    items += [
        Item("1x4", (Picture(f"p{n}"),), tuple(f"p{n} {c}" for c in range(4)), 0)
        for n in range(unlike)
    ]
    found, _, _ = decided(items)
    assert (found["metric"] == METRIC).sum() == there
    assert (found["metric"] == "text_score").sum() == 20


def test_a_table_has_it_with_its_count():
    found, similarity, _ = decided(shared(12))
    methods = {"sd": {"label": "SD", "kind": "diffusion", "group": "sd", "varies": "training"}}
    own = {"name": "sd", "dataset": "mine"}
    spent = matching_metrics.item_costs(similarity, data_of(shared(12))[0]).assign(**own)
    rows = long_form(score_table(methods, found.assign(**own), spent, "t"))
    row = rows[rows["metric"] == METRIC].iloc[0]
    assert (row["dataset"], row["images"], row["chance"]) == ("mine/1x4", 12, 25)
