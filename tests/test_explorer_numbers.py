"""The numbers of the pages: ranked classes with error bars, curves, and which images are shown."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from explorer_results import PARTS, errors_of_shards, predicted, write_images, write_prompts
from scipy import stats

from diffusion_classifier import files
from diffusion_classifier.cli.ranking import ranking
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.calibration import Calibration
from diffusion_classifier.selection.rankings import BINS, NONE, RANKED, Errors, rankings
from diffusion_classifier.tables.explorer.method_answers import (
    from_predictions,
    from_rankings,
    from_similarities,
)
from diffusion_classifier.tables.explorer.shown import chosen, shares

NAMES = ["ant", "bee", "cat", "dog", "elk"]


@pytest.fixture(scope="module")
def classified(tmp_path_factory):
    """The rankings of 40 images as a page reads them, the stages of each shard, and classes."""
    folder, generator = tmp_path_factory.mktemp("results"), np.random.default_rng(0)
    labels = generator.integers(len(NAMES), size=40)
    data = write_images(folder / "data.parquet", labels, NAMES)
    class_of = write_prompts(folder / "prompts.csv", NAMES, per_class=2)["classidx"].to_numpy()
    shards = errors_of_shards(labels, class_of, generator)
    files.write_dataset(predicted(shards, data, class_of)[1], folder / "rankings.nc")
    stored = files.read_dataset(folder / "rankings.nc")
    assert stored["image"].values.tolist() == list(range(40))
    found, curves = from_rankings(stored, "l2", np.arange(40))
    return found, curves, [stages for stages, _ in shards], class_of


def ranked(stage, class_of, combine="mean"):
    """The ranking and the curves of image 0, of which class 0 is the prediction."""
    winners, read = {"l2": np.array([0])}, Errors(class_of, combine)
    return from_rankings(rankings([stage], np.array([0]), winners, read), "l2", np.array([0]))


def test_the_ranking_is_that_of_the_command(classified):
    found, _, shards, class_of = classified
    # the command knows no class parts: those of a stage are put together
    whole = [[xr.concat(stages[n : n + PARTS], "pair") for n in range(0, len(stages), PARTS)]
             for stages in shards]  # fmt: skip
    listed = pd.concat([ranking(stages, class_of, "l2", Calibration(1)) for stages in whole])
    assert len(listed) == 40 * len(NAMES)
    for row in listed.itertuples():
        place = (row.image, row.rank - 1)
        assert found.classes[place] == row._3
        assert found.scores[place] == pytest.approx(-row.difference, abs=1e-6)
        assert found.samples[place] == row.samples
        if row.rank > 1:
            assert found.spread[place] == pytest.approx(row.standard_error, rel=1e-4)
    assert (found.classes[:, len(NAMES) :] == NONE).all()


def test_a_standard_error_is_scipys_and_pairs_samples(classified):
    found, _, shards, class_of = classified
    values = {}  # image, class, noise → error, by hand
    for stage in (stage for stages in shards for stage in stages):
        for i, (image, prompt) in enumerate(
            zip(stage.image.values, stage.prompt.values, strict=True)
        ):
            for j, noise in enumerate(stage.noise.values):
                key = (image, class_of[prompt], noise)
                values.setdefault(key, []).append(float(stage["l2"].values[i, j]))
    for image, other in ((0, 1), (7, 4), (39, 2)):
        first, second = found.classes[image, 0], found.classes[image, other]
        noises = {noise for i, k, noise in values if (i, k) == (image, second)}
        differences = [
            np.mean(values[image, second, n]) - np.mean(values[image, first, n]) for n in noises
        ]
        assert found.samples[image, other] == len(noises)
        assert found.scores[image, other] == pytest.approx(-np.mean(differences), abs=1e-6)
        assert found.spread[image, other] == pytest.approx(stats.sem(differences), rel=1e-4)


def test_curves_are_means_of_bins_of_timesteps(classified):
    found, curves, shards, class_of = classified
    timesteps = sorted({int(t) for stages in shards for s in stages for t in s.timestep.values})
    assert curves.timesteps.tolist() == timesteps  # fewer than BINS: each has its own
    first, at = found.classes[3, 0], timesteps.index(100)
    (part,) = [
        stage for stage in shards[0]
        if 100 in stage.timestep.values and first in class_of[stage.prompt.values]
    ]  # fmt: skip
    here = (part.image.values == 3) & (class_of[part.prompt.values] == first)
    column = part.timestep.values.tolist().index(100)
    assert here.sum() == 2  # the two prompts of the class
    assert curves.errors[3, at] == pytest.approx(part["l2"].values[here, column].mean())
    weighted = np.nanmean(curves.differences[3, 0])
    assert weighted == pytest.approx(-found.scores[3, 1], abs=1e-5)  # all samples weigh alike


def test_many_timesteps_share_bins_and_a_class_that_left_has_gaps():
    samples = [Sample(t, t) for t in range(0, 100)]
    pairs = pd.DataFrame({"image": 0, "prompt": [0, 1]})
    values = np.array([np.zeros(100), np.arange(100.0)], "float32")
    values[1, 10:] = np.nan  # left the race after ten samples
    stage = error_dataset({"l2": values}, pairs, samples, {"seconds": 1.0})
    found, curves = ranked(stage, np.arange(2))
    assert len(curves.timesteps) == BINS and curves.timesteps[:2].tolist() == [2.0, 7.0]
    assert curves.errors[0].tolist() == [0.0] * BINS
    assert curves.differences[0, 0, :2].tolist() == [2.0, 7.0]
    assert np.isnan(curves.differences[0, 0, 2:]).all() and np.isnan(curves.differences[0, 1]).all()
    assert found.scores[0, :2].tolist() == [0.0, -4.5]
    assert found.samples[0, :3].tolist() == [100, 10, 0]


def test_weights_of_samples_count():
    samples = [Sample(1, 1, 3.0), Sample(2, 2, 1.0)]
    pairs = pd.DataFrame({"image": 0, "prompt": [0, 1]})
    values = np.array([[0, 0], [1, 5]], "float32")
    stage = error_dataset({"l2": values}, pairs, samples, {"seconds": 1.0})
    found, _ = ranked(stage, np.arange(2))
    assert found.scores[0, 1] == -2.0  # (3 · 1 + 5) / 4
    # 2/1 · ((3/4)² (1 - 2)² + (1/4)² (5 - 2)²)
    assert found.spread[0, 1] == pytest.approx(np.sqrt(2 * (9 / 16 + 9 / 16)))


def test_the_best_prompt_speaks_for_its_class():
    pairs = pd.DataFrame({"image": 0, "prompt": [0, 1, 2]})
    values = np.array([[1, 1], [9, 0], [3, 3]], "float32")
    stage = error_dataset({"l2": values}, pairs, [Sample(1, 1), Sample(2, 2)], {"seconds": 1.0})
    best, _ = ranked(stage, np.array([0, 1, 1]), "best")
    mean, _ = ranked(stage, np.array([0, 1, 1]), "mean")
    assert best.scores[0, 1] == -2.0  # prompt 2, whose mean is 3
    assert mean.scores[0, 1] == pytest.approx(-(15 / 4 - 1))


def test_each_loss_has_its_ranking_and_an_unknown_row_or_loss_has_none():
    pairs = pd.DataFrame({"image": 3, "prompt": [0, 1]})
    errors = {"l1": np.array([[1.0], [2.0]]), "l2": np.array([[5.0], [2.0]])}
    stage = error_dataset(errors, pairs, [Sample(1, 1)], {"seconds": 1.0})
    winners = {"l1": np.array([0]), "l2": np.array([1])}
    stored = rankings([stage], np.array([3]), winners, Errors(np.arange(2)))
    for loss, (best, other), score in (("l1", (0, 1), -1.0), ("l2", (1, 0), -3.0)):
        found, curves = from_rankings(stored, loss, np.array([-1, 0]))
        assert found.classes[1, :3].tolist() == [best, other, NONE]
        assert found.scores[1, 1] == score and curves.differences[1, 0, 0] == -score
        assert (found.classes[0] == NONE).all() and np.isnan(curves.errors[0]).all()
    with pytest.raises(InputError, match=r"loss: found huber, .* expected one of l1, l2"):
        from_rankings(stored, "huber", np.array([0]))


def test_predictions_are_ranked_by_their_scores_with_the_prediction_first():
    scores = np.random.default_rng(0).normal(size=(3, 14)).astype("float32")
    scores[1, :12] = np.nan
    table = pd.DataFrame(
        {"image": [5, 6, 8], "loss": "", "prediction": [scores[0].argmax(), 13, 2],
         "scores": list(scores)}
    )  # fmt: skip
    found = from_predictions(table, np.array([5, 6, 7, 8]), "l2")
    assert found.classes[0].tolist() == np.argsort(-scores[0])[:RANKED].tolist()
    assert found.scores[0].tolist() == sorted(scores[0], reverse=True)[:RANKED]
    assert found.classes[1].tolist() == [13, 12] + [NONE] * 8  # others had left
    assert (found.classes[2] == NONE).all()  # the method was not asked about image 7
    assert found.classes[3, 0] == 2


def test_of_several_losses_one_counts():
    table = pd.DataFrame(
        {"image": [0, 0], "loss": ["l1", "l2"], "prediction": [1, 0],
         "scores": [np.array([0.0, 1.0]), np.array([1.0, 0.0])]}
    )  # fmt: skip
    assert from_predictions(table, np.array([0]), "l2").predictions.tolist() == [0]
    assert from_predictions(table, np.array([0]), "l1").predictions.tolist() == [1]


def test_captions_of_a_row_are_ranked_and_a_tie_is_wrong():
    prompts = pd.DataFrame(
        {"prompt": ["a", "b", "c", ""], "classname": ["a", "b", "c", ""], "classidx": range(4)}
    )
    similarity = pd.DataFrame(
        {"image": [0] * 4 + [1] * 3, "prompt": [0, 1, 2, 3, 0, 1, 2], "loss": "",
         "score": [3.0, 2.0, 1.0, 9.0, 1.0, 1.0, 0.0]}
    )  # fmt: skip
    rows = pd.DataFrame({"image": [0, 0, 1], "truth": [0, 2, 0]})
    asked = pd.DataFrame({"row": [0, 0, 1, 1, 2, 2], "class": [0, 1, 1, 2, 0, 1]})
    found = from_similarities(similarity, prompts, rows, asked, "l2")
    assert found.classes[:, :3].tolist() == [[0, 1, NONE], [1, 2, NONE], [1, 0, NONE]]


def test_wrong_images_are_kept_and_others_are_even():
    wrong = np.isin(np.arange(100), [3, 50, 99])
    kept = chosen(wrong, 10)
    assert len(kept) == 10 and {3, 50, 99} <= set(kept) and (np.diff(kept) > 0).all()
    assert chosen(wrong, 100).tolist() == list(range(100))
    assert set(chosen(wrong, 2)) < {3, 50, 99} and len(chosen(wrong, 2)) == 2
    assert chosen(np.zeros(10, bool), 5).tolist() == [0, 2, 4, 6, 8]


def test_data_sets_share_a_page():
    assert shares([700, 700], 10_000) == [700, 700]
    assert shares([50_000, 100, 50_000], 10_000) == [4950, 100, 4950]
    assert shares([0, 5], 3) == [0, 3]
