"""Effective robustness against numpy's fit, known lines and simulation."""

import numpy as np
import pandas as pd
import pytest
from crossed import difficulties, right
from scipy.special import expit, logit

from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import robustness


def make(x, y, kinds, images=1000, methods=None, seed=0):
    """Answers with accuracies `x`, `y` in percent, and their points: (points, inside, shifted)."""
    names = [f"m{i}" for i in range(len(x))]
    rng = np.random.default_rng(seed)
    sets = {}
    for axis, percent in (("x", x), ("y", y)):
        order = np.arange(images) + 0.5
        found = [rng.permutation(order) < images * p / 100 for p in percent]
        sets[axis] = answers(names, found)
    points = pd.DataFrame({"name": names, "method": methods or names, "kind": kinds})
    points = points.assign(group="g", loss="", varies="training")
    for axis, found in sets.items():
        value = found.groupby("name")["correct"].mean().reindex(names)
        points[axis], points[f"{axis}_images"] = 100 * value.to_numpy(), images
    return points, sets["x"], sets["y"]


def answers(names, correct):
    """`accuracy.correctness` of one data set, from bool `(method, image)`."""
    correct = np.asarray(correct, bool)
    index = pd.MultiIndex.from_product([names, range(correct.shape[1])], names=["name", "image"])
    return pd.DataFrame({"correct": correct.ravel()}, index=index).reset_index().assign(loss="")


def measured(made, method, draws=500, seed=0, same_images=False):
    points, inside, shifted = made
    replicates = robustness.redrawn(points, inside, shifted, draws, seed, same_images)
    return robustness.effective_robustness(points, method, replicates, seed)


def on_a_line(x, intercept=-1.0, slope=1.2):
    return 100 * expit(intercept + slope * logit(np.asarray(x) / 100))


BASELINES = np.array([60.0, 70, 80, 90, 95])


def test_line_is_numpys_fit_of_logits():
    rng = np.random.default_rng(0)
    x, y = rng.random(8), rng.random(8)
    intercept, slope = robustness.fit_line(x, y)
    assert np.allclose([slope, intercept], np.polyfit(logit(x), logit(y), 1))


def test_weights_of_a_line_are_repeated_points():
    rng = np.random.default_rng(0)
    x, y = rng.random(4), rng.random(4)
    times = np.array([[1, 0, 3, 2], [1, 1, 1, 1]])
    lines = robustness.fit_line(x, y, times)
    for row, *line in zip(times, *lines, strict=True):
        assert np.allclose(line, robustness.fit_line(x.repeat(row), y.repeat(row)))


def test_accuracies_of_0_and_100_percent_are_finite():
    points, *_ = made = make(
        [50.0, 100, 80], [0.0, 100, 100], [*["baseline"] * 2, "diffusion"], 100
    )
    assert np.isfinite(robustness.baseline_line(points)).all()
    assert np.allclose(robustness.clipped(np.array([0, 100]), 99), [0.005, 0.995])
    found = measured(made, "m2")
    assert np.isfinite([found["low"], found["high"]]).all()


def test_known_distance_above_a_known_line():
    y = [*on_a_line(BASELINES), on_a_line(85) + 7]
    made = make([*BASELINES, 85], y, ["baseline"] * 5 + ["diffusion"], images=40_000)
    found = measured(made, "m5", draws=200)
    assert found["value"] == pytest.approx(7, abs=0.02)
    assert found["low"] < 7 < found["high"] and found["high"] - found["low"] < 3
    assert found["accuracy"] - found["prediction"] == pytest.approx(found["value"])
    assert not found["extrapolated"] and found["trainings"] == 1


def test_bootstrap_is_seeded_and_narrows_with_images():
    y = [*on_a_line(BASELINES), on_a_line(85)]
    few, many = (
        make([*BASELINES, 85], y, ["baseline"] * 5 + ["diffusion"], images=n) for n in (100, 10000)
    )
    first, again = (measured(few, "m5", seed=3) for _ in range(2))
    assert first == again
    assert first != measured(few, "m5", seed=4)
    narrow = measured(many, "m5")
    assert narrow["high"] - narrow["low"] < 0.3 * (first["high"] - first["low"])


def test_images_are_redrawn_for_all_methods_alike():
    """Two methods with equal answers agree in all replicates, and so do axes of the same images."""
    made = make([80, 90, 85], [60, 70, 65], ["baseline", "baseline", "diffusion"], images=100)
    points, inside, _ = made
    twin = inside[inside["name"] == "m0"].assign(name="m2")
    inside = pd.concat([inside[inside["name"] != "m2"], twin])
    for same in (False, True):
        found = robustness.redrawn(points, inside, inside, 50, 0, same)
        assert np.array_equal(found.x[:, 0], found.x[:, 2])
        assert np.array_equal(found.x, found.y) == same
    assert found.x.mean(axis=0) == pytest.approx([0.8, 0.9, 0.8], abs=0.03)
    assert found.x.std(axis=0) == pytest.approx([0.04, 0.03, 0.04], rel=0.4)


