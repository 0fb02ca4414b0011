"""The linear probe of features, against scikit-learn and its own optimality."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from diffusion_classifier.baselines import features
from diffusion_classifier.messages import InputError


def constructed(labels, seed):
    """Features of which only ("up_blocks.1", 20) tell the label, and twice, the second tied."""
    rng = np.random.default_rng(seed)
    keys = [("mid_block", 20), ("up_blocks.1", 20), ("up_blocks.1", 90), ("up_blocks.2", 90)]
    made = {key: rng.normal(3, 2, (len(labels), 6)).astype(np.float32) for key in keys}
    for key in (keys[1], keys[3]):
        made[key][np.arange(len(labels)), labels % 6] += 40
    return made


@pytest.mark.parametrize("classes", [[0, 2, 5], [1, 4]], ids=["three", "two"])
def test_the_probe_is_scikit_learns_on_the_most_accurate_features(classes, tmp_path):
    rng = np.random.default_rng(0)
    labels, validation_labels = rng.choice(classes, 60), rng.choice(classes, 30)
    train, validation = constructed(labels, 1), constructed(validation_labels, 2)
    probe = features.fit_probe(train, labels, validation, validation_labels, C=0.5)
    assert (probe.layer, probe.timestep) == ("up_blocks.1", 20)
    accuracy = probe.validation.set_index(["layer", "timestep"])["accuracy"]
    assert accuracy["up_blocks.1", 20] == accuracy["up_blocks.2", 90] == 1
    assert accuracy["mid_block", 20] < 0.9
    expected = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, tol=1e-9, max_iter=10000))
    expected.fit(train["up_blocks.1", 20].astype(np.float64), labels)
    # less certain features than those it was trained on, so that no probability is 0 or 1
    test = {key: values / 8 + 3 for key, values in validation.items()}
    predictions, scores = probe.predict(test, 7)
    x = test["up_blocks.1", 20]
    np.testing.assert_array_equal(predictions, expected.predict(x))
    np.testing.assert_allclose(scores[:, classes], expected.predict_log_proba(x), 1e-5, 1e-5)
    assert np.isneginf(np.delete(scores, classes, axis=1)).all() and scores.shape == (30, 7)
    assert predictions.dtype == np.int64 and scores.dtype == np.float32
    features.save(probe, tmp_path / "probe")
    again = features.load(tmp_path / "probe")
    np.testing.assert_array_equal(again.predict(test, 7)[1], scores)
    assert (again.layer, again.timestep) == (probe.layer, probe.timestep)
    pd.testing.assert_frame_equal(again.validation, probe.validation)


@pytest.mark.parametrize(("classes", "strength"), [(3, 1.0), (5, 0.01), (4, 100.0)])
def test_a_probe_is_an_optimum(classes, strength):
    """The penalised loss, written down anew, has no slope there."""
    rng = np.random.default_rng(classes)
    labels = rng.integers(classes, size=80)
    x = rng.normal(2, 3, (80, 30)).astype(np.float32)
    x[np.arange(80), labels] += 2
    data = {("mid_block", 1): x}
    probe = features.fit_probe(data, labels, data, labels, C=strength)
    z = torch.from_numpy((x.astype(np.float64) - x.mean(0, np.float64)) / x.std(0, np.float64))
    coef, intercept = (
        torch.from_numpy(array).requires_grad_() for array in (probe.coef, probe.intercept)
    )
    loss = torch.nn.functional.cross_entropy(z @ coef.T + intercept, torch.from_numpy(labels))
    (loss + (coef**2).sum() / (2 * strength * len(z))).backward()
    assert loss < 0.9 * np.log(classes)
    assert max(coef.grad.abs().max(), intercept.grad.abs().max()) < 1e-8


def test_a_penalty_that_no_probe_can_have_is_said():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=40)
    data = {("mid_block", 1): rng.normal(0, 1, (40, 5)).astype(np.float32)}
    with pytest.raises(InputError, match="mid_block at timestep 1: found `C` -1"):
        features.fit_probe(data, labels, data, labels, C=-1)


def test_a_probe_needs_two_classes():
    data = {("mid_block", 1): np.ones((3, 2), dtype=np.float32)}
    with pytest.raises(InputError, match="found 1 class in the training images"):
        features.fit_probe(data, np.zeros(3, int), data, np.zeros(3, int))
