"""Accuracies, intervals and paired tests against scipy, closed forms and brute force."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from diffusion_classifier import curves, scores
from diffusion_classifier.messages import InputError


def predictions(correct, label=None, loss="", image=None):
    """A predictions file in which `correct` says which images are right."""
    correct = np.asarray(correct, bool)
    label = np.zeros(len(correct), int) if label is None else np.asarray(label)
    return pd.DataFrame(
        {
            "image": np.arange(len(correct)) if image is None else image,
            "label": label,
            "loss": loss,
            "prediction": np.where(correct, label, label + 1),
            "evaluations": 10.0,
            "seconds": 0.5,
        }
    )


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (3, 17), (199, 200), (1, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_is_scipys(k, n, confidence):
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert np.allclose(scores.wilson(k, n, confidence), expected, atol=1e-12)


def test_wilson_is_elementwise_and_nan_without_images():
    low, high = scores.wilson([0, 5, 0], [10, 10, 0])
    assert low[0] == 0 and low[1] < 0.5 < high[1] and np.isnan([low[2], high[2]]).all()


def test_mean_per_class_of_balanced_classes_is_top1():
    correct = np.random.default_rng(0).random(500) < 0.8
    label = np.arange(500) % 10
    assert np.allclose(scores.mean_per_class(correct, label), scores.top1(correct))


def test_mean_per_class_effective_sample_size_has_the_variance_of_the_mean():
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1, 2], [400, 50, 25])
    chance = np.array([0.9, 0.6, 0.3])[label]
    means, sizes = zip(
        *(scores.mean_per_class(rng.random(len(label)) < chance, label) for _ in range(3000)),
        strict=True,
    )
    p = np.mean(means)
    assert p == pytest.approx(0.6, abs=0.005)
    assert p * (1 - p) / np.mean(sizes) == pytest.approx(np.var(means), rel=0.1)


@pytest.mark.parametrize("right", [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]])
def test_mean_per_class_interval_never_vanishes(right):
    p, n = scores.mean_per_class(np.array(right, bool), np.array([0, 0, 0, 1]))
    low, high = scores.wilson(p * n, n)
    assert 0 < n <= 4 and high - low > 0.3


def test_score_names_losses_and_exports_nine_columns():
    both = pd.concat([predictions([1, 1, 0, 0], loss=loss) for loss in ("l2", "l2+vlb")])
    found = scores.score(both, "robustness", "digits", "Diffusion")
    assert list(found["method"].unique()) == ["Diffusion [L2]", "Diffusion [L2+VLB]"]
    row = found[found["metric"] == "top1"].iloc[0]
    assert (row["value"], row["images"], row["evaluations"]) == (50, 4, 10)
    interval = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert np.allclose([row["low"], row["high"]], 100 * np.array(interval))
    header = scores.long_form(found).to_csv(index=False).splitlines()[0]
    assert header == "table,method,dataset,metric,value,low,high,images,evaluations"


def test_score_refuses_an_image_predicted_twice():
    with pytest.raises(InputError, match="one per image and loss"):
        scores.score(predictions([1, 0], image=[3, 3]), "t", "d", "m")


METHODS = {
    "dit": {"label": "DiT", "kind": "diffusion", "group": "dit"},
    "cnn-seed0": {"label": "CNN", "kind": "baseline", "group": "convnet"},
    "cnn-seed1": {"label": "CNN", "kind": "baseline", "group": "convnet"},
    "wide-seed0": {"label": "Wide CNN", "kind": "baseline", "group": "convnet"},
}


def test_seeds_become_one_row_with_a_pooled_interval():
    found = {
        ("wide-seed0", "digits"): predictions([1] * 5 + [0] * 5),
        ("cnn-seed0", "digits"): predictions([1] * 9 + [0]),
        ("cnn-seed1", "digits"): predictions([1] * 7 + [0] * 3),
        ("dit", "digits"): predictions([1] * 10, loss="l2"),
    }
    table = scores.score_table(METHODS, found, "robustness")
    rows = scores.aggregate(table)
    rows = rows[rows["metric"] == "top1"].set_index("method")
    assert list(rows.index) == ["DiT [L2]", "CNN", "Wide CNN"]  # the order of METHODS
    cnn = rows.loc["CNN"]
    assert (cnn["value"], cnn["seeds"], cnn["images"], cnn["group"]) == (
        pytest.approx(80),
        2,
        20,
        "convnet",
    )
    interval = stats.binomtest(16, 20).proportion_ci(method="wilson")
    assert np.allclose([cnn["low"], cnn["high"]], 100 * np.array(interval))
    groups = scores.aggregate(table, by="group").query("metric == 'top1'").set_index("method")
    assert list(groups.index) == ["DiT [L2]", "convnet"]
    assert groups.loc["convnet", "value"] == pytest.approx(70)


def test_mcnemar_is_the_exact_binomial_test():
    a = np.array([1] * 9 + [0] * 2 + [1] * 5 + [0] * 4, bool)
    b = np.array([0] * 9 + [1] * 2 + [1] * 5 + [0] * 4, bool)
    found = scores.mcnemar(a, b)
    by_hand = 2 * sum(stats.binom.pmf(k, 11, 0.5) for k in range(3))
    assert (found["b"], found["c"]) == (9, 2) and found["p"] == pytest.approx(by_hand)
    assert scores.mcnemar(a, a)["p"] == 1


def test_newcombe_without_correlation_is_his_unpaired_method():
    # φ is 0 when one margin is empty; then squares of Wilson's half widths just add.
    low, high = scores.newcombe(0, 0, 6, 14)
    low1, high1 = scores.wilson(0, 20)
    low2, high2 = scores.wilson(6, 20)
    assert low == pytest.approx(-0.3 - np.hypot(0 - low1, high2 - 0.3))
    assert high == pytest.approx(-0.3 + np.hypot(high1 - 0, 0.3 - low2))


@pytest.mark.parametrize("chances", [(0.8, 0.08, 0.04, 0.08), (0.5, 0.2, 0.2, 0.1)])
def test_newcombe_covers_the_true_difference(chances):
    rng = np.random.default_rng(0)
    true = chances[1] - chances[2]
    drawn = rng.multinomial(150, chances, size=2000)
    covered = np.mean([low <= true <= high for low, high in (scores.newcombe(*d) for d in drawn)])
    assert 0.94 <= covered <= 0.985


def test_newcombe_swaps_sign_with_the_methods():
    low, high = scores.newcombe(50, 12, 5, 33)
    assert scores.newcombe(50, 5, 12, 33) == pytest.approx((-high, -low))
    assert low < 0.07 < high


def test_paired_uses_the_shared_images_and_refuses_other_labels():
    a = predictions([1, 1, 1, 0])
    b = predictions([0, 1, 0], image=[3, 2, 1])
    assert scores.paired(a, b)["images"] == 3
    assert scores.paired(a, b)["difference"] == pytest.approx(100 * (2 - 1) / 3)
    with pytest.raises(InputError, match="labels that differ"):
        scores.paired(a, predictions([1, 1, 1, 1], label=[0, 0, 2, 0]))


def test_paired_table_compares_every_loss_with_every_baseline():
    found = {(name, "digits"): predictions([1, 0, 1]) for name in list(METHODS)[1:]}
    found["dit", "digits"] = pd.concat([predictions([1, 1, 1], loss=x) for x in ("l1", "l2")])
    table = scores.paired_table(METHODS, found)
    assert len(table) == 6 and set(table["loss"]) == {"l1", "l2"}
    assert (table["difference"].round(3) == 33.333).all() and (table["method_a"] == "dit").all()
    assert ",".join(table) == "dataset,method_a,method_b,loss,difference,low,high,b,c,p,images"


def exhaustive(images=30, classes=4, timesteps=(50, 150, 250, 350), noises=1, seed=0):
    """Errors in shuffled order, and the labels: noise around a lower error for the label."""
    rng = np.random.default_rng(seed)
    label = rng.integers(classes, size=images)
    pairs = rng.permutation(images * classes)
    samples = rng.permutation(len(timesteps) * noises)
    image, prompt = pairs // classes, pairs % classes
    values = rng.normal(size=(len(pairs), len(samples))) - (prompt == label[image])[:, None]
    dims = ("pair", "sample")
    return xr.Dataset(
        {"l2": (dims, values.astype("float32")), "vlb": (dims, values.astype("float32") ** 2)},
        {
            "image": ("pair", image),
            "prompt": ("pair", prompt),
            "timestep": ("sample", np.array(timesteps)[samples // noises]),
            "noise": ("sample", samples),
        },
    ), pd.DataFrame({"image": np.arange(images), "label": label})


def brute_force(errors, labels, loss, timesteps):
    """Accuracy in percent by looping over images, classes and samples."""
    right = 0
    for image, label in labels.itertuples(index=False):
        totals = {}
        for pair in np.flatnonzero(errors["image"].values == image):
            kept = np.isin(errors["timestep"].values, timesteps)
            totals[int(errors["prompt"][pair])] = sum(
                float(errors[name].values[pair][kept].astype("float64").sum())
                for name in loss.split("+")
            )
        right += min(totals, key=totals.get) == label
    return 100 * right / len(labels)


@pytest.mark.parametrize("loss", ["l2", "l2+vlb"])
@pytest.mark.parametrize("noises", [1, 2])
def test_curves_are_brute_force(loss, noises):
    errors, labels = exhaustive(noises=noises)
    alone = curves.timestep_accuracy(errors, labels, loss)
    assert list(alone["timestep"]) == [50, 150, 250, 350]
    for row in alone.itertuples():
        assert row.accuracy == pytest.approx(brute_force(errors, labels, loss, [row.timestep]))
    curve = curves.accuracy_by_evaluations(errors, labels, loss, [1, 2, 4])
    assert list(curve["evaluations"]) == [4 * noises, 8 * noises, 16 * noises]
    chosen = {1: [250], 2: [150, 350], 4: [50, 150, 250, 350]}  # grid[G//n//2 :: G//n][:n]
    for row in curve.itertuples():
        assert row.accuracy == pytest.approx(brute_force(errors, labels, loss, chosen[row.samples]))
        assert row.low <= row.accuracy <= row.high


def test_curves_refuse_pruned_errors_unknown_losses_and_too_many_samples():
    errors, labels = exhaustive()
    with pytest.raises(InputError, match="without pruning"):
        curves.timestep_accuracy(errors.isel(pair=slice(1, None)), labels, "l2")
    with pytest.raises(InputError, match="'huber' is not in the errors"):
        curves.timestep_accuracy(errors, labels, "huber")
    with pytest.raises(InputError, match="no label"):
        curves.timestep_accuracy(errors, labels.iloc[1:], "l2")
    with pytest.raises(InputError, match="4 timesteps"):
        curves.accuracy_by_evaluations(errors, labels, "l2", [5])
