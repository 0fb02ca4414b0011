"""Effective robustness against numpy's fit, known lines and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from diffusion_classifier import robustness
from diffusion_classifier.messages import InputError


def make_points(x, y, kinds, images=1000, methods=None):
    """Points of accuracies `x`, `y` in percent."""
    names = methods or [f"m{i}" for i in range(len(x))]
    frame = pd.DataFrame({"name": names, "method": names, "kind": kinds, "x": x, "y": y})
    return frame.assign(group="g", loss="", x_images=images, y_images=images)


def on_a_line(x, intercept=-1.0, slope=1.2):
    return 100 * expit(intercept + slope * logit(np.asarray(x) / 100))


BASELINES = np.array([60.0, 70, 80, 90, 95])


def test_line_is_numpys_fit_of_logits():
    rng = np.random.default_rng(0)
    x, y = rng.random(8), rng.random(8)
    intercept, slope = robustness.fit_line(x, y)
    assert np.allclose([slope, intercept], np.polyfit(logit(x), logit(y), 1))


def test_accuracies_of_0_and_100_percent_are_finite():
    points = make_points([50.0, 100], [0.0, 100], ["baseline"] * 2, images=100)
    assert np.isfinite(robustness.baseline_line(points)).all()
    assert np.allclose(robustness.clipped(np.array([0, 100]), 99), [0.005, 0.995])


def test_known_distance_above_a_known_line():
    y = [*on_a_line(BASELINES), on_a_line(85) + 7]
    points = make_points([*BASELINES, 85], y, ["baseline"] * 5 + ["diffusion"], images=10**6)
    found = robustness.effective_robustness(points, "m5", draws=500)
    assert found["value"] == pytest.approx(7, abs=0.01)
    assert found["low"] < 7 < found["high"] and found["high"] - found["low"] < 1
    assert found["accuracy"] - found["prediction"] == pytest.approx(found["value"])
    assert not found["extrapolated"]


def test_bootstrap_is_seeded_and_narrows_with_images():
    y = [*on_a_line(BASELINES), on_a_line(85)]
    few, many = (
        make_points([*BASELINES, 85], y, ["baseline"] * 5 + ["diffusion"], images=n)
        for n in (100, 10000)
    )
    first, again = (robustness.effective_robustness(few, "m5", seed=3) for _ in range(2))
    assert first == again
    assert first != robustness.effective_robustness(few, "m5", seed=4)
    narrow = robustness.effective_robustness(many, "m5")
    assert narrow["high"] - narrow["low"] < 0.3 * (first["high"] - first["low"])


def test_interval_covers_zero_for_a_method_on_the_line():
    rng = np.random.default_rng(1)
    x = np.array([*BASELINES, 85])
    covered = []
    for _ in range(200):
        drawn_x = rng.binomial(400, x / 100) / 4
        drawn_y = rng.binomial(400, on_a_line(x) / 100) / 4
        points = make_points(drawn_x, drawn_y, ["baseline"] * 5 + ["diffusion"], images=400)
        found = robustness.effective_robustness(points, "m5", draws=300)
        covered.append(found["low"] <= 0 <= found["high"])
    assert np.mean(covered) >= 0.93  # conservative: scatter by few images is counted twice


def test_seeds_of_a_method_are_averaged():
    y = [*on_a_line(BASELINES), on_a_line(85) + 2, on_a_line(85) + 6]
    methods = ["a", "b", "c", "d", "e", "dit", "dit"]
    kinds = ["baseline"] * 5 + ["diffusion"] * 2
    points = make_points([*BASELINES, 85, 85], y, kinds, images=10**6, methods=methods)
    found = robustness.effective_robustness(points, "dit", draws=200)
    assert found["value"] == pytest.approx(4, abs=0.01)
    assert found["low"] < 2.1 and found["high"] > 5.9  # two seeds: each may be the one drawn


def test_too_few_baselines_and_unknown_methods_are_refused():
    points = make_points([80.0, 80, 90], [50.0, 60, 70], ["baseline", "baseline", "diffusion"])
    with pytest.raises(InputError, match="at least two baselines"):
        robustness.effective_robustness(points, "m2")
    with pytest.raises(InputError, match="no method 'x'"):
        robustness.effective_robustness(points, "x")


def test_points_join_both_data_sets_per_seed():
    rows = [
        {"name": name, "method": "CNN", "kind": "baseline", "group": "cnn", "loss": "",
         "dataset": dataset, "metric": metric, "value": 90.0, "low": 88.0, "high": 92.0,
         "images": 400}
        for name in ("cnn-0", "cnn-1")
        for dataset in ("clean", "shifted", "other")
        for metric in ("top1", "mean_per_class")
    ]  # fmt: skip
    found = robustness.points(pd.DataFrame(rows[:-2]), "clean", "shifted")
    assert list(found["name"]) == ["cnn-0", "cnn-1"] and (found["y_images"] == 400).all()


def test_statements_say_what_the_interval_allows():
    row = {"dataset": "s", "method": "DiT", "value": 3.0, "extrapolated": False}
    table = pd.DataFrame(
        [{**row, "low": 1.0, "high": 5.0}, {**row, "low": -1.0, "high": 5.0, "extrapolated": True}]
    )
    above, unclear = robustness.statements(table, {"s": "Shift"})
    assert above.startswith("Shift: DiT lies above") and "[+1.0, +5.0]" in above
    assert "cannot be told" in unclear and "extrapolated" in unclear
