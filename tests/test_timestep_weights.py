"""Learned weights of timesteps against other libraries, brute force and known answers."""

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from diffusion_classifier.selection import timestep_weights
from diffusion_classifier.selection.timestep_weights import (
    PENALTIES,
    binned,
    bins,
    differences,
    fit,
    learn,
    log_loss,
    objective,
)


def random_errors(items=40, candidates=4, timesteps=6, seed=0, useful=None):
    """Errors of which each timestep tells as much of the truth as `useful` says, and the truth."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(candidates, size=items)
    errors = generator.normal(1, 0.1, (items, candidates, timesteps))
    useful = np.full(timesteps, 0.1) if useful is None else np.asarray(useful)
    errors[np.arange(items), truth] -= useful
    return errors, truth


def independent_objective(weights, errors, truth, penalty):
    """The objective as its definition says, by torch's cross entropy, and its gradient."""
    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    scores = -(torch.tensor(errors) * w).mean(dim=2)
    slope = (w[1:] - w[:-1]) * len(w)  # u = t / T has the spacing 1 / T
    value = torch.nn.functional.cross_entropy(scores, torch.tensor(truth))
    value = value + penalty * (slope**2).sum() / len(w) + 1e-3 * w.mean() ** 2
    value.backward()
    return value.item(), w.grad.numpy()


@pytest.mark.parametrize("penalty", [0.0, 0.01, 3.0])
def test_the_objective_and_its_gradient_are_those_of_torch(penalty):
    errors, truth = random_errors()
    weights = np.random.default_rng(1).gamma(2.0, size=6)
    value, gradient = objective(weights, differences(errors, truth), penalty)
    expected, slopes = independent_objective(weights, errors, truth, penalty)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("penalty", [0.0, 0.01, 1.0])
def test_the_minimum_is_that_of_another_solver(penalty):
    errors, truth = random_errors(useful=[-0.1, 0.0, 0.1, 0.2, 0.0, -0.05])
    found = fit(differences(errors, truth), penalty)
    other = minimize(
        independent_objective, np.full(6, 0.5), (errors, truth, penalty), jac=True,
        method="SLSQP", bounds=[(0, None)] * 6, options={"maxiter": 1000, "ftol": 1e-14},
    )  # fmt: skip
    assert other.success
    np.testing.assert_allclose(found, other.x, rtol=1e-3, atol=1e-3 * other.x.max())
    value = independent_objective(found, errors, truth, penalty)[0]
    assert value <= other.fun + 1e-9
    if penalty == 0.0:
        assert found[0] == found[5] == 0  # they mislead


def test_of_two_candidates_it_is_logistic_regression(monkeypatch):
    monkeypatch.setattr(timestep_weights, "MEAN_PENALTY", 0.0)
    errors, truth = random_errors(200, candidates=2, timesteps=3, useful=[0.02, 0.05, 0.03])
    apart = differences(errors, truth)
    rows = -apart[:, 0] / 3
    x, y = np.concatenate([rows, -rows]), np.repeat([0, 1], len(rows))
    expected = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=10_000)
    expected = expected.fit(x, y).coef_[0]
    assert (expected > 0).all()  # else bounds would matter
    np.testing.assert_allclose(fit(apart, 0.0), expected, rtol=1e-3)


def test_the_minimum_is_that_of_a_grid():
    errors, truth = random_errors(20, 3, 2, useful=[0.1, -0.1])
    apart = differences(errors, truth)
    grid = np.linspace(0, 60, 41)
    values = [[objective(np.array([a, b]), apart, 0.001)[0] for b in grid] for a in grid]
    a, b = np.unravel_index(np.argmin(values), (41, 41))
    np.testing.assert_allclose(fit(apart, 0.001), [grid[a], grid[b]], atol=1.5)
    assert objective(fit(apart, 0.001), apart, 0.001)[0] <= np.min(values) + 1e-9


def test_with_a_strong_penalty_all_weights_are_equal():
    apart = differences(*random_errors(useful=[0, 0.1, 0.2, 0.1, 0, 0]))
    equal = fit(apart, np.inf)
    assert np.ptp(equal) == 0 and equal[0] > 0
    np.testing.assert_allclose(fit(apart, 1e6), equal, rtol=1e-3)


