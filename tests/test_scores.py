"""Accuracies and curves against scipy and brute force."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import accuracy as scores
from diffusion_classifier.scores import intervals, timestep_curves


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


def test_score_names_losses_and_exports_twelve_columns():
    both = pd.concat([predictions([1, 1, 0, 0], loss=loss) for loss in ("l2", "l2+vlb")])
    found = scores.score(both, "robustness", "digits", "Diffusion")
    assert list(found["method"].unique()) == ["Diffusion [L2]", "Diffusion [L2+VLB]"]
    row = found[found["metric"] == "top1"].iloc[0]
    assert (row["value"], row["images"], row["evaluations"]) == (50, 4, 10)
    interval = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert np.allclose([row["low"], row["high"]], 100 * np.array(interval))
    header = scores.long_form(found).to_csv(index=False).splitlines()[0]
    assert header == (
        "table,method,dataset,metric,value,low,high,least,most,trainings,images,evaluations"
    )


def test_score_refuses_an_image_predicted_twice():
    with pytest.raises(InputError, match="one per image and loss"):
        scores.score(predictions([1, 0], image=[3, 3]), "t", "d", "m")


METHODS = {
    "dit": {"label": "DiT", "kind": "diffusion", "group": "dit", "varies": "training"},
    "cnn-seed0": {"label": "CNN", "kind": "baseline", "group": "convnet", "varies": "training"},
    "cnn-seed1": {"label": "CNN", "kind": "baseline", "group": "convnet", "varies": "training"},
    "wide-seed0": {"label": "Wide", "kind": "baseline", "group": "convnet", "varies": "training"},
}


def of_seeds():
    return {
        ("wide-seed0", "digits"): predictions([1] * 5 + [0] * 5),
        ("cnn-seed0", "digits"): predictions([1] * 9 + [0]),
        ("cnn-seed1", "digits"): predictions([0] * 3 + [1] * 7),
        ("dit", "digits"): predictions([1] * 10, loss="l2"),
    }


def test_trainings_become_one_row_whose_interval_counts_images_once():
    found = of_seeds()
    table, correct = scores.score_table(METHODS, found, "robustness"), scores.correctness(found)
    rows = scores.aggregate(table, correct)
    assert not {*scores.LONG, "loss", "seconds", "kind", "group", "varies"} - {*rows}
    rows = rows[rows["metric"] == "top1"].set_index("method")
    assert list(rows.index) == ["DiT [L2]", "CNN", "Wide"]  # the order of METHODS
    cnn = rows.loc["CNN"]
    assert (cnn["trainings"], cnn["images"], cnn["group"]) == (2, 10, "convnet")
    assert cnn["value"] == pytest.approx(80)
    assert (cnn["least"], cnn["most"]) == (70, 90)
    answers = np.array([[1] * 9 + [0], [0] * 3 + [1] * 7], bool)
    expected = intervals.interval(intervals.accuracy(answers))
    assert np.allclose([cnn["low"], cnn["high"]], 100 * np.array(expected))
    # one training still has Wilson's interval
    single = stats.binomtest(5, 10).proportion_ci(method="wilson")
    wide = rows.loc["Wide"]
    assert (wide["trainings"], wide["images"]) == (1, 10)
    assert wide["least"] == wide["value"] == wide["most"]
    assert np.allclose([wide["low"], wide["high"]], 100 * np.array(single))
    groups = scores.aggregate(table, correct, by="group").query("metric == 'top1'")
    assert list(groups["method"]) == ["DiT [L2]", "convnet"]
    assert groups.set_index("method").loc["convnet", "value"] == pytest.approx(70)


@pytest.mark.parametrize("metric", ["top1", "mean_per_class"])
def test_guesses_of_several_seeds_are_those_of_more_images(metric):
    methods = {
        f"chance-seed{seed}": {"label": "Chance", "kind": "chance", "group": "c", "varies": "seed"}
        for seed in range(2)
    }
    label = np.arange(20) % 2
    right = np.array([[1] * 8 + [0] * 12, [0] * 16 + [1] * 4])
    found = {(name, "d"): predictions(own, label) for name, own in zip(methods, right, strict=True)}
    rows = scores.aggregate(scores.score_table(methods, found, "t"), scores.correctness(found))
    (row,) = rows[rows["metric"] == metric].itertuples()
    assert (row.trainings, row.images, row.value) == (2, 20, 30)
    expected = stats.binomtest(12, 40).proportion_ci(method="wilson")
    assert np.allclose([row.low, row.high], 100 * np.array(expected))


def test_trainings_with_other_images_are_refused():
    found = of_seeds()
    found["cnn-seed1", "digits"] = found["cnn-seed1", "digits"][:7]
    table = scores.score_table(METHODS, found, "robustness")
    with pytest.raises(InputError, match=r"'cnn-seed1': found 7 of 10 images of cnn-seed0, cnn"):
        scores.aggregate(table, scores.correctness(found))


def test_mean_per_class_is_stratified_by_label():
    label = np.repeat([0, 1], [8, 2])
    found = {("cnn-seed0", "d"): predictions([1] * 8 + [0, 1], label)}
    found["cnn-seed1", "d"] = predictions([1] * 7 + [0, 0, 0], label)
    rows = scores.aggregate(scores.score_table(METHODS, found, "t"), scores.correctness(found))
    value = rows.set_index("metric")["value"]
    assert value["top1"] == pytest.approx(80)
    assert value["mean_per_class"] == pytest.approx(100 * (1 + 0.5 + 7 / 8 + 0) / 4)


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
    alone = timestep_curves.timestep_accuracy(errors, labels, loss)
    assert list(alone["timestep"]) == [50, 150, 250, 350]
    for row in alone.itertuples():
        assert row.accuracy == pytest.approx(brute_force(errors, labels, loss, [row.timestep]))
    curve = timestep_curves.accuracy_by_evaluations(errors, labels, loss, [1, 2, 4])
    assert list(curve["evaluations"]) == [4 * noises, 8 * noises, 16 * noises]
    chosen = {1: [250], 2: [150, 350], 4: [50, 150, 250, 350]}  # grid[G//n//2 :: G//n][:n]
    for row in curve.itertuples():
        assert row.accuracy == pytest.approx(brute_force(errors, labels, loss, chosen[row.samples]))
        assert row.low <= row.accuracy <= row.high


def test_rows_of_curves_are_told_apart_again():
    found = {}
    for dataset, noises in (("one", 1), ("two", 2)):
        found[dataset] = exhaustive(noises=noises)
    rows = pd.concat(
        [timestep_curves.curve_rows(*of).assign(dataset=name) for name, of in found.items()]
    )
    for loss in ("l2", "l2+vlb"):
        alone, costs = (
            timestep_curves.by_timestep(rows, loss),
            timestep_curves.by_evaluations(rows, loss),
        )
        assert list(alone) == list(costs) == ["one", "two"]
        for name, of in found.items():
            pd.testing.assert_frame_equal(
                alone[name].drop(columns="classes"), timestep_curves.timestep_accuracy(*of, loss)
            )
            pd.testing.assert_frame_equal(
                costs[name].drop(columns="classes"),
                timestep_curves.accuracy_by_evaluations(*of, loss, [1, 2]),
                check_like=True,
            )
            assert set(alone[name]["classes"]) == {4}
    with pytest.raises(InputError, match=r"loss: found huber, .* one of l2, vlb, l2\+vlb; choose"):
        timestep_curves.by_timestep(rows, "huber")


def test_curves_refuse_pruned_errors_unknown_losses_and_too_many_samples():
    errors, labels = exhaustive()
    with pytest.raises(InputError, match="without pruning"):
        timestep_curves.timestep_accuracy(errors.isel(pair=slice(1, None)), labels, "l2")
    with pytest.raises(InputError, match=r"found huber, .* expected one of l2, vlb"):
        timestep_curves.timestep_accuracy(errors, labels, "huber")
    with pytest.raises(InputError, match="labels: found none for image"):
        timestep_curves.timestep_accuracy(errors, labels.iloc[1:], "l2")
    with pytest.raises(InputError, match="counts: found 5 samples, expected 1 to 4, the timesteps"):
        timestep_curves.accuracy_by_evaluations(errors, labels, "l2", [5])
