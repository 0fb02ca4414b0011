"""Timesteps drawn from a learned density: its formula, its quantiles and the weights."""

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.candidates import calibration_pairs
from diffusion_classifier.selection.learned_timesteps import (
    fit_densities,
    learned_samples,
    spread_at,
)
from diffusion_classifier.selection.schedules import stage_samples, van_der_corput

COUNT = 20
SAMPLES = stage_samples([COUNT])[0]


def calibration_errors(images: int = 60, classes: int = 4, seed: int = 0):
    """Errors whose differences are largest in the middle of the timesteps."""
    generator = np.random.default_rng(seed)
    scale = np.exp(-(((np.arange(COUNT) - 8) / 3) ** 2))
    common = generator.normal(size=(images, 1, COUNT))
    values = common + scale * (0.5 + 0.3 * generator.normal(size=(images, classes, COUNT)))
    values[:, 0] = common[:, 0]
    pairs = pd.DataFrame(
        [(i, c) for i in range(images) for c in range(classes)], columns=["image", "prompt"]
    )
    losses = {"l1": np.ones((len(pairs), COUNT)), "l2": values.reshape(len(pairs), COUNT)}
    return error_dataset(losses, pairs, SAMPLES, {}), values


def test_the_density_is_the_formula():
    errors, values = calibration_errors()
    found = fit_densities(errors, 1000).query("loss == 'l2'")
    d = np.concatenate(
        [np.delete(v, v.mean(1).argmin(), 0) - v[v.mean(1).argmin()] for v in values]
    )
    rms, sd = np.sqrt((d**2).mean(0)), d.std(0)
    inner = slice(1, -1)
    for name, raw in (("rms", rms), ("sd", sd)):
        smooth = (raw[:-2] + raw[1:-1] + raw[2:]) / 3
        np.testing.assert_allclose(found[name].to_numpy()[inner], smooth)
    np.testing.assert_allclose(found["density"], 0.1 + 0.9 * found["rms"] / found["rms"].mean())
    assert found["start"].tolist() == list(range(0, 1000, 50))
    assert found["stop"].tolist() == list(range(50, 1001, 50))
    assert found["density"].idxmax() - found.index[0] == pytest.approx(8, abs=1)


def test_a_loss_that_tells_nothing_leaves_timesteps_uniform():
    found = fit_densities(calibration_errors()[0], 1000).query("loss == 'l1'")
    assert (found["density"] == 1).all()
    samples = learned_samples(found, [255], "l1")[0]
    assert {sample.weight for sample in samples} == {1.0}
    assert np.histogram([s.timestep for s in samples], bins=5, range=(0, 1000))[0] == pytest.approx(
        51, abs=1
    )


def test_a_uniform_density_keeps_what_was_learned_of_the_spread():
    errors, _ = calibration_errors()
    learned, even = (fit_densities(errors, 1000, uniform=share) for share in (0.1, 1))
    assert (even["density"] == 1).all()
    assert even["sd"].equals(learned["sd"]) and even["sd"].nunique() > 5
    first = learned_samples(even, [7], "l2")[0]
    assert sorted(s.timestep for s in first) == [125, 250, 375, 500, 625, 750, 875]


def test_samples_follow_the_density_and_weights_undo_it():
    densities = fit_densities(calibration_errors()[0], 1000)
    own = densities[densities["loss"] == "l2"]
    samples = learned_samples(densities, [2047], "l2")[0]
    steps = np.array([sample.timestep for sample in samples])
    counts = np.histogram(steps, bins=[*own["start"], 1000])[0]
    np.testing.assert_allclose(counts / 2047, own["density"] / COUNT, atol=2e-3)
    # the weighted mean of any function of t is its mean over uniform timesteps
    weights = [sample.weight for sample in samples]
    for function in (lambda t: t / 1000, lambda t: np.sin(t / 100)):
        expected = function(np.arange(1000)).mean()
        assert np.average(function(steps), weights=weights) == pytest.approx(expected, abs=3e-3)


def test_stages_are_beginnings_of_one_sequence():
    densities = fit_densities(calibration_errors()[0], 1000)
    stages = learned_samples(densities, [3, 8, 20], "l2")
    assert [len(stage) for stage in stages] == [3, 5, 12]
    assert [s for stage in stages for s in stage] == learned_samples(densities, [20], "l2")[0]
    assert [sample.noise for stage in stages for sample in stage] == list(range(20))


def test_spread_is_looked_up_by_timestep():
    densities = fit_densities(calibration_errors()[0], 1000)
    own = densities[densities["loss"] == "l2"]["sd"].to_numpy()
    assert spread_at(densities, [0, 49, 50, 999], "l2").tolist() == own[[0, 0, 1, 19]].tolist()


def test_a_loss_that_was_not_learned_is_named():
    densities = fit_densities(calibration_errors()[0], 1000)
    with pytest.raises(InputError, match=r"loss: found vlb, but timesteps were learned for l1, l2"):
        learned_samples(densities, [4], "vlb")


def test_the_first_points_of_the_sequence():
    assert van_der_corput(7).tolist() == [1 / 2, 1 / 4, 3 / 4, 1 / 8, 5 / 8, 3 / 8, 7 / 8]


def test_calibration_asks_about_the_own_class_and_some_others():
    data = pd.DataFrame({"image": range(40), "label": np.arange(40) % 30})
    prompts = pd.DataFrame(
        {"prompt": "x", "classname": "x", "classidx": np.repeat(np.arange(30), 2)}
    )
    pairs = calibration_pairs(data, prompts, classes=5, seed=3)
    asked = pairs.assign(index=prompts["classidx"].to_numpy()[pairs["prompt"]])
    assert (asked.groupby("image")["index"].nunique() == 5).all() and (
        asked.groupby("image").size() == 10
    ).all()
    own = asked.merge(data, on="image")
    assert (own["index"] == own["label"]).groupby(own["image"]).any().all()
    assert asked["index"].nunique() == 30  # the other classes differ from image to image
    assert pairs.equals(calibration_pairs(data, prompts, classes=5, seed=3))
    assert len(calibration_pairs(data, prompts, classes=99)) == 40 * 60
