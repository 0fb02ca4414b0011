"""Predictions with learned weights: which labels are used, and the predictions by loops."""

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection import weighted_classes as weighted
from diffusion_classifier.selection.pruning import prediction_table
from diffusion_classifier.selection.timestep_weights import Weights, learn
from diffusion_classifier.selection.weighted_classes import (
    candidate_errors,
    labelled_draws,
    weighted_predictions,
)

IMAGES, CLASSES = 60, 3
CLASS_OF = np.array([0, 0, 1, 1, 2, 2])  # two prompts a class
SAMPLES = [Sample(t, n) for t in (100, 300, 500) for n in (0, 1)]  # two noises a timestep
LABELS = pd.DataFrame({"image": 100 + np.arange(IMAGES), "label": np.arange(IMAGES) % CLASSES})


def stages(seed=0):
    """Two files of errors, as of two shards; the last timestep tells the truth and others lie."""
    generator = np.random.default_rng(seed)
    found = []
    for images in np.split(LABELS["image"].to_numpy(), [25]):
        rows = [(image, prompt) for image in images for prompt in range(len(CLASS_OF))]
        pairs = pd.DataFrame(rows, columns=["image", "prompt"])
        right = LABELS.set_index("image")["label"].loc[pairs["image"]] == CLASS_OF[pairs["prompt"]]
        told = np.repeat([-0.2, -0.1, 0.25], 2) * right.to_numpy()[:, None]
        errors = {
            loss: (generator.normal(1, 0.15, told.shape) - told).astype("float32")
            for loss in ("l1", "l2")
        }
        found.append(error_dataset(errors, pairs, SAMPLES, {"seconds": 6.0}))
    return found


def by_hand(found, image, weights, loss):
    """Minus the weighted mean error of each class, by a loop over the stored pairs."""
    scores = {}
    for stage in found:
        for row in np.flatnonzero(stage["image"].values == image):
            own = stage[loss].values[row].astype("float64").reshape(3, 2).mean(axis=1)
            scores.setdefault(CLASS_OF[stage["prompt"].values[row]], []).append(own)
    return [-np.mean(np.mean(scores[k], axis=0) * weights) for k in range(CLASSES)]


def test_predictions_are_those_by_hand():
    found = stages()
    draws = labelled_draws(LABELS["label"].to_numpy(), 2, 0, per_class=4)
    _, (predictions, weights) = weighted_predictions(found, CLASS_OF, LABELS, draws, [0, 1])
    assert list(weights) == ["loss", "timestep", "weight", "penalty", "log_loss", "log_loss_equal"]
    used = set(LABELS["image"].to_numpy()[np.concatenate(draws)])
    for loss in ("l1", "l2"):
        own = weights[weights["loss"] == loss]
        assert own["timestep"].tolist() == [100, 300, 500]
        assert own["weight"].mean() == pytest.approx(1) and own["weight"].iloc[2] > 2
        assert (own["log_loss"] <= own["log_loss_equal"]).all()
        table = predictions[predictions["loss"] == loss]
        assert set(table["image"]) == set(LABELS["image"]) - used
        assert table["evaluations"].tolist() == [36] * len(table)
        for row in table.itertuples():
            scores = by_hand(found, row.image, own["weight"].to_numpy(), loss)
            np.testing.assert_allclose(row.scores, scores, rtol=1e-5)
            assert row.prediction == np.argmax(scores)
            assert row.label == (row.image - 100) % CLASSES
        assert (table["prediction"] == table["label"]).mean() > 0.9


def test_the_weights_are_those_of_the_labelled_images_alone():
    draws = labelled_draws(LABELS["label"].to_numpy(), 1, 0, per_class=5)
    ((_, weights),) = weighted_predictions(stages(), CLASS_OF, LABELS, draws)
    grid = candidate_errors(stages(), CLASS_OF, "l1").errors[draws[0]]
    expected = learn(grid, LABELS["label"].to_numpy()[draws[0]])
    own = weights[weights["loss"] == "l1"]
    np.testing.assert_allclose(own["weight"], expected.values)
    assert (own["penalty"] == expected.penalty).all()


def test_labels_of_other_images_are_not_used():
    draws = labelled_draws(LABELS["label"].to_numpy(), 2, 0, per_class=4)
    (first,) = weighted_predictions(stages(), CLASS_OF, LABELS, draws)
    shuffled = LABELS.copy()
    others = np.setdiff1d(np.arange(IMAGES), draws[0])
    shuffled.loc[others, "label"] = np.random.default_rng(1).permutation(shuffled["label"][others])
    assert (shuffled["label"] != LABELS["label"]).sum() > 20
    (second,) = weighted_predictions(stages(), CLASS_OF, shuffled, draws)
    pd.testing.assert_frame_equal(first[1], second[1])
    pd.testing.assert_frame_equal(*(table.drop(columns="label") for table, _ in (first, second)))


