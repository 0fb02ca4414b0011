"""Predicted errors against closed forms of the normal distribution, and exhaustive search."""

import numpy as np
import pytest
from prototypes import exact_errors, tools, world
from scipy.linalg.lapack import dpstrf

from diffusion_classifier.selection.correlated import (
    ROUNDS,
    CorrelatedSearch,
    ask,
    conditioned,
    informative,
    shrunk_covariance,
)
from diffusion_classifier.selection.survival import survivors


def covariance(size, seed=0):
    rows = np.random.default_rng(seed).normal(size=(2 * size, size))
    return rows.T @ rows / size


def test_conditioning_agrees_with_the_precision_matrix():
    """E[e_U | e_A] = μ_U - Λ_UU⁻¹ Λ_UA (e_A - μ_A) with covariance Λ_UU⁻¹ (Bishop 2006, 2.3.1)."""
    rng, sigma = np.random.default_rng(1), covariance(7)
    mean, asked = rng.normal(size=7), np.array([5, 0, 3])
    errors, rest = rng.normal(size=3), np.array([1, 2, 4, 6])
    expected, variance = conditioned(mean, sigma, asked, errors)
    precision = np.linalg.inv(sigma)
    inner = np.linalg.inv(precision[np.ix_(rest, rest)])
    shift = inner @ precision[np.ix_(rest, asked)] @ (errors - mean[asked])
    np.testing.assert_allclose(expected[rest], mean[rest] - shift)
    np.testing.assert_allclose(variance[rest], inner.diagonal())
    assert expected[asked].tolist() == errors.tolist() and not variance[asked].any()


def test_the_first_questions_are_lapacks_pivots():
    sigma = covariance(12)
    pivots = dpstrf(sigma)[1] - 1
    assert informative(sigma, 12).tolist() == pivots.tolist()
    assert informative(sigma, 4).tolist() == pivots[:4].tolist()


def low_rank(images, seed):
    """Errors of 30 classes that depend on 3 numbers of each image."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(9).normal(size=(3, 30))
    return 5 + rng.normal(size=(images, 3)) @ loadings


def test_classes_that_were_not_asked_are_ranked_as_if_they_were():
    mean, sigma = shrunk_covariance(low_rank(4000, 0))
    errors, asked = low_rank(20, 1), []

    def measure(classes):
        asked.append(classes)
        return np.take_along_axis(errors, classes, axis=1)

    scores = ask(measure, mean, sigma, 20, 8)
    np.testing.assert_allclose(scores, errors, atol=0.2)
    chosen = np.hstack(asked)
    assert chosen.shape == (20, 8) and all(len({*row}) == 8 for row in chosen)
    best = survivors(errors, np.arange(20), 0.0, 30)["class"]
    found = survivors(scores, np.arange(20), 0.2, 30)
    assert {*zip(range(20), best, strict=True)} <= {*found.itertuples(index=False, name=None)}
    assert len(found) < 20 * 8


@pytest.mark.parametrize("count", [2, 3, 11, 30, 99])
def test_each_class_is_asked_at_most_once(count):
    mean, sigma = shrunk_covariance(low_rank(100, 0))
    errors, asked = low_rank(3, 2), []

    def measure(classes):
        asked.append(classes)
        return np.take_along_axis(errors, classes, axis=1)

    scores = ask(measure, mean, sigma, 3, count)
    chosen = np.hstack(asked)
    assert chosen.shape[1] == min(count, 30) and len(asked) <= 1 + ROUNDS
    for image, row in enumerate(chosen):
        assert len({*row}) == len(row)
        assert scores[image][row].tolist() == errors[image][row].tolist()


def test_a_search_learns_exact_errors_and_finds_the_best_class():
    prototypes, images, labels = world(images=200)
    exact = exact_errors(prototypes, images)
    spec = {"samples": 2, "asked": 6}
    learned = CorrelatedSearch(spec, tools(prototypes, images[:150])).learn(labels[:150])
    mean, sigma = shrunk_covariance(exact[:150])
    np.testing.assert_allclose(learned["mean"], mean, rtol=1e-4)
    np.testing.assert_allclose(learned["covariance"], sigma, rtol=1e-2, atol=1e-3)
    numbers = np.arange(7, 57)
    search = CorrelatedSearch(spec, tools(prototypes, images[150:], None, learned, numbers))
    scores = search.scores()
    measured = np.isclose(scores, exact[150:], rtol=1e-4)
    assert (measured.sum(axis=1) >= 6).all() and search.spent(12) == 12
    assert (scores.argmin(axis=1) == exact[150:].argmin(axis=1)).mean() > 0.9


def test_prompts_of_a_class_count_as_their_mean():
    prototypes, images, labels = world(classes=6, images=30)
    class_of = np.array([2, 0, 0, 1, 1, 1])
    search = CorrelatedSearch({"samples": 2, "asked": 3}, tools(prototypes, images, class_of))
    exact = exact_errors(prototypes, images)
    means = np.stack([exact[:, class_of == index].mean(axis=1) for index in range(3)], axis=1)
    np.testing.assert_allclose(search.learn(labels)["mean"], means.mean(axis=0), rtol=1e-4)
