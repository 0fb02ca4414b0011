"""Intervals over trainings and images against scipy, linear algebra and simulation."""

import numpy as np
import pytest
from crossed import difficulties, right
from scipy import stats

from diffusion_classifier.scores.intervals import accuracy, interval, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (3, 17), (199, 200), (1, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_is_scipys(k, n, confidence):
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert np.allclose(wilson(k, n, confidence), expected, atol=1e-12)
    one = accuracy(np.arange(n)[None] < k)  # with one training it is Wilson's interval
    assert np.allclose(interval(one, confidence), expected, atol=1e-12)


def test_wilson_is_elementwise_and_nan_without_images():
    low, high = wilson([0, 5, 0], [10, 10, 0])
    assert low[0] == 0 and low[1] < 0.5 < high[1] and np.isnan([low[2], high[2]]).all()


def test_mean_per_class_of_balanced_classes_is_top1():
    correct = np.random.default_rng(0).random((4, 500)) < 0.8
    found = accuracy(correct, np.arange(500) % 10)
    assert found.mean == pytest.approx(accuracy(correct).mean)
    # one training, equally hard classes: the same number of images, up to differences of p_k
    assert accuracy(correct[:1], np.arange(500) % 10).effective == pytest.approx(500)


@pytest.mark.parametrize("trainings", [1, 5])
def test_mean_per_class_has_the_variance_that_images_of_each_class_give(trainings):
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1, 2], [400, 50, 25])
    chance = np.array([0.9, 0.6, 0.3])[label]
    hard = chance[None] + 0.3 * (rng.random((2000, len(label))) - 0.5)  # the same for all trainings
    found = accuracy(rng.random((2000, trainings, len(label))) < hard[:, None], label)
    assert found.mean.mean() == pytest.approx(0.6, abs=0.005)
    assert found.of_images.mean() == pytest.approx(found.mean.var(), rel=0.1)
    variance = found.mean * (1 - found.mean) / found.effective
    # except where it would exceed that of the plain accuracy
    assert np.isclose(variance, found.of_images + found.of_trainings).mean() > 0.95


@pytest.mark.parametrize("correct", [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]])
@pytest.mark.parametrize("trainings", [1, 3])
@pytest.mark.parametrize("label", [None, [0, 0, 0, 1], [0, 1, 2, 3]])
def test_intervals_never_vanish_nor_leave_0_to_100_percent(correct, trainings, label):
    found = accuracy(np.tile(np.array(correct, bool), (trainings, 1)), label)
    low, high = interval(found)
    assert 0 < found.effective <= 4 and high - low > 0.3
    assert 0 <= low <= found.mean <= high <= 1


def test_one_image_per_class_is_no_certainty():
    """Nothing varies within classes, so the variance of the plain accuracy is used."""
    correct = np.random.default_rng(0).random((3, 200)) < 0.7
    plain, by_class = accuracy(correct), accuracy(correct, np.arange(200))
    assert by_class.effective == plain.effective


def test_variances_are_those_of_the_restricted_likelihood():
    """The mixed model's estimates, from maximising its likelihood with full matrices."""
    rng = np.random.default_rng(3)
    y = right(rng, 0.8, 4, difficulties(rng, 1, 30, 2.0), 1.0)[0]
    found = accuracy(y)
    trainings, images = y.shape
    every = trainings * images
    of_training = np.kron(np.eye(trainings), np.ones((images, images)))
    of_image = np.kron(np.ones((trainings, trainings)), np.eye(images))
    contrasts = np.linalg.svd(np.ones((1, every)))[2][1:]
    data = contrasts @ y.ravel()
    kernels = [contrasts @ k @ contrasts.T for k in (of_training, of_image, np.eye(every))]

    def deviance(log_variances):
        covariance = sum(np.exp(v) * k for v, k in zip(log_variances, kernels, strict=True))
        return np.linalg.slogdet(covariance)[1] + data @ np.linalg.solve(covariance, data)

    from scipy.optimize import minimize

    best = minimize(deviance, np.log([0.02, 0.05, 0.1]), method="Nelder-Mead", tol=1e-7)
    training, image, rest = np.exp(best.x)
    assert found.of_trainings == pytest.approx(training / trainings, rel=1e-3)
    # the images' part is divided by n, as in Wilson's interval, not by n - 1
    expected = (image / images + rest / every) * (images - 1) / images
    assert found.of_images == pytest.approx(expected, rel=1e-3)


def test_trainings_alike_are_one_training_and_those_that_share_nothing_are_more_images():
    rng = np.random.default_rng(0)
    one = rng.random((1, 700)) < 0.9
    assert accuracy(np.repeat(one, 5, axis=0)).effective == pytest.approx(700)
    assert np.allclose(interval(accuracy(np.repeat(one, 5, axis=0))), interval(accuracy(one)))
    guesses = accuracy(rng.random((200, 5, 700)) < 0.2)
    assert guesses.effective.mean() == pytest.approx(5 * 700, rel=0.2)


def test_trainings_that_differ_widen_the_interval_and_more_of_them_narrow_it():
    rng = np.random.default_rng(0)
    hard = rng.random(700)
    answers = [hard[None] < np.linspace(*ends, count)[:, None] for *ends, count in SPREADS]
    widths = [np.diff(interval(accuracy(y)), axis=0).item() for y in answers]
    assert widths == sorted(widths)


SPREADS = [(0.9, 0.9, 5), (0.87, 0.93, 20), (0.87, 0.93, 5), (0.8, 0.99, 5)]

# accuracy, standard deviations of images' and of trainings' effects in logits: coverage in percent
COVERAGE = {
    # images that differ as much as those of a data set
    **{(0.5, 2, spread): (94, 97) for spread in (0, 0.2, 0.6, 1)},
    **{(0.9, 2, spread): (94, 97) for spread in (0, 0.2, 0.6)},
    **{(0.98, 2, spread): (94, 97.5) for spread in (0, 0.2, 0.4)},
    **{(0.9, 4, spread): (94, 97) for spread in (0, 0.2, 0.6)},
    **{(0.98, 4, spread): (94, 97) for spread in (0, 0.2, 0.6)},
    # the worst coverage: near 100 %, trainings that differ by points are far from normal
    (0.9, 2, 1): (92, 96),
    (0.98, 2, 1): (91, 95),
    # neither images nor trainings differ, which 4 degrees of freedom cannot show
    (0.5, 0, 0): (95, 99),
    (0.9, 0, 0): (95, 99),
}


def test_intervals_of_five_trainings_cover_the_true_accuracy():
    rng = np.random.default_rng(0)
    measured = {}
    for true, unequal, spread in COVERAGE:
        inside = []
        for _ in range(4):
            hard = difficulties(rng, 500, 700, unequal)
            low, high = interval(accuracy(right(rng, true, 5, hard, spread)))
            inside.append((low <= true) & (true <= high))
        measured[true, unequal, spread] = 100 * np.mean(inside)
    missed = {
        case: (found, COVERAGE[case])
        for case, found in measured.items()
        if not COVERAGE[case][0] <= found <= COVERAGE[case][1]
    }
    assert not missed


def test_intervals_of_images_alone_would_not_cover_another_training():
    """The interval of pooled seeds and images is too narrow for that."""
    rng = np.random.default_rng(0)
    y = right(rng, 0.9, 5, difficulties(rng, 500, 700, 2), 0.6)
    pooled = wilson(y.mean(axis=(1, 2)) * y[0].size, y[0].size)
    assert np.mean((pooled[0] <= 0.9) & (pooled[1] >= 0.9)) < 0.5
