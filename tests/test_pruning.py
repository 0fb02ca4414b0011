"""The classes that stay and the predicted class, compared with loops over random errors."""

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier.engine.error_files import class_part, error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.pruning import (
    best_classes,
    class_errors,
    mean_errors,
    prediction_table,
    survivors,
)

CLASS_OF = np.array([0, 1, 1, 2, 3, 3, 3, 4])  # eight prompts, five classes
PROMPTS = pd.DataFrame({"classidx": CLASS_OF})
IMAGES = [10, 11, 12, 20]


def all_pairs(images=tuple(IMAGES), prompts=tuple(range(8))):
    rows = [(image, prompt) for image in images for prompt in prompts]
    return pd.DataFrame(rows, columns=["image", "prompt"])


def stage(pairs, errors, seconds=1.0):
    """An error file of `errors`, loss → (pair, sample)."""
    count = next(iter(errors.values())).shape[1] if errors else 0
    return error_dataset(errors, pairs, [Sample(t, t) for t in range(count)], {"seconds": seconds})


def random_stage(pairs, samples, seed, losses=("l1", "l2", "huber")):
    generator = np.random.default_rng(seed)
    shape = (len(pairs), samples)
    return stage(pairs, {name: generator.random(shape, "float32") for name in losses}, seed + 1.0)


def looked_up(stages, image, prompt, loss):
    """All errors of one pair, from all files with this pair."""
    values = []
    for each in stages:
        for row in range(each.sizes["pair"]):
            if (each["image"].values[row], each["prompt"].values[row]) == (image, prompt):
                values += [v for v in each[loss].values[row].astype("float64") if not np.isnan(v)]
    return values


def ranked(stages, pairs, image, loss, reduce):
    """The remaining classes of an image, best first, by a loop over the definition."""
    errors = {}
    for prompt in pairs.loc[pairs["image"] == image, "prompt"]:
        mean = np.mean(looked_up(stages, image, prompt, loss))
        errors.setdefault(int(CLASS_OF[prompt]), []).append(mean)
    return sorted(errors, key=lambda label: (reduce(errors[label]), label))


@pytest.mark.parametrize(("combine", "reduce"), [("mean", np.mean), ("best", min)])
@pytest.mark.parametrize("loss", ["l1", "l2", "huber"])
def test_survivors_are_the_best_classes_of_all_stages_so_far(combine, reduce, loss):
    pairs, stages = all_pairs(), []
    for number, keep in enumerate([3, 2, 1]):
        shuffled = pairs.sample(frac=1, random_state=number)
        stages.append(random_stage(shuffled, samples=number + 2, seed=10 * number))
        left = survivors(stages, pairs, CLASS_OF, keep, loss, combine)
        for image in IMAGES:
            best = ranked(stages, pairs, image, loss, reduce)[:keep]
            expected = [prompt for prompt in range(8) if CLASS_OF[prompt] in best]
            assert left.loc[left["image"] == image, "prompt"].tolist() == expected
        pairs = left


def test_mean_and_best_can_disagree():
    pairs = all_pairs([0], [0, 1, 2])
    errors = stage(pairs, {"l2": np.array([[0.4], [0.1], [0.9]], "float32")})
    left = {
        combine: survivors([errors], pairs, CLASS_OF, 1, "l2", combine)["prompt"].tolist()
        for combine in ("mean", "best")
    }
    assert left == {"mean": [0], "best": [1, 2]}  # class 1: mean 0.5, best 0.1


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_equal_errors_keep_the_earlier_class(keep):
    errors = pd.DataFrame(
        {"image": 0, "class": [4, 2, 3, 0, 1], "error": [0.5, 0.5, 0.1, 0.5, 0.5]}
    )
    best = best_classes(errors, keep)
    assert best["class"].tolist() == [3, 0, 1][:keep]


def test_keeping_more_classes_than_there_are_keeps_all():
    pairs = all_pairs()
    left = survivors([random_stage(pairs, 2, seed=0)], pairs, CLASS_OF, 99, "l2")
    pd.testing.assert_frame_equal(left, pairs)


def test_a_mean_runs_over_samples_not_over_stages():
    pairs = all_pairs([0], [0])
    first = stage(pairs, {"l2": np.array([[1.0, 2.0, 3.0]])})
    second = stage(pairs, {"l2": np.array([[10.0]])})
    assert mean_errors([first, second], "l2")["error"].tolist() == [4.0]
    assert mean_errors([second, first], "l2")["error"].tolist() == [4.0]


def test_what_was_not_evaluated_does_not_count():
    pairs = all_pairs([0], [0, 1])
    errors = stage(pairs, {"l2": np.array([[1.0, np.nan, 3.0], [np.nan, 5.0, np.nan]])})
    found = mean_errors([errors], "l2")
    assert found["error"].tolist() == [2.0, 5.0]


def test_a_class_without_any_error_never_wins():
    pairs = all_pairs([0], [0, 3])
    errors = stage(pairs, {"l2": np.array([[np.nan], [7.0]])})
    assert survivors([errors], pairs, CLASS_OF, 1, "l2")["prompt"].tolist() == [3]


def test_small_differences_are_not_lost_in_single_precision():
    pairs = all_pairs([0], [0, 3])
    values = np.full((2, 1000), 0.1, "float32")
    values[0, 0] = np.nextafter(np.float32(0.1), np.float32(1))
    assert survivors([stage(pairs, {"l2": values})], pairs, CLASS_OF, 1, "l2")["prompt"].item() == 3


