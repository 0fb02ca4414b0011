"""Fitted probabilities, against scikit-learn, Bayes' rule and simulations with a known answer."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import gamma, norm
from sklearn.linear_model import LogisticRegression

from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.calibration import (
    Calibration,
    fit,
    fuse,
    fused,
    log_posterior,
    of_scores,
)
from diffusion_classifier.selection.evidence import Evidence


def logits(images=400, classes=5, scale=1.0, seed=0):
    """Logits whose softmax is calibrated, times `scale`, and labels drawn from that softmax."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 2, (images, classes))
    labels = [rng.choice(classes, p=softmax(row)) for row in true]
    return scale * true, np.array(labels)


def test_the_temperature_of_two_classes_is_logistic_regressions():
    scores, labels = logits(classes=2, scale=5.0)
    found = fit(of_scores(np.arange(400), scores), labels)
    slip = 1 / 402  # Platt's targets: a share of each image is any of the two classes
    apart = (scores[:, 1] - scores[:, 0])[:, None]
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    model.fit(
        np.concatenate([apart, apart]),
        np.concatenate([labels, 1 - labels]),
        np.repeat([1 - slip / 2, slip / 2], 400),
    )
    assert found.scale == pytest.approx(model.coef_.item(), rel=1e-3)
    assert (found.half, found.images, found.variance) == (0.0, 400, 0.0)


def test_a_known_temperature_is_found():
    scores, labels = logits(4000, scale=8.0)
    found = fit(of_scores(np.arange(4000), scores), labels)
    assert found.scale == pytest.approx(1 / 8, rel=0.1)


def simulated(images=6000, classes=4, seed=1):
    """Differences behind few and many samples, and labels drawn from the formula's chances."""
    rng = np.random.default_rng(seed)
    scale, half = 3.0, 6.0
    counts = rng.choice([1, 2, 8, 40], (images, classes)).astype(float)
    counts[:, 0] = 64
    differences = np.abs(rng.normal(0, 1, (images, classes)))
    differences[:, 0] = 0
    found = Evidence(np.arange(images), np.arange(classes), differences, counts)
    chances = softmax(-scale * differences * counts / (counts + half), axis=1)
    labels = np.array([rng.choice(classes, p=row) for row in chances])
    return found, labels, chances


def test_unequal_samples_are_shrunk_as_they_were_made():
    found, labels, chances = simulated()
    calibration = fit(found, labels, start=100.0)
    assert calibration.scale == pytest.approx(3.0, rel=0.15)
    assert calibration.half == pytest.approx(6.0, rel=0.3)
    assert calibration.variance < 0.05  # all images have one temperature
    np.testing.assert_allclose(np.exp(log_posterior(found, calibration)), chances, atol=0.05)


def test_shrinking_is_the_posterior_mean_of_a_difference():
    """δ ~ N(0, τ²), mean of n samples ~ N(δ, σ²/n): E[δ | d] = d n / (n + σ²/τ²), by quadrature."""
    tau, sigma, count, seen = 0.7, 2.0, 5, 0.9
    delta = np.linspace(-8, 8, 20001)
    weight = norm.pdf(delta, 0, tau) * norm.pdf(seen, delta, sigma / count**0.5)
    expected = (delta * weight).sum() / weight.sum()
    two = Evidence(np.array([0]), np.arange(2), np.array([[0.0, seen]]), np.array([[9.0, count]]))
    logs = log_posterior(two, Calibration(1.0, sigma**2 / tau**2))
    assert logs[0, 0] - logs[0, 1] == pytest.approx(expected, rel=1e-6)


def test_a_varying_temperature_is_an_expectation():
    """β ~ Gamma with mean `scale` and variance v · scale²: E[exp(-β d)], by quadrature."""
    scale, variance, shrunk = 40.0, 0.3, np.array([0.0, 0.02, 0.5])
    steps = np.linspace(1e-6, 30 * scale, 400_001)
    chance = gamma.pdf(steps, 1 / variance, scale=variance * scale)
    expected = np.array([np.trapezoid(chance * np.exp(-steps * d), steps) for d in shrunk])
    found = Evidence(np.array([0]), np.arange(3), shrunk[None], np.full((1, 3), 5.0))
    proba = np.exp(log_posterior(found, Calibration(scale, variance=variance)))
    np.testing.assert_allclose(proba[0], expected / expected.sum(), rtol=1e-4)


