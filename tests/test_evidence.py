"""Paired differences after stages and races, against loops over images, classes and samples."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.evidence import evidence, paired_differences

CLASS_OF = np.array([0, 0, 2, 3])  # two prompts of class 0


def stages(seed=0):
    """Two files of one stage, with weights, and a race after it in which some pairs leave."""
    rng = np.random.default_rng(seed)
    every = pd.DataFrame([(i, p) for i in (3, 8) for p in range(4)], columns=["image", "prompt"])
    first = [Sample(100, 0, 2.0), Sample(900, 1, 0.5)]
    second = [Sample(400, 2, 1.0), Sample(600, 3, 1.5), Sample(200, 4, 0.7)]
    found = []
    for samples, pairs in ((first, every[every["image"] == 3]), (first, every[every["image"] == 8]),
                           (second, every)):  # fmt: skip
        values = rng.random((len(pairs), len(samples))).astype("float32")
        if samples is second:  # class 2 leaves after one sample, class 3 of image 8 after two
            values[pairs["prompt"] == 2, 1:] = np.nan
            values[((pairs["prompt"] == 3) & (pairs["image"] == 8)).to_numpy(), 2:] = np.nan
        found.append(error_dataset({"l2": values}, pairs, samples, {"seconds": 1.0}))
    return found


def brute_force(found, image, combine):
    """Difference and effective number of samples of each class of an image, one by one."""
    errors, weights = {}, {}
    for stage in found:
        for row in np.flatnonzero(stage["image"].values == image):
            for column, noise in enumerate(stage["noise"].values):
                prompt = int(stage["prompt"].values[row])
                errors[prompt, noise] = float(stage["l2"].values[row, column])
                weights[noise] = float(stage["weight"].values[column])
    per_class = {}
    for index in np.unique(CLASS_OF):
        prompts = np.flatnonzero(index == CLASS_OF)
        noises = [n for n in weights if not np.isnan(errors[prompts[0], n])]
        share = np.array([weights[n] for n in noises])
        values = np.array([[errors[p, n] for n in noises] for p in prompts])
        chosen = values.mean(axis=0) if combine == "mean" else values[(values @ share).argmin()]
        per_class[index] = noises, share, chosen
    most = max(len(noises) for noises, _, _ in per_class.values())
    best = min(
        (index for index, (noises, _, _) in per_class.items() if len(noises) == most),
        key=lambda index: np.average(per_class[index][2], weights=per_class[index][1]),
    )
    of_best = dict(zip(per_class[best][0], per_class[best][2], strict=True))
    return [
        (np.average(values - [of_best[n] for n in noises], weights=share),
         share.sum() ** 2 / (share**2).sum())
        for noises, share, values in per_class.values()
    ]  # fmt: skip


@pytest.mark.parametrize("combine", ["mean", "best"])
def test_differences_are_those_of_a_loop(combine):
    found = evidence(stages(), CLASS_OF, "l2", combine)
    assert found.images.tolist() == [3, 8]
    assert found.classes.tolist() == [0, 2, 3]
    for row, image in enumerate(found.images):
        expected = np.array(brute_force(stages(), image, combine))
        np.testing.assert_allclose(found.difference[row], expected[:, 0], rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(found.samples[row], expected[:, 1])


def test_the_order_of_files_does_not_matter():
    expected, found = (evidence(files, CLASS_OF, "l2") for files in (stages(), stages()[::-1]))
    np.testing.assert_allclose(found.difference, expected.difference)


def test_a_class_without_samples_is_unknown():
    """As after a prior that kept other classes for this image."""
    first, second, third = stages()
    kept = [stage.isel(pair=stage["prompt"].values != 3) for stage in (first, third)]
    found = evidence([*kept, second], CLASS_OF, "l2")
    assert np.isnan(found.difference[0, 2]) and found.samples[0, 2] == 0
    assert np.isfinite(found.difference[1]).all()


def test_an_empty_stage_changes_nothing():
    first, second, third = stages()
    empty = xr.Dataset(coords={name: third[name][:0] for name in third.coords})
    found = evidence([first, second, third, empty], CLASS_OF, "l2")
    np.testing.assert_array_equal(found.difference, evidence(stages(), CLASS_OF, "l2").difference)


def test_a_standard_error_is_scipys_over_the_samples_of_both_classes():
    errors = np.random.default_rng(0).random((2, 3, 9))
    errors[1, 1, 4:], errors[1, 2, 1:] = np.nan, np.nan
    means, spread, counts = paired_differences(errors, errors[:, :1], np.full(9, 0.7))
    assert counts.tolist() == [[9, 9, 9], [9, 4, 1]]
    for place, number in np.ndenumerate(counts):
        differences = (errors[place] - errors[place[0], 0])[:number]
        assert means[place] == pytest.approx(differences.mean(), abs=1e-15)
        if number > 1:
            assert spread[place] == pytest.approx(stats.sem(differences), abs=1e-15)
    assert np.isnan(spread[1, 2])