def test_with_equal_weights_it_is_the_unweighted_classifier(monkeypatch):
    equal = Weights(np.ones(3), np.inf, {np.inf: 1.0})
    monkeypatch.setattr(weighted, "learn", lambda errors, truth: equal)
    draws = labelled_draws(LABELS["label"].to_numpy(), 1, 0, fraction=0.1)
    ((found, _),) = weighted_predictions(stages(), CLASS_OF, LABELS, draws, [0], "l2")
    pairs = pd.concat(stage[["image", "prompt"]].to_dataframe() for stage in stages())
    expected = prediction_table(stages(), pairs, CLASS_OF, LABELS, pruning="l2")
    assert list(found) == list(expected)
    both = found.merge(expected, on=["image", "loss"], suffixes=("", " expected"))
    assert len(both) == len(found) == 3 * (IMAGES - len(draws[0]))  # l1, l2 and the pruning loss
    for column in ("prediction", "label", "evaluations", "seconds"):
        assert (both[column] == both[f"{column} expected"]).all(), column
    np.testing.assert_allclose(
        np.stack(both["scores"]), np.stack(both["scores expected"]), rtol=1e-5
    )


def test_images_may_have_candidates_of_their_own():
    """As captions of an image: candidates of another image have no score."""
    rows = [(image, prompt) for image in range(20) for prompt in (2 * image, 2 * image + 1)]
    pairs = pd.DataFrame(rows, columns=["image", "prompt"])
    labels = pd.DataFrame({"image": range(20), "label": 2 * np.arange(20) + np.arange(20) % 2})
    right = pairs["prompt"].isin(labels["label"]).to_numpy()
    errors = np.random.default_rng(0).normal(1, 0.1, (40, 4)) - 0.3 * right[:, None]
    stage = error_dataset({"l2": errors}, pairs, [Sample(t, 0) for t in range(4)], {"seconds": 1.0})
    draws = labelled_draws(labels["label"].to_numpy(), fraction=0.2)
    ((predictions, _),) = weighted_predictions([stage], np.arange(40), labels, draws)
    assert len(predictions) == 16
    assert (predictions["prediction"] == predictions["label"]).all()
    scores = np.stack(predictions["scores"])
    assert scores.shape == (16, 40) and (np.isfinite(scores).sum(axis=1) == 2).all()


def test_errors_that_were_not_measured_are_refused():
    found = stages()
    found[1]["l1"][3, 4] = np.nan
    with pytest.raises(InputError, match=r"errors: found some that were not measured.*single"):
        candidate_errors(found, CLASS_OF, "l1")


def test_an_image_without_its_class_among_the_candidates_is_refused():
    wrong = LABELS.assign(label=LABELS["label"] + 1)
    draws = labelled_draws(wrong["label"].to_numpy(), per_class=2)
    with pytest.raises(InputError, match=r"found none of the class of image \d+, whose label"):
        weighted_predictions(stages(), CLASS_OF, wrong, draws)


@pytest.mark.parametrize("seed", [0, 1])
def test_draws_have_so_many_images_of_each_class_and_share_none(seed):
    labels = np.random.default_rng(seed).integers(5, size=200)
    draws = labelled_draws(labels, 3, seed, per_class=4)
    assert len(np.unique(np.concatenate(draws))) == 3 * 5 * 4
    for draw in draws:
        assert labels[draw].tolist() == [k for k in range(5) for _ in range(4)]
    again = labelled_draws(labels, 3, seed, per_class=4)
    assert [draw.tolist() for draw in again] == [draw.tolist() for draw in draws]
    other = labelled_draws(labels, 3, seed + 1, per_class=4)
    assert other[0].tolist() != draws[0].tolist()


def test_a_fraction_has_the_shares_of_the_classes():
    labels = np.repeat([0, 1, 2], [100, 60, 40])
    draws = labelled_draws(labels, 4, fraction=0.1)
    assert len(np.unique(np.concatenate(draws))) == 80
    counts = np.array([np.bincount(labels[draw]) for draw in draws])
    assert (counts.sum(axis=1) == 20).all() and (abs(counts - [10, 6, 4]) <= 1).all()
    assert len(labelled_draws(labels, fraction=0.001)[0]) == 2


def test_a_fraction_of_items_without_classes_is_drawn_from_all():
    draws = [labelled_draws(np.arange(100), 1, seed, fraction=0.05)[0] for seed in range(50)]
    assert {len(draw) for draw in draws} == {5}
    assert len(np.unique(np.concatenate(draws))) > 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"per_class": 5, "draws": 2}, "per_class: found 5 .* 2 draws, but a class has only 10 "),
        ({"fraction": 0.5, "draws": 2}, "fraction: found 0.5, which are 15 of 30 images in each"),
    ],
)
def test_images_have_to_remain(arguments, message):
    with pytest.raises(InputError, match=message):
        labelled_draws(np.repeat([0, 1], [10, 20]), **arguments)
