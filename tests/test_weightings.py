"""Weightings in a config: what is refused, and what a plan and a table make of them."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import yaml
from refusals import refused_config
from scipy.stats import binomtest

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import (
    data_sets,
    method_group,
    method_kind,
    method_varies,
    questions,
)
from diffusion_classifier.operations.costs import estimate
from diffusion_classifier.scores.intervals import wilson
from diffusion_classifier.scores.weighting_gain import GAIN, weighting_gain
from diffusion_classifier.tables.figures.weighting_plots import gain_text, weights_plot
from plan import Plan

ENTRY = {"label": "Weighted", "of": "exhaustive", "per_class": 1}
TABLE = {"kind": "accuracy", "datasets": ["shapes"], "methods": ["exhaustive", "weighted", "clip"]}


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    """A config with a weighting in a table of its own."""
    monkeypatch.chdir(tmp_path)
    found = yaml.safe_load((root / "tests" / "tiny_scenes.yaml").read_text(encoding="utf-8"))
    found["weightings"] = {"weighted": dict(ENTRY)}
    found["tables"] = {"weights": deepcopy(TABLE)}
    return found


def test_an_evaluation_that_leaves_classes_out_is_refused(config, root):
    config["weightings"]["weighted"]["of"] = "staged"
    output = refused_config(config, root)
    assert output.startswith(
        "weightings.weighted.of: found `staged` with 2 stages, expected a single"
    )


@pytest.mark.parametrize(
    ("key", "value", "output"),
    [
        ("race", {"z": 2}, "with `race`, expected all classes at evenly spaced timesteps"),
        ("timesteps", "learned", "`timesteps: learned`, expected all classes at evenly spaced"),
    ],
)
def test_a_race_and_learned_timesteps_are_refused(config, root, key, value, output):
    config["evaluations"]["exhaustive"]["stages"][key] = value
    calibrated = {"samples": 20, "datasets": {"shapes": "shapes-validation"}}
    config["evaluations"]["exhaustive"]["calibration"] = calibrated
    message = refused_config(config, root)
    assert message.startswith("weightings.weighted.of: found `exhaustive`") and output in message


def test_a_prior_is_refused(config, root):
    config["evaluations"]["exhaustive"]["prior"] = {"method": "clip", "keep": 3}
    assert "weightings.weighted.of: found `exhaustive` with a `prior`" in refused_config(
        config, root
    )


def test_the_best_of_several_prompts_is_refused(config, root):
    config["evaluations"]["exhaustive"]["combine"] = "best"
    output = refused_config(config, root)
    assert output.startswith("weightings.weighted.of: found `exhaustive`, which takes the best of")
    assert "expected `combine: mean`" in output
    config["prompts"]["shapes"]["templates"] = ["a {}"]  # with one prompt a class it is the mean
    check_config(config, root)


@pytest.mark.parametrize(
    ("keys", "output"),
    [
        ({"per_class": 2}, "weighted.per_class: found 2, which with 1 draw takes 12 or more"),
        ({"per_class": 1, "draws": 6}, "per_class: found 1, which with 6 draws takes 36 or more"),
        ({"fraction": 0.3, "draws": 3}, "fraction: found 0.3, which with 3 draws takes 12 or more"),
    ],
)
def test_some_images_have_to_remain(config, root, keys, output):
    config["weightings"]["weighted"] = {"label": "Weighted", "of": "exhaustive", **keys}
    message = refused_config(config, root)
    assert output in message and "of the 12 images of `shapes`" in message


def test_a_weighting_belongs_into_tables_of_accuracy(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    config["tables"]["winoground"]["methods"].append("scenes-weighted")
    output = refused_config(config, root)
    assert output.startswith("tables.winoground.methods: found `scenes-weighted` of `weightings`")
    assert "a table of the kind compositional" in output
    assert output.endswith("of the kind matching, which may have the data set `winoground` too")


def test_an_unknown_method_of_a_table_may_have_been_a_weighting(config, root):
    config["tables"]["weights"]["methods"][1] = "wieghted"
    assert "did you mean `weighted`?" in refused_config(config, root)


def test_two_methods_of_one_label_are_refused(config, root):
    config["weightings"]["weighted"]["label"] = "Diffusion Classifier (exhaustive)"
    assert "weightings.weighted.label: found 'Diffusion Classifier (exh" in refused_config(
        config, root
    )


# --- what is planned


def test_the_evaluation_is_asked_whether_or_not_the_table_lists_it(config, root):
    config["tables"]["weights"]["methods"] = ["staged", "weighted"]
    check_config(config, root)
    assert questions(config, "weights") == [("staged", "shapes"), ("exhaustive", "shapes")]
    assert data_sets(config, "weights") == ["shapes", "captions"]
    asked = {cost.method: cost.evaluations for cost in estimate(config)}
    assert asked["exhaustive"] == 12 * 12 * 4  # images, prompts, timesteps; weights cost nothing


def test_every_draw_is_a_method_of_one_row(config, root):
    config["weightings"]["weighted"] |= {"draws": 3, "seed": 7}
    config["tables"]["weights"]["datasets"] = ["shapes"]
    config["datasets"]["shapes"]["limit"] = 120
    check_config(config, root)
    plan = Plan(config, root)
    names = [f"weighted-draw{k}" for k in range(3)]
    assert plan.tables.methods("weights") == ["exhaustive", *names, "clip"]
    for name in names:
        assert method_kind(config, name) == "weighted"
        assert method_group(config, name) == "weighted" and method_varies(config, name) == "draw"
    (job,) = plan.weightings.jobs()
    assert (job.evaluation, job.dataset, job.methods) == ("exhaustive", "shapes", tuple(names))
    assert plan.weightings.draws(job) == [0, 1, 2]
    assert plan.weightings.labelled(job) == {"per_class": 1, "draws": 3, "seed": 7}
    shards = [f"results/errors/exhaustive/shapes/stage1/{shard}-0.nc" for shard in (0, 1)]
    assert plan.weightings.errors(job) == shards
    assert (
        plan.weightings.predictions(job)[1] == "results/predictions/weighted-draw1/shapes.parquet"
    )
    (told,) = plan.notebooks.parameters("weights")["weighted"]
    assert (told["method"], told["varies"], told["dataset"]) == ("Weighted", "draw", "shapes")
    assert told["weighted"] == plan.weightings.predictions(job)
    assert told["weights"] == plan.weightings.weights(job)
    assert told["equal"] == ["results/predictions/exhaustive/shapes.parquet"]


def test_each_training_of_a_model_has_a_draw_of_its_own(config, root):
    config["models"]["sd"]["seeds"] = [3, 5]
    config["weightings"]["weighted"]["draws"] = 4
    config["datasets"]["shapes"]["limit"] = 120
    check_config(config, root)
    plan = Plan(config, root)
    assert method_varies(config, "weighted-seed5") == "training"
    first, second = plan.weightings.jobs()
    assert (first.evaluation, second.evaluation) == ("exhaustive-seed3", "exhaustive-seed5")
    assert (plan.weightings.draws(first), plan.weightings.draws(second)) == ([0], [1])
    assert plan.weightings.labelled(second) == {"per_class": 1, "draws": 2}
    (told,) = plan.notebooks.parameters("weights")["weighted"]
    assert len(told["weighted"]) == len(told["equal"]) == 2


def test_a_config_without_weightings_plans_none(config, root):
    del config["weightings"]
    config["tables"]["weights"]["methods"].remove("weighted")
    check_config(config, root)
    plan = Plan(config, root)
    assert plan.weightings.jobs() == []
    assert plan.notebooks.parameters("weights")["weighted"] == []


# --- what a table says


def predictions(correct, images, losses=("l1", "l2")):
    parts = [
        pd.DataFrame({"image": images, "label": 1, "prediction": np.where(correct, 1, 0)}).assign(
            loss=loss, evaluations=4.0, seconds=1.0
        )
        for loss in losses
    ]
    return pd.concat(parts, ignore_index=True)


def test_accuracy_with_and_without_is_of_the_same_images():
    generator = np.random.default_rng(0)
    without = generator.random(80) < 0.6
    weighted = without[20:] | (generator.random(60) < 0.3)
    weighted[3] = False
    gain = weighting_gain(
        [predictions(weighted, np.arange(20, 80))], [predictions(without, np.arange(80))]
    )
    assert list(gain) == GAIN and gain["loss"].tolist() == ["l1", "l2"]
    row = gain.iloc[0]
    assert (row["images"], row["draws"]) == (60, 1)
    same = without[20:]
    for key, correct in (("without", same), ("with", weighted)):
        low, high = wilson(correct.sum(), 60)
        assert row[key] == pytest.approx(100 * correct.mean())
        assert row[[f"{key}_low", f"{key}_high"]].tolist() == pytest.approx([100 * low, 100 * high])
    assert row["difference"] == pytest.approx(100 * (weighted.mean() - same.mean()))
    better, worse = (weighted & ~same).sum(), (same & ~weighted).sum()
    assert row["p"] == pytest.approx(binomtest(better, better + worse).pvalue)
    assert row["low"] < row["difference"] < row["high"]


def test_several_draws_are_averaged_and_widen_the_interval():
    generator = np.random.default_rng(1)
    without = generator.random(300) < 0.5
    draws = [without | (generator.random(300) < share) for share in (0.0, 0.3, 0.6)]
    equal = [predictions(without, np.arange(300), ["l2"])]
    several = weighting_gain([predictions(draw, np.arange(300), ["l2"]) for draw in draws], equal)
    one = weighting_gain([predictions(draws[1], np.arange(300), ["l2"])], equal)
    row, single = several.iloc[0], one.iloc[0]
    assert row["draws"] == 3 and row["with"] == pytest.approx(100 * np.mean(draws))
    assert row["high"] - row["low"] > 2 * (single["high"] - single["low"])


def test_draws_of_several_trainings_are_compared_training_by_training():
    generator = np.random.default_rng(2)
    equal = [generator.random(400) < share for share in (0.3, 0.5, 0.7)]
    draws = [before | (generator.random(400) < 0.1) for before in equal]

    def gain(order):
        one, other = (
            [predictions(found, np.arange(400), ["l2"]) for found in side]
            for side in (draws, [equal[k] for k in order])
        )
        return weighting_gain(one, other).iloc[0]

    row, mixed = gain([0, 1, 2]), gain([1, 2, 0])
    assert row["difference"] == pytest.approx(mixed["difference"])
    assert row["low"] > 0 and row["p"] < 0.05
    assert mixed["low"] < 0 and mixed["p"] > 0.05  # as if other trainings' answers


def test_the_gain_is_shown_as_text_and_weights_as_lines():
    images = np.arange(40)
    correct = images % 2 == 0
    gain = weighting_gain([predictions(correct, images)], [predictions(correct, images)])
    rows = gain.assign(dataset="shapes", method="Weighted", varies="draw")
    text = gain_text(rows, {"shapes": "Shapes"})
    assert text["method"].tolist() == ["Weighted [L1]", "Weighted [L2]"]
    assert text["learned"].tolist() == ["1 draw"] * 2
    assert text["equal weights (%)"][0] == text["learned weights (%)"][0]
    assert text["difference (points)"][0].startswith("+0.0 [") and text["p"][0] == "p = 1"
    draws = [
        pd.DataFrame({"timestep": [100, 500, 900], "weight": weights})
        for weights in ([0.0, 1.0, 2.0], [1.0, 1.0, 1.0])
    ]
    figure = weights_plot({"Shapes": draws, "Shifted": draws[:1]}, "Weights")
    first, second = figure.axes
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("Shapes", "Shifted")
    mean = first.lines[2]
    np.testing.assert_allclose(mean.get_ydata(), [0.5, 1.0, 1.5])
    assert len(first.lines) == 4 and len(second.lines) == 3  # draws, their mean, equal weights
