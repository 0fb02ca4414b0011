"""Paired comparisons against scipy, closed forms and simulation."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from crossed import difficulties, right, two_of_each_training
from scipy import stats

from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import accuracy as scores
from diffusion_classifier.scores import paired_tests
from diffusion_classifier.scores.intervals import wilson
from diffusion_classifier.scores.paired_tests import (
    PAIRED,
    difference_interval,
    mcnemar,
    paired,
    t_test,
)


def predictions(correct, label=None, loss="", image=None):
    """A predictions file in which `correct` says which images are right."""
    correct = np.asarray(correct, bool)
    label = np.zeros(len(correct), int) if label is None else np.asarray(label)
    found = {"image": np.arange(len(correct)) if image is None else image, "label": label}
    return pd.DataFrame({**found, "loss": loss, "prediction": np.where(correct, label, label + 1)})


def answers(**of_name):
    """`correct_by_training` of predictions by name."""
    correct = scores.correctness({(name, "d"): found for name, found in of_name.items()})
    return scores.correct_by_training(correct, list(of_name))


def two(a, b, c, d):
    """Two methods' answers: `a` both right, `b` only the first, `c` only the second, `d` none."""
    first = np.repeat([1, 1, 0, 0], [a, b, c, d]).astype(bool)
    second = np.repeat([1, 0, 1, 0], [a, b, c, d]).astype(bool)
    return first[None], second[None]


def newcombe(a, b, c, d):
    """Method 10 of Newcombe (1998), as in his paper."""
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    (low1, low2), (high1, high2) = wilson([a + b, a + c], n)
    product, odds = (a + b) * (c + d) * (a + c) * (b + d), a * d - b * c
    phi = 0 if product == 0 else (max(odds - n / 2, 0) if odds > 0 else odds) / sqrt(product)
    halves = [
        sqrt(max(x**2 - 2 * phi * x * y + y**2, 0))
        for x, y in ((p1 - low1, high2 - p2), (high1 - p1, p2 - low2))
    ]
    return p1 - p2 - halves[0], p1 - p2 + halves[1]


def test_mcnemar_is_the_exact_binomial_test():
    a, b = (found[0] for found in two(5, 9, 2, 4))
    found = mcnemar(a, b)
    by_hand = 2 * sum(stats.binom.pmf(k, 11, 0.5) for k in range(3))
    assert (found["b"], found["c"]) == (9, 2) and found["p"] == pytest.approx(by_hand)
    assert mcnemar(a, a)["p"] == 1


@pytest.mark.parametrize(
    "counts",
    [(50, 12, 5, 33), (0, 0, 6, 14), (3, 9, 8, 2), (10, 0, 0, 0), (9, 0, 1, 0), (5, 0, 0, 5),
     (0, 7, 0, 0), (1, 0, 0, 0), (600, 40, 35, 25)],
)  # fmt: skip
def test_of_single_trainings_the_interval_is_newcombes(counts):
    assert np.allclose(difference_interval(*two(*counts)), newcombe(*counts), atol=1e-9)


def test_the_interval_swaps_sign_with_the_methods():
    rng = np.random.default_rng(0)
    hard = difficulties(rng, 1, 300, 2)
    a, b = right(rng, 0.9, 5, hard, 0.3)[0], right(rng, 0.8, 3, hard, 0.3)[0]
    low, high = difference_interval(a, b)
    assert np.allclose(difference_interval(b, a), (-high, -low))
    assert low < a.mean() - b.mean() < high


def test_shared_images_narrow_the_interval():
    """Hard images are hard for both, so a difference is more certain than either accuracy."""
    rng = np.random.default_rng(0)
    y = right(rng, 0.8, 10, difficulties(rng, 1, 700, 4), 0.1)[0]
    shared = np.diff(difference_interval(y[:5], y[5:]), axis=0)
    apart = np.diff(difference_interval(y[:5], rng.permuted(y[5:], axis=1)), axis=0)
    assert shared < 0.7 * apart


