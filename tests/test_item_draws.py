"""Labelled items of matching tasks: how many, and that they share nothing with the others."""

from collections import Counter

import numpy as np
import pytest
from matching_items import biased, data_of, mixed

from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import whole_items
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.item_draws import (
    held_out_images,
    item_groups,
    labelled_items,
)


def alone(count, subtasks=3):
    """Items of one image each; subtasks of different sizes."""
    names = [f"task {n % subtasks if n % 2 else 0}" for n in range(count)]
    return [Item(name, (Picture(f"{n}"),), (f"{n} a", f"{n} b"), 0) for n, name in enumerate(names)]


def in_threes(count):
    """Three items of different subtasks ask about each image."""
    return [
        Item(f"task {n % 3}", (Picture(f"{n // 3}"),), (f"{n} a", f"{n} b"), 0)
        for n in range(count)
    ]


def joined_by_hand(items):
    """The groups of items that share an image, a pair or a set, one after the other."""

    def linked(a, b):
        shared = set(a.pictures) & set(b.pictures)
        named = a.subtask == b.subtask and (
            (a.pair and a.pair == b.pair) or (a.set and a.set == b.set)
        )
        return bool(shared) or named

    groups = []
    for n, item in enumerate(items):
        joined = [group for group in groups if any(linked(item, items[m]) for m in group)]
        groups = [group for group in groups if group not in joined]
        groups.append({n}.union(*joined))
    return sorted(map(sorted, groups))


def test_groups_are_those_by_hand():
    rng = np.random.default_rng(0)
    items = [
        Item(
            f"task {n % 2}",
            tuple(Picture(f"{i}") for i in rng.choice(70, 1 + n % 2, replace=False)),
            (f"{n} a", f"{n} b"),
            pair=f"{n // 4}" if n > 30 else "",
            set=f"{n // 8}" if n > 36 else "",
        )
        for n in range(44)
    ]
    data, _ = data_of(items)
    found = item_groups(data)
    groups = sorted(map(sorted, found.groupby("group")["example"].agg(list)))
    assert groups == joined_by_hand(items) and 5 < len(groups) < 40


@pytest.mark.parametrize("seed", [0, 1])
def test_a_draw_has_so_many_items_of_each_subtask(seed):
    items = alone(120)
    data, _ = data_of(items)
    draws = labelled_items(data, 3, seed, per_class=4)
    for draw in draws:
        named = [items[n].subtask for n in draw]
        assert named == sorted(named)
        assert Counter(named) == {"task 0": 4, "task 1": 4, "task 2": 4}
    assert len(set(np.concatenate(draws).tolist())) == 36
    again = labelled_items(data, 3, seed, per_class=4)
    assert [draw.tolist() for draw in again] == [draw.tolist() for draw in draws]
    other = labelled_items(data, 3, seed + 1, per_class=4)
    assert other[0].tolist() != draws[0].tolist()


def test_a_fraction_has_the_shares_of_the_subtasks():
    items = alone(200)
    data, _ = data_of(items)
    shares = Counter(item.subtask for item in items)
    for draw in labelled_items(data, 2, fraction=0.1):
        assert len(draw) == 20
        for name, count in Counter(items[n].subtask for n in draw).items():
            assert abs(count - shares[name] / 10) < 2


@pytest.mark.parametrize("how", [{"per_class": 5}, {"fraction": 0.1}])
def test_labelled_items_share_no_image_with_others(how):
    items = in_threes(150)
    data, _ = data_of(items)
    draws = labelled_items(data, 3, **how)
    assert [len(draw) for draw in draws] == [15, 15, 15]
    used = set(np.concatenate(draws).tolist())
    images = set(held_out_images(data, np.concatenate(draws)).tolist())
    rows = whole_items(data)
    assert set(rows.loc[rows["image"].isin(images), "example"]) == set(range(150)) - used
    assert not {items[n].pictures[0] for n in used} & {
        items[n].pictures[0] for n in set(range(150)) - used
    }


def test_parts_of_one_file_are_one_image():
    items = alone(6)
    data, _ = data_of(items)
    named = [f"aro/{n // 2}.jpg#{n},1,5,4" for n in range(6)]
    found = item_groups(data.assign(source=named))
    assert found["group"].tolist() == [0, 0, 1, 1, 2, 2]


def test_a_group_that_is_too_large_is_left_to_be_predicted():
    items = [*alone(40), *(Item("task 0", (Picture("shared"),), (f"s{n}", "x"), 0)
                           for n in range(8))]  # fmt: skip
    data, _ = data_of(items)
    for seed in range(5):
        (draw,) = labelled_items(data, seed=seed, fraction=0.1)
        assert len(draw) == 5 and max(draw) < 40


@pytest.mark.parametrize(
    ("items", "how", "message"),
    [
        (alone(30), {"per_class": 2, "draws": 6}, "2, which with 6 draws leaves .* task [12]"),
        (alone(30), {"fraction": 0.5, "draws": 2}, "0.5, which with 2 draws leaves no item to be"),
        (mixed(60, np.random.default_rng(0)), {"fraction": 0.05}, "leaves a draw with 0 groups"),
        (in_threes(60), {"fraction": 0.04}, "0.04, which with 1 draw leaves a draw with [01] gr"),
    ],
)
def test_what_cannot_be_drawn_is_said(items, how, message):
    data, _ = data_of(items)
    with pytest.raises(InputError, match=f"found {message}|{message}") as error:
        labelled_items(data, **how)
    assert "share an image" in str(error.value) and "\n" not in str(error.value)


def test_items_without_a_right_answer_are_not_labelled():
    _, data, _, _ = biased()
    assert item_groups(data.assign(items=[[] for _ in range(len(data))])).empty
    assert item_groups(data).empty