def test_items_may_have_different_numbers_of_candidates():
    errors, truth = random_errors(12, candidates=4)
    few = np.where(truth < 2)[0][:5]
    errors[few, 2:] = np.nan
    weights = np.random.default_rng(1).gamma(2.0, size=6)
    expected = [
        torch.nn.functional.cross_entropy(
            torch.tensor(-(own[~np.isnan(own[:, 0])] @ weights) / 6)[None], torch.tensor([label])
        ).item()
        for own, label in zip(errors, truth, strict=True)
    ]
    apart = differences(errors, truth)
    assert log_loss(weights, apart)[0] == pytest.approx(np.mean(expected), rel=1e-12)
    assert np.isfinite(learn(errors, truth).values).all()


def test_cross_validation_is_that_by_hand():
    errors, truth = random_errors(11, useful=[0, 0.1, 0.2, 0.1, 0, 0])
    found = learn(errors, truth)
    assert list(found.log_losses) == list(PENALTIES)
    apart = differences(errors, truth)
    # λ and the mean's penalty refer to errors in units of a typical difference
    apart = apart / np.sqrt((apart.mean(axis=2) ** 2).mean())
    for penalty in (np.inf, 0.1):
        own = [
            log_loss(fit(apart[np.arange(11) % 5 != k % 5], penalty), apart[[k]])[0]
            for k in range(11)
        ]
        assert found.log_losses[penalty] == pytest.approx(np.mean(own), rel=1e-5)
    assert found.values.mean() == pytest.approx(1)


def test_the_strongest_penalty_is_chosen_that_is_within_one_standard_error():
    losses = np.array([[3.0, 2.2, 2.0, 2.5], [3.0, 1.0, 1.1, 1.5], [3.0, 1.6, 1.5, 2.2]])
    worse = losses[:, 1] - losses[:, 2]
    assert losses.mean(axis=0).argmin() == 2 and 0 < worse.mean() < scipy.stats.sem(worse)
    assert timestep_weights._one_standard_error(losses, np.arange(len(losses))) == 1
    assert timestep_weights._one_standard_error(np.ones((4, 3)), np.arange(4)) == 0


@pytest.mark.parametrize("scale", [1e-4, 1e3])
def test_the_unit_of_errors_does_not_matter(scale):
    errors, truth = random_errors(useful=[0, 0.1, 0.2, 0.1, 0, 0])
    found, other = learn(errors, truth), learn(scale * errors, truth)
    assert other.penalty == found.penalty
    np.testing.assert_allclose(other.values, found.values, rtol=1e-3, atol=1e-4)


def accuracy(errors, truth, weights):
    return ((errors @ weights).argmin(axis=1) == truth).mean()


def test_timesteps_that_mislead_lose_their_weight():
    useful = np.repeat([-0.07, 0.14], 5)
    few = random_errors(30, 6, 10, seed=1, useful=useful)
    errors, truth = random_errors(2000, 6, 10, seed=2, useful=useful)
    weights = learn(*few).values
    assert weights[:4].max() < 0.1
    equal, best = (accuracy(errors, truth, each) for each in (np.ones(10), useful > 0))
    assert equal < 0.6 and accuracy(errors, truth, weights) > best - 0.05 > 0.85


def test_where_all_timesteps_tell_alike_weights_stay_equal():
    found = learn(*random_errors(30, 6, 10, seed=1, useful=np.full(10, 0.05)))
    assert found.penalty == np.inf
    np.testing.assert_allclose(found.values, 1)


def test_errors_that_say_nothing_leave_equal_weights():
    found = learn(np.ones((4, 3, 5)), np.array([0, 1, 2, 0]))
    assert found.values.tolist() == [1] * 5 and found.penalty == np.inf


def test_mistaken_items_are_refused():
    with pytest.raises(ValueError, match="items: found 1, expected at least 2"):
        learn(np.ones((1, 3, 5)), np.array([0]))
    alone = np.ones((2, 2, 3))
    alone[1, 1] = np.nan
    with pytest.raises(ValueError, match="candidates: found 1 for item 1"):
        learn(alone, np.array([0, 0]))


@pytest.mark.parametrize("timesteps", [3, 50, 60, 250, 1000])
def test_bins_hold_neighbours_and_keep_the_mean(timesteps):
    of = bins(timesteps)
    assert of[0] == 0 and set(np.diff(of)) <= {0, 1} and of[-1] == min(timesteps, 50) - 1
    assert np.ptp(np.bincount(of)) <= 1
    errors = np.random.default_rng(0).random((2, 3, timesteps))
    np.testing.assert_allclose(binned(errors).mean(axis=-1), errors.mean(axis=-1))
    if timesteps <= 50:
        np.testing.assert_array_equal(binned(errors), errors)