# trainings of both sides; true accuracies; standard deviations of the images' effects that both
# share, of each side's own, of the trainings': coverage in percent
CASES = [
    *(((1, 5), (0.9, 0.9), 2, 1, spread, (94, 97)) for spread in (0, 0.3)),
    *(((5, 5), (0.9, 0.9), 2, 1, spread, (94, 97)) for spread in (0, 0.3)),
    *((sides, (0.95, 0.85), 2, 1, 0.6, (93.5, 97)) for sides in ((1, 5), (5, 5))),
    ((5, 5), (0.98, 0.96), 2, 1, 0.3, (94, 97.5)),
    ((3, 5), (0.5, 0.5), 2, 1, 0.3, (94, 97.5)),
    ((3, 3), (0.9, 0.9), 2, 1, 0.3, (95, 99)),  # 2 degrees of freedom on both sides: too wide
    ((5, 5), (0.9, 0.9), 0, 0, 0, (96, 99.5)),  # no differences: too wide
    ((1, 1), (0.9, 0.9), 2, 1, 0, (94, 97)),
]  # fmt: skip


@pytest.mark.parametrize(("trainings", "true", "shared", "own", "spread", "expected"), CASES)
def test_the_interval_covers_the_true_difference(trainings, true, shared, own, spread, expected):
    rng = np.random.default_rng(2)
    inside, rejected = [], []
    for _ in range(4):
        hard = difficulties(rng, 500, 700, shared)
        a, b = (
            right(rng, p, count, hard, spread if count > 1 else 0, own)
            for p, count in zip(true, trainings, strict=True)
        )
        low, high = difference_interval(a, b)
        inside.append((low <= true[0] - true[1]) & (true[0] - true[1] <= high))
        rejected.append(t_test(a, b) < 0.05)
    assert expected[0] <= 100 * np.mean(inside) <= expected[1]
    if true[0] == true[1]:
        assert np.mean(rejected) < 0.065


# trainings, true accuracies, effects of trainings that both share and of each side's own; the
# least ratio of widths with independent trainings and with matched ones
MATCHED = [
    (5, (0.9, 0.9), 0.6, 0.0, 1.5),
    (5, (0.9, 0.9), 0.6, 0.3, 1.4),
    (3, (0.9, 0.9), 0.6, 0.3, 1.3),
    (3, (0.7, 0.8), 0.6, 0.2, 1.5),
    (5, (0.98, 0.96), 0.3, 0.1, 1.0),
    (3, (0.9, 0.9), 0.0, 0.0, 0.7),  # no training differs, which three trainings cannot tell
]


@pytest.mark.parametrize(("trainings", "true", "spread", "own", "narrower"), MATCHED)
def test_matched_trainings_narrow_the_interval_which_still_covers(
    trainings, true, spread, own, narrower
):
    rng = np.random.default_rng(3)
    inside, rejected, widths = [], [], []
    for _ in range(4):
        hard = difficulties(rng, 300, 600, 2)
        a, b = two_of_each_training(rng, true, trainings, hard, spread, own)
        bounds = [difference_interval(a, b, matched=matched) for matched in (True, False)]
        low, high = bounds[0]
        inside.append((low <= true[0] - true[1]) & (true[0] - true[1] <= high))
        rejected.append(t_test(a, b, matched=True) < 0.05)
        widths.append([np.mean(high - low) for low, high in bounds])
    assert 0.93 < np.mean(inside) < 0.99
    matched, independent = np.mean(widths, axis=0)
    assert independent > narrower * matched
    if true[0] == true[1]:
        assert np.mean(rejected) < 0.065


