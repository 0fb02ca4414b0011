"""Learned weights of timesteps in matching tasks: choices, scores and gains, by loops and scipy."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from matching_items import SHAPES, data_of, prompts_of
from scipy import stats

from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import pictures_of
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.compositional import SIMILARITY, similarities
from diffusion_classifier.scores.intervals import wilson
from diffusion_classifier.scores.matching_gain import GAINS, gain_table
from diffusion_classifier.scores.matching_tables import MICRO, decide_all
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.selection.item_draws import held_out_images, labelled_items
from diffusion_classifier.selection.timestep_weights import learn
from diffusion_classifier.selection.weighted_captions import choices, weighted_similarities
from diffusion_classifier.selection.weighted_classes import pair_errors

TIMES = (100, 300, 500)
SAMPLES = [Sample(t, n) for t in TIMES for n in (0, 1)]  # two noises a timestep


def items_of(count, shapes=SHAPES):
    rng = np.random.default_rng(0)
    return [
        Item(
            f"{images}x{captions}",
            tuple(Picture(f"{n} {i}") for i in range(images)),
            tuple(f"{n} {c}" for c in range(captions)),
            int(rng.integers(max(images, captions))) if images != captions else 0,
        )
        for n in range(count)
        for images, captions in [shapes[n % len(shapes)]]
    ]


def is_right(item, picture, caption):
    return item.own_caption(item.pictures.index(picture)) == item.captions.index(caption)


def measured(items, free=True, noise=0.15, seed=0):
    """Data, prompts and errors: the last timestep tells the truth, and the others lie."""
    data, number = data_of(items)
    prompts = prompts_of(data, free)
    pairs = candidates(data, prompts)
    pictures, texts = pictures_of(items), {n: caption for caption, n in number.items()}
    right = {
        (picture, caption)
        for item in items
        for picture, caption in product(item.pictures, item.captions)
        if is_right(item, picture, caption)
    }
    told = [
        (pictures[image], texts.get(prompt)) in right for image, prompt in pairs.to_numpy().tolist()
    ]
    generator = np.random.default_rng(seed)
    truth = np.repeat([-0.2, -0.1, 0.3], 2) * np.array(told)[:, None]
    errors = {
        loss: (generator.normal(1, noise, truth.shape) - truth).astype("float32")
        for loss in ("l1", "l2")
    }
    return data, prompts, error_dataset(errors, pairs, SAMPLES, {"seconds": 6.0})


def mean_error(stage, loss, image, prompt):
    """The errors of a pair at each timestep, `(timestep,)`, by a loop."""
    (row,) = np.flatnonzero((stage["image"].values == image) & (stage["prompt"].values == prompt))
    return stage[loss].values[row].astype("float64").reshape(3, 2).mean(axis=1)


@pytest.mark.parametrize("free", [True, False])
def test_choices_are_those_by_hand(free):
    items = items_of(15)
    data, prompts, stage = measured(items, free)
    number, image = data_of(items)[1], {p: n for n, p in enumerate(pictures_of(items))}
    pairs, errors, _ = pair_errors([stage], "l2")
    found = choices(pairs, errors, prompts, data, np.arange(15))
    expected, truth, of = [], [], []
    for n, item in enumerate(items):
        of_pair = {
            (i, c): mean_error(stage, "l2", image[p], number[caption])
            for (i, p), (c, caption) in product(enumerate(item.pictures), enumerate(item.captions))
        }
        nothing = [
            mean_error(stage, "l2", image[p], len(number)) if free else 0 for p in item.pictures
        ]
        if len(item.captions) == 1:
            expected.append([of_pair[i, 0] - nothing[i] for i in range(len(item.pictures))])
            truth.append(item.right)
            of.append(n)
        else:
            for i in range(len(item.pictures)):
                expected.append([of_pair[i, c] for c in range(len(item.captions))])
                truth.append(item.own_caption(i))
                of.append(n)
    assert found.truth.tolist() == truth and found.items.tolist() == of
    for row, own in zip(found.errors, expected, strict=True):
        np.testing.assert_allclose(row[: len(own)], own)
        assert np.isnan(row[len(own) :]).all()


def test_similarities_are_weighted_means_of_the_other_images():
    items = items_of(100)
    data, prompts, stage = measured(items)
    draws = labelled_items(data, 2, per_class=3)
    _, (table, weights) = weighted_similarities([stage], prompts, data, draws, [0, 1])
    assert list(table) == SIMILARITY
    used = {p for n in np.concatenate(draws) for p in items[n].pictures}
    image = {picture: n for n, picture in enumerate(pictures_of(items))}
    assert set(table["image"]) == {n for picture, n in image.items() if picture not in used}
    equal = similarities([stage])
    both = table.merge(equal, on=["image", "prompt", "loss"], suffixes=("", " equal"))
    assert len(both) == len(table) == equal["image"].isin(table["image"]).sum()
    for column in ("evaluations", "seconds"):
        np.testing.assert_allclose(both[column], both[f"{column} equal"])
    for row in table.iloc[::37].itertuples():
        own = weights.loc[weights["loss"] == row.loss, "weight"].to_numpy()
        errors = mean_error(stage, row.loss, row.image, row.prompt)
        assert row.score == pytest.approx(-np.mean(own * errors))
    assert (weights.groupby("loss")["weight"].mean() - 1).abs().max() < 1e-12
    assert weights.groupby("loss")["weight"].last().min() > 1.5  # the timestep that tells


def test_weights_are_those_of_the_labelled_choices_alone():
    items = items_of(60, [(1, 3), (2, 2)])
    data, prompts, stage = measured(items)
    draws = labelled_items(data, 1, fraction=0.2)
    ((_, weights),) = weighted_similarities([stage], prompts, data, draws)
    few = choices(*pair_errors([stage], "l1")[:2], prompts, data, draws[0])
    expected = learn(few.errors, few.truth, groups=few.items)
    own = weights[weights["loss"] == "l1"]
    np.testing.assert_allclose(own["weight"], expected.values)
    assert (own["penalty"] == expected.penalty).all()


def test_choices_of_one_item_are_in_one_fold():
    """An item of two equal choices: apart, one would be learned from to predict the other."""
    rng = np.random.default_rng(0)
    errors = np.repeat(rng.normal(1, 0.1, (10, 2, 6)), 2, axis=0)
    truth = np.repeat(rng.integers(2, size=10), 2)
    once = learn(errors[::2], truth[::2])
    twice = learn(errors, truth, groups=np.repeat(np.arange(10) + 7, 2))
    assert twice.penalty == once.penalty
    for penalty, value in once.log_losses.items():
        assert twice.log_losses[penalty] == pytest.approx(value, abs=1e-6)
    apart = learn(errors, truth)
    assert apart.log_losses[1e-6] < twice.log_losses[1e-6] - 0.5
    with pytest.raises(ValueError, match="found 1, expected at least 2"):
        learn(errors, truth, groups=np.zeros(20))


def test_a_missing_pair_is_said():
    items = items_of(40, [(1, 2)])
    data, prompts, stage = measured(items)
    draws = labelled_items(data, 1, per_class=5)
    number = data_of(items)[1]
    gone = number[items[draws[0][0]].captions[1]]
    with pytest.raises(InputError, match=f"found none of image .* with caption {gone}, which a"):
        weighted_similarities(
            [stage.isel(pair=stage["prompt"].values != gone)], prompts, data, draws
        )


# --- what a table says


METHODS = {
    "sd": {"label": "SD", "kind": "diffusion", "group": "sd", "varies": "training"},
    "w-draw0": {"label": "W", "kind": "weighted", "group": "w", "varies": "draw"},
    "w-draw1": {"label": "W", "kind": "weighted", "group": "w", "varies": "draw"},
}


@pytest.fixture(scope="module")
def scored():
    items = items_of(150, [(1, 2), (2, 2), (1, 3)])
    items = [Item(i.subtask, i.pictures, i.captions, i.right, set=f"{n // 6}" if n % 3 == 0 else "")
             for n, i in enumerate(items)]  # fmt: skip
    data, prompts, stage = measured(items)
    draws = labelled_items(data, 2, per_class=6)
    weighted = weighted_similarities([stage], prompts, data, draws, [0, 1])
    answers = {("sd", "mine"): similarities([stage])}
    answers |= {(f"w-draw{k}", "mine"): table for k, (table, _) in enumerate(weighted)}
    names = {"w-draw0": "sd", "w-draw1": "sd"}
    decisions, _ = decide_all(answers, {"mine": (data, prompts)}, names)
    return items, data, draws, decisions, names


def test_scores_with_and_without_are_of_the_same_items(scored):
    _, data, draws, decisions, _ = scored
    one = {"w-draw1": "sd"}
    gains = gain_table(METHODS, decisions, one)
    assert list(gains) == GAINS and set(gains["loss"]) == {"l1", "l2"}
    held_out = set(range(150)) - set(np.concatenate(draws).tolist())
    assert {*held_out_images(data, np.concatenate(draws))} < {*data["image"]}
    assert set(decisions.loc[decisions["name"] == "w-draw1", "unit"]) == held_out
    own = gains[(gains["loss"] == "l2") & (gains["metric"] == "text_score")]
    assert own["subtask"].tolist() == ["1x2", "2x2", "1x3", MICRO]
    for row in own.itertuples():
        found = decisions[(decisions["metric"] == "text_score") & (decisions["loss"] == "l2")]
        found = found[found["unit"].isin(held_out)]
        if row.subtask != MICRO:
            found = found[found["subtask"] == row.subtask]
        wide = found.pivot(index="unit", columns="name", values="correct").astype(bool)
        after, before = wide["w-draw1"], wide["sd"]
        assert row.images == len(wide) and row.draws == 1
        low, high = wilson(after.sum(), len(wide))
        assert row.without == pytest.approx(100 * before.mean())
        values = gains.loc[row.Index, ["with", "with_low", "with_high"]].tolist()
        assert values == pytest.approx([100 * after.mean(), 100 * low, 100 * high])
        better, worse = (after & ~before).sum(), (before & ~after).sum()
        assert row.difference == pytest.approx(100 * (better - worse) / len(wide))
        expected = stats.binomtest(better, better + worse).pvalue if better + worse else 1
        assert row.p == pytest.approx(expected)
    assert own.iloc[-1]["difference"] > 5


def test_draws_are_averaged_and_sets_are_whole(scored):
    _, _, draws, decisions, names = scored
    gains = gain_table(METHODS, decisions, names)
    row = gains[(gains["metric"] == "set_score") & (gains["loss"] == "l1")].iloc[0]
    own = decisions[(decisions["metric"] == "set_score") & (decisions["loss"] == "l1")]
    after = own[own["name"] != "sd"]
    same = own[(own["name"] == "sd") & own["unit"].isin(after["unit"])]
    assert row["draws"] == 2 and row["images"] == len(same) == len(after) / 2
    assert row["with"] == pytest.approx(100 * after["correct"].mean())
    assert row["without"] == pytest.approx(100 * same["correct"].mean())
    assert not set(after["unit"]) & set(np.concatenate(draws).tolist())


def test_a_table_without_weights_has_no_gain(scored):
    assert gain_table(METHODS, scored[3], {}).empty
    assert list(gain_table(METHODS, scored[3], {})) == GAINS
    assert isinstance(gain_table(METHODS, scored[3], {}), pd.DataFrame)