def test_a_varying_temperature_is_found():
    """Labels drawn from the expectation over temperatures, with equal samples."""
    rng = np.random.default_rng(4)
    images, variance = 8000, 0.5
    differences = rng.exponential(2.0, (images, 3))
    differences[:, 0] = 0
    found = Evidence(np.arange(images), np.arange(3), differences, np.full((images, 3), 8.0))
    chances = (1 + variance * 2.0 * differences) ** (-1 / variance)
    chances /= chances.sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(3, p=row) for row in chances])
    calibration = fit(found, labels)
    assert calibration.scale == pytest.approx(2.0, rel=0.15)
    assert calibration.variance == pytest.approx(variance, rel=0.3)
    assert calibration.half == 0
    np.testing.assert_allclose(np.exp(log_posterior(found, calibration)), chances, atol=0.02)


def test_no_mistake_leaves_the_temperature_finite():
    scores = np.eye(3)[[0, 1, 2, 0, 1, 2]] * 4.0
    found = fit(of_scores(np.arange(6), scores), np.array([0, 1, 2, 0, 1, 2]))
    # Platt's target of the true class, 1 - 1/8 + 1/24, is reached exactly
    proba = np.exp(log_posterior(of_scores(np.arange(6), scores), found))
    assert proba[0, 0] == pytest.approx(1 - 1 / 8 + 1 / 24, rel=1e-3)


def test_a_prior_multiplies_the_likelihood():
    scores, _ = logits(20)
    found, prior = of_scores(np.arange(20), scores), np.array([1.0, 2.0, 3.0, 4.0, 0.0])
    expected = softmax(scores, axis=1) * prior
    expected /= expected.sum(axis=1, keepdims=True)
    proba = np.exp(log_posterior(found, Calibration(1.0), prior))
    np.testing.assert_allclose(proba, expected)
    with pytest.raises(InputError, match="prior: found"):
        log_posterior(found, Calibration(1.0), [1.0, 2.0])
    with pytest.raises(InputError, match="prior: found"):
        log_posterior(found, Calibration(1.0), -prior)


def test_scores_may_be_probabilities_or_lack_classes():
    votes = np.array([[0.75, 0.25, 0.0]])
    proba = np.exp(log_posterior(of_scores(np.array([0]), votes), Calibration(1.0)))
    np.testing.assert_allclose(proba, votes, atol=2e-6)
    found = of_scores(np.array([0]), np.array([[3.0, -np.inf, 1.0]]))
    assert np.isnan(found.difference[0, 1])
    logs = log_posterior(found, Calibration(1.0))
    assert logs[0, 1] == logs[0, 2]  # it counts like the least likely class that is known


def test_a_fusion_of_independent_evidence_is_its_product():
    """Two methods that each saw half of the evidence: weight and scale 1 are the truth."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 1.5, (2, 5000, 3))
    labels = np.array([rng.choice(3, p=softmax(row)) for row in a + b])
    logs = log_softmax(a, axis=1), log_softmax(b, axis=1)
    scale, weight = fuse(*logs, labels)
    assert (scale, weight) == pytest.approx((1.0, 1.0), rel=0.1)
    np.testing.assert_allclose(fused(*logs, 1.0, 1.0), log_softmax(a + b, axis=1), atol=1e-9)


def test_a_useless_partner_gets_no_weight():
    scores, labels = logits(2000, 3)
    noise = log_softmax(np.random.default_rng(5).normal(0, 2, (2000, 3)), axis=1)
    _, weight = fuse(log_softmax(scores, axis=1), noise, labels)
    assert weight < 0.05


def test_mistakes_are_told():
    found = of_scores(np.arange(2), np.tile([1.0, 2.0, 3.0], (2, 1)))
    with pytest.raises(InputError, match=r"found the class 3, expected one of 0, 1, 2"):
        fit(found, np.array([0, 3]))
    with pytest.raises(InputError, match="expected at least 2"):
        fit(of_scores(np.arange(1), np.array([[1.0, 2.0]])), np.array([0]))