def test_t_test_of_matched_trainings_that_alone_differ_is_a_paired_t_test():
    """With very many images only trainings vary."""
    rng = np.random.default_rng(0)
    chances = np.array([0.5, 0.6, 0.4, 0.7, 0.55]), np.array([0.53, 0.65, 0.42, 0.71, 0.61])
    a, b = (rng.random((5, 200_000)) < own[:, None] for own in chances)
    expected = stats.ttest_rel(a.mean(axis=1), b.mean(axis=1)).pvalue
    assert t_test(a, b, matched=True) == pytest.approx(expected, rel=0.1)
    assert t_test(a, a, matched=True) == 1


def test_t_test_of_single_trainings_is_mcnemars_chi_square():
    a, b = two(50, 12, 5, 33)
    assert t_test(a, b) == pytest.approx(stats.chi2.sf((12 - 5) ** 2 / 17, 1), rel=1e-6)
    assert t_test(a, a) == 1


def test_t_test_of_trainings_that_alone_differ_is_a_t_test_of_their_accuracies():
    """With very many images only trainings vary."""
    rng = np.random.default_rng(0)
    chances = np.array([0.5, 0.55, 0.6, 0.52, 0.58]), np.array([0.7, 0.6, 0.66])
    a, b = (rng.random((len(own), 200_000)) < own[:, None] for own in chances)
    expected = stats.ttest_ind(a.mean(axis=1), b.mean(axis=1), equal_var=False).pvalue
    assert t_test(a, b) == pytest.approx(expected, rel=0.05)


def test_paired_uses_the_shared_images_and_refuses_other_labels():
    a = answers(a=predictions([1, 1, 1, 0]))
    b = answers(b=predictions([0, 1, 0], image=[3, 2, 1]))
    found = paired(a, b)
    assert (found["images"], found["b"], found["c"]) == (3, 1, 0)
    assert found["difference"] == pytest.approx(100 * (2 - 1) / 3)
    with pytest.raises(InputError, match="with 1 different labels"):
        paired(a, answers(b=predictions([1, 1, 1, 1], label=[0, 0, 2, 0])))


def test_paired_compares_all_trainings_of_both():
    a = answers(a=predictions([1, 1, 1, 0]))
    b = answers(b0=predictions([0, 1, 1, 0]), b1=predictions([1, 0, 1, 0]))
    found = paired(a, b)
    assert found["difference"] == pytest.approx(100 * (3 / 4 - 2 / 4))
    assert (found["trainings_a"], found["trainings_b"], found["images"]) == (1, 2, 4)
    assert pd.isna(found["b"]) and pd.isna(found["c"]) and 0 < found["p"] < 1


METHODS = {
    "dit-seed0": {"label": "DiT", "kind": "diffusion", "group": "dit"},
    "dit-seed1": {"label": "DiT", "kind": "diffusion", "group": "dit"},
    "cnn-seed0": {"label": "CNN", "kind": "baseline", "group": "cnn"},
    "cnn-seed1": {"label": "CNN", "kind": "baseline", "group": "cnn"},
    "clip": {"label": "CLIP", "kind": "more-data", "group": "clip"},
    "chance-seed0": {"label": "Chance", "kind": "chance", "group": "chance"},
}


def test_paired_table_compares_every_loss_of_every_group_with_every_other():
    found = {(name, "digits"): predictions([1, 0, 1]) for name in list(METHODS)[2:]}
    for name in list(METHODS)[:2]:
        both = [predictions([1, 1, 1], loss=loss) for loss in ("l1", "l2")]
        found[name, "digits"] = pd.concat(both)
    del found["clip", "digits"]
    found["clip", "other"] = predictions([1, 0, 1])
    table = paired_tests.paired_table(METHODS, found)
    assert list(table) == PAIRED
    assert list(table["method_a"]) == ["DiT [L1]", "DiT [L2]"] and set(table["method_b"]) == {"CNN"}
    assert (table["difference"].round(3) == 33.333).all() and (table["dataset"] == "digits").all()
    assert (table[["trainings_a", "trainings_b"]] == 2).all(axis=None)