def test_class_errors_reduce_over_prompts_of_the_class():
    errors = pd.DataFrame({"image": 5, "prompt": [4, 5, 6, 0], "error": [1.0, 2.0, 6.0, 4.0]})
    for combine, expected in (("mean", {0: 4.0, 3: 3.0}), ("best", {0: 4.0, 3: 1.0})):
        found = class_errors(errors, CLASS_OF, combine)
        assert found.set_index("class")["error"].to_dict() == expected


def test_l2_and_the_bound_add_up():
    pairs = all_pairs()
    stages = [
        random_stage(pairs, 3, seed=0, losses=("l2", "vlb")),
        random_stage(pairs, 2, seed=1, losses=("l2", "vlb")),
    ]
    apart = [mean_errors(stages, loss)["error"].to_numpy() for loss in ("l2", "vlb")]
    assert mean_errors(stages, "l2+vlb")["error"].to_numpy() == pytest.approx(sum(apart))


@pytest.mark.parametrize("loss", ["vlb", "l2+vlb"])
def test_the_bound_needs_a_learned_variance(loss):
    pairs = all_pairs()
    with pytest.raises(InputError) as error:
        mean_errors([random_stage(pairs, 2, seed=0)], loss)
    for words in (f"loss: found {loss}", "no vlb", "expected one of huber, l1, l2", "choose"):
        assert words in str(error.value)


def test_class_parts_and_empty_files_change_nothing():
    pairs = all_pairs()
    whole = random_stage(pairs, 3, seed=0)
    # after pruning only classes 0 and 3 are left; part 1 of 3 has nothing, as has a stage
    # whose timesteps were all seen before
    left = pairs[np.isin(CLASS_OF[pairs["prompt"]], [0, 3])].reset_index(drop=True)
    later = random_stage(left, 2, seed=1)
    parts = [class_part(pairs, PROMPTS, part, 3) for part in range(3)]
    keyed = list(zip(pairs["image"], pairs["prompt"], strict=True))
    split = [
        whole.isel(pair=[keyed.index(key) for key in zip(p["image"], p["prompt"], strict=True)])
        for p in parts
    ]
    nothing = [stage(class_part(left, PROMPTS, 1, 3), {}), stage(left, {})]
    assert nothing[0].sizes["pair"] == 0
    nothing[0] = error_dataset(
        {}, class_part(left, PROMPTS, 1, 3), [Sample(0, 0)], {"seconds": 0.0}
    )
    expected = survivors([whole, later], left, CLASS_OF, 1, "l2")
    found = survivors([*split, later, *nothing], left, CLASS_OF, 1, "l2")
    pd.testing.assert_frame_equal(found, expected)
    labels = pd.DataFrame({"image": IMAGES, "label": 0})
    tables = [
        prediction_table(stages, left, CLASS_OF, labels)
        for stages in ([whole, later], [*split, later, *nothing])
    ]
    columns = ["image", "loss", "prediction", "evaluations"]
    pd.testing.assert_frame_equal(tables[0][columns], tables[1][columns])


@pytest.fixture(params=["mean", "best"])
def staged(request):
    """Two stages, the candidates of the second, and the way prompts are combined."""
    losses = ("l1", "l2", "huber", "vlb")
    pairs = all_pairs()
    first = random_stage(pairs, 3, seed=0, losses=losses)
    left = survivors([first], pairs, CLASS_OF, 2, "l2", request.param)
    return [first, random_stage(left, 5, seed=1, losses=losses)], left, request.param


def test_predictions_are_the_best_of_the_last_stage(staged):
    stages, left, combine = staged
    labels = pd.DataFrame({"image": IMAGES[::-1], "label": [3, 1, 2, 0]})
    table = prediction_table(stages, left, CLASS_OF, labels, combine)
    columns = ["image", "label", "loss", "prediction", "evaluations", "seconds", "scores"]
    assert list(table) == columns
    assert set(table["loss"]) == {"l1", "l2", "huber", "vlb", "l2+vlb"}
    assert len(table) == 5 * len(IMAGES)
    assert table["prediction"].dtype == "int64"
    reduce = {"mean": np.mean, "best": min}[combine]
    for row in table.itertuples():
        assert labels.set_index("image")["label"][row.image] == row.label
        if row.loss != "l2+vlb":
            assert row.prediction == ranked(stages, left, row.image, row.loss, reduce)[0]
        in_it = set(CLASS_OF[left.loc[left["image"] == row.image, "prompt"]])
        assert row.scores.dtype == np.float32
        assert set(np.flatnonzero(~np.isnan(row.scores))) == in_it  # NaN: the class had left
        assert len(row.scores) == 5
        assert np.nanargmax(row.scores) == row.prediction


def test_scores_are_minus_the_mean_error():
    pairs = all_pairs([0], [0, 3])
    errors = stage(pairs, {"l2": np.array([[1.0, 2.0], [0.5, 0.5]])})
    table = prediction_table([errors], pairs, CLASS_OF, pd.DataFrame({"image": [0], "label": [2]}))
    assert np.array_equal(
        table["scores"][0],
        np.array([-1.5, np.nan, -0.5, np.nan, np.nan], "float32"),
        equal_nan=True,
    )


def test_evaluations_and_seconds_are_counted_per_image(staged):
    stages, left, combine = staged
    labels = pd.DataFrame({"image": IMAGES, "label": 0})
    table = prediction_table(stages, left, CLASS_OF, labels, combine).query("loss == 'l2'")
    left_prompts = left.groupby("image").size()
    expected = [8 * 3 + int(left_prompts[image]) * 5 for image in IMAGES]
    assert table["evaluations"].tolist() == expected
    # the seconds of both files (1 and 2) are distributed, and none are lost
    assert table["seconds"].sum() == pytest.approx(3.0)
    share = [1.0 / 4 + 2.0 * left_prompts[image] / len(left) for image in IMAGES]
    assert table["seconds"].tolist() == pytest.approx(share)
