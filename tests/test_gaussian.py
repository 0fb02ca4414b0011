"""Gaussians of generated images, against scikit-learn and SciPy."""

import numpy as np
import pytest
import yaml
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from diffusion_classifier.baselines.gaussian import fit_gaussians, log_likelihoods
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError

SPEC = {"label": "Gaussians", "kind": "gaussian", "model": "scenes-sd"}
TASKS = {name: {"train": f"{name}-synthetic"} for name in ("shapes", "colours", "sizes")}


def drawn(images=60, classes=4, features=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    mixing = rng.normal(size=(features, features))
    means = rng.normal(size=(classes, features))
    return means[labels] + rng.normal(size=(images, features)) @ mixing, labels


def test_the_covariance_is_shrunk_as_ledoit_and_wolf_do():
    x, labels = drawn()
    means, precision = fit_gaussians(x, labels)
    residuals = np.concatenate([x[labels == c] - x[labels == c].mean(axis=0) for c in range(4)])
    covariance, _ = ledoit_wolf(residuals * np.sqrt(60 / 56), assume_centered=True)
    np.testing.assert_allclose(np.linalg.inv(precision), covariance, rtol=1e-8)
    for c in range(4):
        np.testing.assert_allclose(means[c], x[labels == c].mean(axis=0))


def test_scores_are_differences_of_log_densities():
    x, labels = drawn()
    means, precision = fit_gaussians(x, labels)
    found = log_likelihoods(x, means, precision)
    covariance = np.linalg.inv(precision)
    expected = np.stack([multivariate_normal(m, covariance).logpdf(x) for m in means], axis=1)
    np.testing.assert_allclose(found - found[:, :1], expected - expected[:, :1], atol=1e-8)


def test_with_many_images_it_is_linear_discriminant_analysis():
    x, labels = drawn(images=4000)
    test, _ = drawn(images=500, seed=1)
    found = log_likelihoods(test, *fit_gaussians(x, labels)).argmax(axis=1)
    expected = LinearDiscriminantAnalysis(solver="lsqr").fit(x, labels).predict(test)
    assert (found == expected).mean() > 0.98  # the covariance is shrunk a little


def test_a_class_without_images_is_never_predicted():
    x, labels = drawn()
    scores = log_likelihoods(x, *fit_gaussians(x, np.where(labels == 2, 0, labels)))
    assert np.isneginf(scores[:, 2]).all() and np.isfinite(np.delete(scores, 2, axis=1)).all()


def test_one_image_of_each_class_is_too_few():
    with pytest.raises(InputError, match=r"one image per class, expected at least two"):
        fit_gaussians(np.eye(3), np.arange(3))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, None),
        ({"pool": 2}, None),
        ({"layers": ["mid_block"], "timesteps": [100]}, None),
        ({"layers": ["mid_block"]}, r"drawn.layers: .*without the other"),
        ({"layers": ["mid_block"], "timesteps": [100], "pool": 2}, r"drawn.pool: .*beside"),
        ({"model": "digits-dit"}, r"drawn.model: .*`digits-dit`"),
    ],
)
def test_a_config_may_name_it(root, more, message):
    config = yaml.safe_load((root / "config.yaml").read_text())
    config["baselines"]["drawn"] = SPEC | {"tasks": TASKS} | more
    if message is None:
        check_config(config, root)
        return
    with pytest.raises(InputError, match=message):
        check_config(config, root)
