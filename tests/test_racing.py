"""Races, compared with a simple loop over a table of all errors."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from diffusion_classifier.engine.error_files import cost, error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.pruning import prediction_table
from diffusion_classifier.selection.racing import Gap, checkpoints, gap_race, history, race
from diffusion_classifier.selection.schedules import spread

IMAGES, CLASSES, COUNT = 12, 5, 24
SAMPLES = [Sample(10 * n, n, 0.5 + (n % 3)) for n in range(COUNT)]
PAIRS = pd.DataFrame(
    [(i, c) for i in range(IMAGES) for c in range(CLASSES)], columns=["image", "prompt"]
)


def table(seed: int, gap: float = 0.3) -> np.ndarray:
    """Errors (image, class, sample): one class of each image is better, by about `gap`."""
    generator = np.random.default_rng(seed)
    values = generator.normal(0, 0.2, (IMAGES, CLASSES, COUNT)) + generator.random(
        (IMAGES, 1, COUNT)
    )
    values[np.arange(IMAGES), np.arange(IMAGES) % CLASSES] -= gap * generator.random((IMAGES, 1))
    return values.astype("float32")


def looked_up(values: np.ndarray, asked: list | None = None):
    def measure(pairs, samples):
        if asked is not None:
            asked.append((len(pairs), [sample.noise for sample in samples]))
        rows = values[pairs["image"], pairs["prompt"]]
        return {"l2": rows[:, [sample.noise for sample in samples]]}

    return measure


def plainly(values, z, minimum, sigma=None, start=0):
    """The number of samples of each class until it leaves: {image: {class: samples}}."""
    weights = np.array([sample.weight for sample in SAMPLES])
    every = {}
    for image in range(IMAGES):
        left, seen = list(range(CLASSES)), dict.fromkeys(range(CLASSES), start)
        for n in checkpoints(max(1, minimum - start), COUNT - start):
            n += start
            seen.update(dict.fromkeys(left, n))
            w = weights[:n] / weights[:n].sum()
            means = {c: sum(w * values[image, c, :n]) for c in left}
            leader = min(left, key=means.get)
            variances = []
            for c in left:
                if c != leader:
                    d = values[image, c, :n].astype(float) - values[image, leader, :n]
                    centred = d - sum(w * d)
                    variances.append(n / max(1, n - 1) * sum(w**2 * centred**2))
            p = np.mean(variances)
            if sigma is not None:
                p = ((n - 1) * p + 4 * sum(w**2 * sigma[:n] ** 2)) / (n + 3)
            left = [c for c in left if c == leader or means[c] - means[leader] <= z * p**0.5]
            if len(left) == 1:
                break
        every[image] = seen
    return every


@pytest.mark.parametrize(
    ("z", "minimum", "calibrated"),
    [*((z, n, known) for z, n in ((0.7, 2), (1.5, 3), (2.5, 6)) for known in (False, True)),
     (0.5, 1, True)],
)  # fmt: skip
def test_who_leaves_when_is_that_of_a_plain_loop(z, minimum, calibrated):
    values = table(seed=minimum)
    sigma = np.linspace(0.1, 0.6, COUNT) if calibrated else None
    classes = np.arange(CLASSES)
    found = race(looked_up(values), PAIRS, SAMPLES, classes, Gap(z, sigma), minimum)["l2"]
    expected = plainly(values, z, minimum, sigma)
    counts = (~np.isnan(found)).sum(axis=1)
    assert counts.tolist() == [expected[i][c] for i, c in PAIRS.to_numpy()]
    assert len(set(counts)) > 2  # some leave early, some late
    for row, (image, prompt) in enumerate(PAIRS.to_numpy()):
        np.testing.assert_array_equal(
            found[row, : counts[row]], values[image, prompt, : counts[row]]
        )


def test_nothing_is_measured_for_a_class_that_has_left():
    asked: list = []
    found = race(looked_up(table(1), asked), PAIRS, SAMPLES, np.arange(CLASSES), Gap(1.0), 3)["l2"]
    assert sum(pairs * len(noises) for pairs, noises in asked) == (~np.isnan(found)).sum()
    noises = [noise for _, own in asked for noise in own]
    assert noises == list(range(len(noises)))
    assert asked[0] == (len(PAIRS), [0, 1, 2]) and asked[-1][0] < len(PAIRS) / 2


def test_an_image_races_alone():
    values, classes = table(2), np.arange(CLASSES)
    whole = race(looked_up(values), PAIRS, SAMPLES, classes, Gap(1.2), 3)["l2"]
    for image in range(IMAGES):
        own = PAIRS[PAIRS["image"] == image]
        alone = race(looked_up(values), own.reset_index(drop=True), SAMPLES, classes, Gap(1.2), 3)[
            "l2"
        ]
        np.testing.assert_array_equal(alone, whole[own.index])


def test_a_race_goes_on_from_earlier_stages():
    values, classes = table(3), np.arange(CLASSES)
    first = error_dataset(
        {"l2": values.reshape(-1, COUNT)[:, :4]}, PAIRS, SAMPLES[:4], {"seconds": 1}
    )
    seen = history([first], PAIRS, "l2")
    assert seen.timesteps.tolist() == [0, 10, 20, 30] and seen.errors.shape == (len(PAIRS), 4)
    found = race(looked_up(values), PAIRS, SAMPLES[4:], classes, Gap(1.5), 3, seen=seen)["l2"]
    expected = plainly(values, 1.5, 3, start=4)
    counts = (~np.isnan(found)).sum(axis=1) + 4
    assert counts.tolist() == [expected[i][c] for i, c in PAIRS.to_numpy()]


def test_prompts_of_a_class_leave_together():
    values, class_of = table(4), np.array([0, 0, 1, 1, 2])
    found = race(looked_up(values), PAIRS, SAMPLES, class_of, Gap(1.0), 3)["l2"]
    counts = (~np.isnan(found)).sum(axis=1).reshape(IMAGES, CLASSES)
    assert (counts[:, 0] == counts[:, 1]).all() and (counts[:, 2] == counts[:, 3]).all()
    means = np.stack([values[:, class_of == k].mean(axis=1) for k in range(3)], axis=1)
    pairs = pd.DataFrame([(i, c) for i in range(IMAGES) for c in range(3)], columns=PAIRS.columns)
    alone = race(looked_up(means), pairs, SAMPLES, np.arange(3), Gap(1.0), 3)["l2"]
    assert (~np.isnan(alone)).sum(axis=1).reshape(-1, 3).tolist() == counts[:, [0, 2, 4]].tolist()


def test_the_best_prompt_may_stand_for_its_class():
    values, class_of = table(4), np.array([0, 0, 1, 1, 1])
    settings = {"z": 0.0001, "minimum": 8, "loss": "l2", "combine": "best"}
    found = gap_race(looked_up(values), PAIRS, SAMPLES, class_of, settings, [], None)["l2"]
    weights = np.array([sample.weight for sample in SAMPLES[:8]])
    leads = (values[:, :, :8] @ weights).argmin(axis=1)
    rows = found.reshape(IMAGES, CLASSES, COUNT)
    assert np.isnan(rows[:, :, 8:]).all()
    labels = pd.DataFrame({"image": range(IMAGES), "label": 0})
    stage = error_dataset({"l2": found}, PAIRS, SAMPLES, {"seconds": 1.0})
    predicted = prediction_table([stage], PAIRS, class_of, labels, "best")["prediction"]
    assert predicted.tolist() == class_of[leads].tolist()


def test_the_survivor_wins_even_if_a_class_that_left_has_a_smaller_mean():
    pairs, classes = PAIRS[:2], np.arange(2)
    errors = np.array([[0.1, 0.1, np.nan, np.nan], [0.0, 0.0, 0.9, 0.9]], "float32")
    samples = [Sample(n, n) for n in range(4)]
    stage = error_dataset({"l2": errors}, pairs, samples, {"seconds": 6.0})
    labels = pd.DataFrame({"image": [0], "label": [1]})
    row = prediction_table([stage], pairs, classes, labels).iloc[0]
    assert row["prediction"] == 1 and row["evaluations"] == 6
    assert np.isnan(row["scores"][0]) and row["scores"][1] == pytest.approx(-0.45)
    assert cost([stage])["seconds"].tolist() == [6.0]


def test_weights_make_the_mean():
    values = table(5)
    stage = error_dataset({"l2": values.reshape(-1, COUNT)}, PAIRS, SAMPLES, {"seconds": 1.0})
    labels = pd.DataFrame({"image": range(IMAGES), "label": 0})
    scores = np.stack(prediction_table([stage], PAIRS, np.arange(CLASSES), labels)["scores"])
    weights = [sample.weight for sample in SAMPLES]
    np.testing.assert_allclose(scores, -np.average(values, axis=2, weights=weights), rtol=1e-5)


def test_of_two_classes_the_gap_is_the_paired_t_statistic():
    errors = np.random.default_rng(0).normal(size=(2, 9))
    statistic = abs(stats.ttest_rel(errors[0], errors[1]).statistic)
    assert Gap(statistic * 1.001)(errors, np.ones(9)).all()
    assert Gap(statistic * 0.999)(errors, np.ones(9)).sum() == 1


def test_checks_grow_further_apart():
    found = checkpoints(3, 64)
    assert found[:6] == [3, 4, 5, 6, 7, 8] and found[-1] == 64 and len(found) < 28
    assert all(b - a <= max(1, a // 8) for a, b in pairwise(found))
    assert checkpoints(9, 4) == [4]


def test_every_beginning_of_the_visiting_order_is_spread_evenly():
    samples = [Sample(t, n) for n, t in enumerate(range(2, 1000, 4))]
    ordered = spread(samples)
    assert sorted(ordered) == sorted(samples)
    for n in (4, 10, 33, 100, 250):
        times = np.array([sample.timestep for sample in ordered[:n]]) / 1000
        assert stats.qmc.discrepancy(times[:, None], method="L2-star") < 1 / n
