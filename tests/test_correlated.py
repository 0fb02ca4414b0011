"""Predicted errors against closed forms of the normal distribution, and exhaustive search."""

import numpy as np
import pytest
from prototypes import SAMPLES, exact_errors, tools, world
from scipy.linalg.lapack import dpstrf

from diffusion_classifier.selection.correlated import (
    CorrelatedSearch,
    Normal,
    ask,
    fitted,
    informative,
    promising,
)
from diffusion_classifier.selection.survival import survivors


def covariance(size, seed=0):
    rows = np.random.default_rng(seed).normal(size=(2 * size, size))
    return rows.T @ rows / size


def test_conditioning_agrees_with_the_precision_matrix():
    """E[e_U | e_A] = μ_U - Λ_UU⁻¹ Λ_UA (e_A - μ_A) with covariance Λ_UU⁻¹ (Bishop 2006, 2.3.1)."""
    rng, sigma = np.random.default_rng(1), covariance(8)
    mean, asked = rng.normal(size=8), np.array([5, 0, 3])
    errors, rest = rng.normal(size=3), np.array([1, 2, 4, 6, 7])
    precision = np.linalg.inv(sigma)
    inner = np.linalg.inv(precision[np.ix_(rest, rest)])
    expected, left = mean.copy(), np.zeros((8, 8))
    expected[rest] -= inner @ precision[np.ix_(rest, asked)] @ (errors - mean[asked])
    expected[asked], left[np.ix_(rest, rest)] = errors, inner
    halves = np.kron(np.eye(4), [0.5, 0.5])  # four classes at two samples
    found, variance, spread = Normal(mean, sigma, 2).given(asked, errors)
    np.testing.assert_allclose(found, halves @ expected)
    np.testing.assert_allclose(variance, (halves @ left @ halves.T).diagonal())
    np.testing.assert_allclose(spread.ravel(), left.diagonal(), atol=1e-12)


def test_the_first_cells_are_lapacks_pivots():
    sigma = covariance(12)
    pivots = dpstrf(sigma)[1] - 1
    assert informative(sigma, 12).tolist() == pivots.tolist()
    assert informative(sigma, 4).tolist() == pivots[:4].tolist()


def test_the_most_uncertain_cell_of_the_most_promising_classes_is_next():
    mean, variance = np.array([1.0, 2.0, 2.0, 0.0]), np.array([0.0, 1.0, 0.25, 0.0])
    spread = np.array([[1.0, 2], [4, 3], [1, 5], [0, 0]])  # bounds: 1, 0, 1 and 0 (all known)
    assert promising(mean, variance, spread, 2, np.array([1, 6, 7])).tolist() == [2, 0]
    everything = promising(mean, variance, spread, 5, np.array([1, 6, 7]))
    assert everything[:3].tolist() == [2, 0, 5] and sorted(everything[3:]) == [3, 4]


def low_rank(images, seed):
    """Errors of 15 classes at two samples that depend on 3 numbers of each image."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(9).normal(size=(3, 30))
    return (5 + rng.normal(size=(images, 3)) @ loadings).reshape(images, 15, 2)


def measured(errors):
    cells = []

    def measure(wanted):
        cells.append(wanted)
        return np.take_along_axis(errors.reshape(len(errors), -1), wanted, axis=1)

    return measure, cells


def test_classes_that_were_not_asked_are_ranked_as_if_they_were():
    errors = low_rank(20, 1)
    measure, cells = measured(errors)
    scores, exact = ask(measure, fitted(low_rank(4000, 0)), 20, 8), errors.mean(axis=2)
    np.testing.assert_allclose(scores, exact, atol=0.1)
    assert sum(each.shape[1] for each in cells) == 8
    best = survivors(exact, np.arange(20), 0.0, 15)["class"]
    found = survivors(scores, np.arange(20), 0.1, 15)
    assert {*zip(range(20), best, strict=True)} <= {*found.itertuples(index=False, name=None)}
    assert len(found) < 20 * 4


@pytest.mark.parametrize("count", [2, 3, 11, 29, 99])
def test_each_cell_is_measured_at_most_once(count):
    errors = low_rank(3, 2)
    measure, cells = measured(errors)
    scores = ask(measure, fitted(low_rank(100, 0)), 3, count)
    chosen = np.hstack(cells)
    assert chosen.shape[1] == min(count, 30)
    assert all(len({*row}) == len(row) for row in chosen)
    if count == 99:
        np.testing.assert_allclose(scores, errors.mean(axis=2))


def test_a_search_learns_exact_errors_and_finds_the_best_class():
    prototypes, images, labels = world(images=200)
    exact = exact_errors(prototypes, images)
    spec = {"samples": 2, "asked": 12}
    learned = CorrelatedSearch(spec, tools(prototypes, images[:150])).learn(labels[:150])
    expected = exact_errors(prototypes, images[:150], SAMPLES)
    np.testing.assert_allclose(learned["mean"], expected.mean(axis=0).ravel(), rtol=1e-3)
    sigma = fitted(expected).covariance
    np.testing.assert_allclose(learned["covariance"], sigma, atol=1e-3 * sigma.max())
    numbers = np.arange(7, 57)
    search = CorrelatedSearch(spec, tools(prototypes, images[150:], None, learned, numbers))
    scores = search.scores()
    assert search.spent(12).tolist() == [12] * 50
    np.testing.assert_allclose(scores, exact[150:], atol=0.05 * exact.max())
    assert (scores.argmin(axis=1) == exact[150:].argmin(axis=1)).mean() > 0.9


def test_prompts_of_a_class_count_as_their_mean():
    prototypes, images, labels = world(classes=6, images=30)
    class_of = np.array([2, 0, 0, 1, 1, 1])
    spec = {"samples": 2, "asked": 6}
    exact = exact_errors(prototypes, images)
    means = np.stack([exact[:, class_of == index].mean(axis=1) for index in range(3)], axis=1)
    learned = CorrelatedSearch(spec, tools(prototypes, images, class_of)).learn(labels)
    found = learned["mean"].reshape(3, 2).mean(axis=1)
    np.testing.assert_allclose(found, means.mean(axis=0), rtol=1e-4)
    search = CorrelatedSearch(spec, tools(prototypes, images, class_of, learned))
    np.testing.assert_allclose(search.scores(), means, rtol=1e-4)  # every cell is asked
    assert search.spent(3).tolist() == [2 * 6] * 30