def drawn_on_the_line(rng, spread, trainings, own, images=400):
    """Baselines with several trainings whose true accuracies are on a line, like `dit`'s."""
    methods = dict.fromkeys("abcde", trainings) | {"dit": own}
    true = np.array([*BASELINES, 85])
    names = [f"{method}{seed}" for method, count in methods.items() for seed in range(count)]
    kinds = ["baseline"] * (5 * trainings) + ["diffusion"] * own
    frame = pd.DataFrame({"name": names, "kind": kinds, "group": "g", "loss": ""})
    frame["method"] = frame["name"].str.rstrip("0123456789")
    sets = []
    for axis, accuracies, apart in (("x", true, 0.05), ("y", on_a_line(true), spread)):
        hard = difficulties(rng, 1, images, 2.0)
        counts = zip(accuracies / 100, methods.values(), strict=True)
        found = np.concatenate([right(rng, p, count, hard, apart)[0] for p, count in counts])
        frame[axis], frame[f"{axis}_images"] = 100 * found.mean(axis=1), images
        sets.append(answers(names, found))
    return frame.assign(varies="training"), *sets


@pytest.mark.parametrize(
    ("spread", "trainings", "own"), [(0.0, 5, 5), (0.3, 5, 5), (0.3, 5, 3), (0.0, 1, 1)]
)
def test_interval_covers_zero_for_a_method_on_the_line(spread, trainings, own):
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(50):
        found = measured(drawn_on_the_line(rng, spread, trainings, own), "dit", draws=150)
        covered.append(found["low"] <= 0 <= found["high"])
    assert np.mean(covered) >= 0.93  # conservative: scatter by few images is counted twice


def test_another_training_of_a_single_one_is_not_covered():
    """Only the interval of several trainings is wide enough for that."""
    rng = np.random.default_rng(1)
    points, *sets = drawn_on_the_line(rng, 0.6, 5, 5)
    several = measured((points, *sets), "dit")
    only = points[~points["name"].isin([f"dit{seed}" for seed in range(1, 5)])]
    single = measured((only, *sets), "dit")
    assert (several["trainings"], single["trainings"]) == (5, 1)
    assert several["high"] - several["low"] > single["high"] - single["low"]


def test_trainings_of_a_method_are_averaged_and_drawn():
    y = [*on_a_line(BASELINES), on_a_line(85) + 2, on_a_line(85) + 6]
    methods = ["a", "b", "c", "d", "e", "dit", "dit"]
    kinds = ["baseline"] * 5 + ["diffusion"] * 2
    found = measured(make([*BASELINES, 85, 85], y, kinds, 5_000, methods), "dit", draws=200)
    assert found["value"] == pytest.approx(4, abs=0.05) and found["trainings"] == 2
    assert found["low"] < 1.5 and found["high"] > 6.5  # each may be the one drawn, and more


def test_trainings_of_baselines_are_points_of_the_line_and_drawn():
    """A baseline with scattered trainings makes the line less certain than their mean would."""
    methods = [*"abcde", "e", "dit"]
    kinds = ["baseline"] * 6 + ["diffusion"]
    widths = []
    for apart in (0, 15):
        y = [*on_a_line(BASELINES), on_a_line(85)]
        y = [*y[:4], y[4] - apart, min(y[4] + apart, 99), y[5]]
        made = make([*BASELINES, 95, 85], y, kinds, 5_000, methods)
        found = measured(made, "dit", draws=300)
        widths.append(found["high"] - found["low"])
    assert widths[1] > 2 * widths[0]


def test_too_few_baselines_and_unknown_methods_are_refused():
    kinds = ["baseline", "baseline", "diffusion"]
    points, *sets = make([80.0, 80, 90], [50.0, 60, 70], kinds)
    replicates = robustness.redrawn(points, *sets, 10)
    with pytest.raises(InputError, match="at least two baselines"):
        robustness.effective_robustness(points, "m2", replicates)
    with pytest.raises(InputError, match="method: found 'x', expected one with scores on both"):
        robustness.effective_robustness(points, "x", replicates)


def test_points_join_both_data_sets_per_seed():
    rows = [
        {"name": name, "method": "CNN", "kind": "baseline", "group": "cnn", "loss": "",
         "dataset": dataset, "metric": metric, "value": 90.0, "low": 88.0, "high": 92.0,
         "images": 400, "varies": "training"}
        for name in ("cnn-0", "cnn-1")
        for dataset in ("clean", "shifted", "other")
        for metric in ("top1", "mean_per_class")
    ]  # fmt: skip
    found = robustness.points(pd.DataFrame(rows[:-2]), "clean", "shifted")
    assert list(found["name"]) == ["cnn-0", "cnn-1"] and (found["y_images"] == 400).all()


def test_statements_say_what_the_interval_allows_and_of_how_many_trainings():
    row = {"dataset": "s", "method": "DiT", "value": 3.0, "extrapolated": False, "trainings": 1}
    row["varies"] = "training"
    table = pd.DataFrame(
        [
            {**row, "low": 1.0, "high": 5.0},
            {**row, "low": -1.0, "high": 5.0, "extrapolated": True, "trainings": 3},
            {**row, "low": -2.0, "high": -1.0, "varies": ""},
        ]
    )
    above, unclear, below = robustness.statements(table, {"s": "Shift"})
    assert above.startswith("Shift: DiT lies above") and "[+1.0, +5.0]" in above
    assert "1 training and does not cover another one" in above
    assert (
        "cannot be distinguished" in unclear
        and "extrapolated" in unclear
        and "3 trainings" in unclear
    )
    assert "below" in below and "training" not in below
