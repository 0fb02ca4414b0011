"""The classes that survive a cheap look, against exhaustive search and simulation."""

import numpy as np
import pytest

from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.survival import (
    calibrated,
    fewest,
    gaps,
    survivors,
    threshold,
)


def random_scores(images=30, classes=7, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=images)
    scores = rng.normal(size=(images, classes))
    scores[np.arange(images), labels] -= 1.5
    return scores, labels


@pytest.mark.parametrize("risk", [0.5, 0.1, 0.04])
def test_the_threshold_is_the_least_that_keeps_enough_calibration_images(risk):
    scores, labels = random_scores(images=41)
    behind = gaps(scores, labels)
    enough = [t for t in behind if (behind <= t).sum() >= (len(behind) + 1) * (1 - risk) - 1e-9]
    assert threshold(behind, risk) == min(enough)


@pytest.mark.parametrize("risk", [0.5, 0.1, 0.01, 0.004, 0.3])
def test_fewest_images(risk):
    least = next(n for n in range(1, 2000) if np.isfinite(threshold(np.zeros(n), risk)))
    assert fewest(risk) == least


def test_true_classes_survive_as_often_as_the_risk_says():
    """Over many draws of 39 calibration images and one test image: 95 %, and not much more."""
    kept = []
    for seed in range(2000):
        scores, labels = random_scores(images=40, seed=seed)
        behind = gaps(scores, labels)
        kept.append(behind[-1] <= threshold(behind[:-1], 0.05))
    # 38 of 40 equally likely ranks
    assert np.mean(kept) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 2000))


@pytest.mark.parametrize(("most_behind", "keep"), [(0.0, 5), (0.8, 7), (0.8, 2), (np.inf, 3)])
def test_survivors_are_those_of_an_exhaustive_search(most_behind, keep):
    scores, _ = random_scores()
    scores[3, :4] = scores[3].min()  # ties: the earlier classes first
    images = np.arange(100, 130)
    expected = []
    for image, row in zip(images, scores, strict=True):
        best = sorted(range(7), key=lambda c: (row[c], c))[:keep]
        expected += sorted((image, c) for c in best if row[c] - min(row) <= most_behind)
    found = survivors(scores, images, most_behind, keep)
    assert [*found.itertuples(index=False, name=None)] == expected


def test_what_a_calibration_reports():
    scores, labels = random_scores(images=99)
    found = calibrated(scores, labels, risk=0.05, keep=3)
    chosen = survivors(scores, np.arange(99), found["threshold"], 3)
    survived = {*map(tuple, chosen.to_numpy())}
    kept = [(image, label) in survived for image, label in enumerate(labels)]
    assert found["ceiling"] == pytest.approx(100 * np.mean(kept))
    assert found["left"] == pytest.approx(len(chosen) / 99)
    assert found["top1"] == pytest.approx(100 * np.mean(scores.argmin(axis=1) == labels))


def test_too_few_images_for_a_risk():
    scores, labels = random_scores(images=30)
    with pytest.raises(InputError, match=r"found 30 images, expected at least 99 .*risk of 0.01"):
        calibrated(scores, labels, risk=0.01, keep=3)
