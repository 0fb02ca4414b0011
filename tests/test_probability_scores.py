"""Scores of probabilities, against definitions written as loops, and intervals by simulation."""

import doctest

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from diffusion_classifier.scores import probability_scores as scores
from diffusion_classifier.scores.probability_scores import Answers


def answers(images=300, trainings=2, classes=4, sharp=1.0, seed=0):
    """Probabilities that are calibrated with `sharp` 1, and too sure above."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (images, classes))
    truth = np.array([rng.choice(classes, p=softmax(row)) for row in logits])
    each = sharp * (logits + 0.01 * rng.normal(size=(trainings, images, classes)))
    return Answers(log_softmax(each, axis=2), truth)


def by_hand(found):
    """METRICS by their definitions, image by image."""
    values = {name: [] for name in scores.METRICS}
    for logs in found.logs:
        proba = np.exp(logs)
        right = [row.argmax() == truth for row, truth in zip(proba, found.truth, strict=True)]
        bins = {}
        for row, correct in zip(proba, right, strict=True):
            bins.setdefault(int(np.ceil(row.max() * 15)), []).append((correct, row.max()))
        values["accuracy"].append(100 * np.mean(right))
        values["ece"].append(
            sum(abs(sum(c - s for c, s in members)) for members in bins.values()) / len(right)
        )
        values["brier"].append(
            np.mean([((row - np.eye(4)[truth]) ** 2).sum()
                     for row, truth in zip(proba, found.truth, strict=True)])
        )  # fmt: skip
        values["log_likelihood"].append(
            np.mean([np.log(row[truth]) for row, truth in zip(proba, found.truth, strict=True)])
        )
    return {name: np.mean(each) for name, each in values.items()}


@pytest.mark.parametrize("sharp", [0.3, 1.0, 4.0])
def test_metrics_are_their_definitions(sharp):
    found = answers(sharp=sharp)
    assert scores.measured(found) == pytest.approx(by_hand(found), rel=1e-6)


def test_replicates_have_the_metrics_of_the_drawn_images():
    found = answers(50, 1)
    drawn = scores.replicates(found, 1, 5)
    counts = np.random.default_rng(1).multinomial(50, np.full(50, 1 / 50), 5)
    for number, times in enumerate(counts):
        images = np.repeat(np.arange(50), times)
        expected = by_hand(Answers(found.logs[:, images], found.truth[images]))
        got = {name: values[number] for name, values in drawn.items()}
        assert got == pytest.approx(expected, rel=1e-6)


def test_intervals_cover_what_they_should():
    """Of 100 data sets, the interval of the log-likelihood has the true mean in about 95."""
    truth = scores.measured(answers(20_000, 1, seed=99))["log_likelihood"]
    inside = 0
    for seed in range(100):
        drawn = scores.replicates(answers(200, 1, seed=seed), draws=300)
        low, high = scores.interval(drawn["log_likelihood"])
        inside += low <= truth <= high
    assert 88 <= inside <= 100


@pytest.mark.parametrize("sharp", [1.0, 2.0])
def test_intervals_of_the_calibration_error_cover_the_true_one(sharp):
    """The error of many images is the true one; calibrated ones have almost none."""
    truth = scores.measured(answers(20_000, 1, sharp=sharp, seed=99))["ece"]
    inside = 0
    for seed in range(40):
        few = answers(300, 1, sharp=sharp, seed=seed)
        value = scores.measured(few)["ece"]
        drawn = scores.replicates(few, draws=200)["ece"], scores.ece_if_true(few)
        low, high = scores.ece_interval(value, *drawn)
        assert low <= value <= high
        inside += low <= truth <= high
    assert inside >= 36


def test_a_difference_is_paired():
    calibrated, sure = answers(400, 1), answers(400, 1, sharp=3.0)
    a, b = (scores.replicates(one)["log_likelihood"] for one in (calibrated, sure))
    first, second = (scores.measured(one)["log_likelihood"] for one in (calibrated, sure))
    low, high = scores.interval(a - b)
    assert 0 < low < first - second < high
    assert (a - b).std() < np.hypot(a.std(), b.std())  # less than if images were not shared


def test_calibrated_probabilities_have_a_small_error_and_sure_ones_a_large_one():
    assert scores.measured(answers(20_000, 1))["ece"] < 0.01
    assert scores.measured(answers(20_000, 1, sharp=4.0))["ece"] > 0.15


def test_reliability_counts_every_image_once():
    found = answers()
    table = scores.reliability(found)
    assert table["images"].sum() == 600
    assert (table["low"] <= table["accuracy"]).all() and (table["accuracy"] <= table["high"]).all()
    gaps = (table["confidence"] - table["accuracy"]).abs() @ table["images"] / 600
    assert gaps <= scores.measured(found)["ece"] + 1e-12


def test_abstaining_on_the_least_sure_raises_accuracy():
    found = answers(2000, 1)
    table = scores.coverage(found, [0.25, 1.0])
    assert table["accuracy"].iloc[1] == pytest.approx(found.correct.mean())
    best = np.argsort(-found.confidence[0], kind="stable")[:500]
    assert table["accuracy"].iloc[0] == pytest.approx(found.correct[0, best].mean())
    assert table["accuracy"].iloc[0] > table["accuracy"].iloc[1] + 0.1


def test_examples_in_docstrings_run():
    found = doctest.testmod(scores)
    assert (found.attempted, found.failed) == (4, 0)
