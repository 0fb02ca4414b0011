"""Probabilities of a table: a plan, mistakes in a config, fusions, and what readers see."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import log_softmax, softmax

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import classified_datasets, data_sets, questions
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations import expected
from diffusion_classifier.scores.calibration import of_scores
from diffusion_classifier.scores.method_probabilities import (
    GAIN,
    Asked,
    Probabilities,
    Question,
    exported,
)
from diffusion_classifier.selection.evidence import Evidence, joined
from diffusion_classifier.tables.figures import probability_plots
from plan import Plan

ENTRY = {
    "calibration": {"digits": "mnist-held-out"},
    "datasets": ["mnist", "mnist-pose"],
    "fusions": [{"label": "Both", "of": "digits", "with": "resnet-8"}],
}


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    """The default with probabilities of two data sets in its table of robustness alone."""
    monkeypatch.chdir(tmp_path)
    found = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    found["tables"] = {"robustness": found["tables"]["robustness"]}
    found["tables"]["robustness"]["probabilities"] = deepcopy(ENTRY)
    return found


def probabilities(config):
    return config["tables"]["robustness"]["probabilities"]


# --- a config


def test_calibration_images_are_asked_about_and_count_as_data(config, root):
    check_config(config, root)
    assert ("digits", "mnist-held-out") in questions(config, "robustness")
    assert "mnist-held-out" in classified_datasets(config, "resnet-8-seed1")
    assert "mnist-held-out" in data_sets(config, "robustness")


def test_a_plan_reads_errors_of_evaluations_and_predictions_of_baselines(config, root):
    check_config(config, root)
    plan = Plan(config, root).probabilities
    assert plan.tables() == ["robustness"]
    errors = plan.errors("robustness")
    assert errors == [
        f"results/errors/digits/{name}/stage1/0-0.nc"
        for name in ("mnist", "mnist-held-out", "mnist-pose")
    ]
    predictions = plan.predictions("robustness")
    assert "results/predictions/resnet-8-seed4/mnist-held-out.parquet" in predictions
    assert len(predictions) == len(set(predictions)) == 3 * (2 + 5 * 5)
    first = plan.questions("robustness")[0]
    assert (first["method"], first["dataset"]) == ("Diffusion Classifier (DiT)", "mnist")
    assert first["asked"][0]["scale"] == 16 * 16
    assert plan.fusions("robustness") == [
        {"label": "Both", "of": "Diffusion Classifier (DiT)", "with": "ResNet-8"}
    ]
    inputs = Plan(config, root).notebooks.inputs("robustness")
    assert "results/scores/robustness-reliability.parquet" in inputs["probabilities"]


def test_a_table_without_the_key_has_no_probabilities(config, root):
    del config["tables"]["robustness"]["probabilities"]
    check_config(config, root)
    plan = Plan(config, root)
    assert plan.probabilities.tables() == []
    assert plan.notebooks.parameters("robustness")["probabilities"] == {}


def _set(**keys):
    return lambda config: probabilities(config).update(keys)


MISTAKES = {
    "no calibration": (
        lambda config: probabilities(config).pop("calibration"),
        "the key `calibration` is missing",
    ),
    "unknown images": (
        _set(calibration={"digits": "mnist-held"}),
        "calibration.digits: found the unknown data set `mnist-held`",
    ),
    "unknown prompts": (
        _set(calibration={"digit": "mnist-held-out"}),
        "calibration: found the unknown set of prompts `digit`",
    ),
    "other prompts": (
        _set(calibration={"digits": "shapes"}),
        "calibration.digits: found `shapes`, whose `prompts` are shapes",
    ),
    "test images": (
        _set(calibration={"digits": "mnist"}),
        "calibration.digits: found `mnist`, some of whose images may be in the test set `mnist`",
    ),
    "poses of test digits": (
        _set(datasets=["mnist", "mnist-adversarial"]),
        "may be in the test set `mnist-adversarial`",
    ),
    "no calibration for a set": (
        _set(calibration={"shapes": "shapes"}),
        "found nothing for the prompts `digits` of the data set `mnist`",
    ),
    "a data set of another table": (
        _set(datasets=["shapes"]),
        "datasets: found the unknown data set of this table `shapes`",
    ),
    "a short prior": (
        _set(priors={"digits": [0.5, 0.5]}),
        "priors.digits: found 2 numbers, expected 10",
    ),
    "a prior of zeros": (_set(priors={"digits": [0] * 10}), "priors.digits: found only zeros"),
    "a negative prior": (_set(priors={"digits": [-1] * 10}), "expected at least 0"),
    "a fusion of nothing": (
        _set(fusions=[{"label": "Both", "of": "digits", "with": "resnet"}]),
        "fusions.0.with: found the unknown method with probabilities `resnet`",
    ),
    "a fusion of one": (
        _set(fusions=[{"label": "Both", "of": "digits", "with": "digits"}]),
        "fusions.0.with: found `digits`, as in `of`",
    ),
    "a fusion with a method's label": (
        _set(fusions=[{"label": "ResNet-8", "of": "digits", "with": "resnet-8"}]),
        "fusions.0.label: found 'ResNet-8'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(config, root, mistake):
    change, output = MISTAKES[mistake]
    change(config)
    with pytest.raises(InputError) as error:
        check_config(config, root)
    message = str(error.value)
    assert output in message and message.startswith("tables.robustness.probabilities")
    assert "\n" not in message


# --- scores


def asked(images, sharp, seed, shift=0.0):
    """A method with logits that are `sharp` times too sure, and labels from the true chances."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 1.5, (images, 3))
    labels = np.array([rng.choice(3, p=softmax(row)) for row in logits])
    noisy = logits + np.random.default_rng(seed).normal(shift, 0.8, logits.shape)
    return Asked(of_scores(np.arange(images), sharp * noisy), labels, 1.0)


@pytest.fixture(scope="module")
def found():
    made = Probabilities("table")
    for method, sharp, seeds in (("A", 5.0, [1]), ("B", 3.0, [2, 3])):
        sides = [[asked(400, sharp, seed) for seed in seeds] for _ in range(2)]
        made.add(Question(method, "digits", *sides))
    made.add_fusion("A + B", "A", "B", "digits")
    return made


def test_calibration_raises_the_likelihood_and_keeps_answers(found):
    rows = found.scores()
    own = rows[(rows["method"] == "A") & (rows["parent"] == "")].set_index(["way", "metric"])
    assert own.loc[("calibrated", GAIN), "low"] > 0
    gained = (
        own.loc[("calibrated", "log_likelihood"), "value"]
        - own.loc[("as scored", "log_likelihood"), "value"]
    )
    assert own.loc[("calibrated", GAIN), "value"] == pytest.approx(gained)
    accuracy = own.xs("accuracy", level="metric")["value"]
    assert accuracy.nunique() == 1
    assert own.loc[("calibrated", "ece"), "value"] < own.loc[("as scored", "ece"), "value"] / 2
    parameters = pd.DataFrame(found.parameters).set_index(["method", "parameter"])
    assert parameters.loc[("A", "temperature"), "value"].item() > 4


def test_a_fusion_is_compared_with_both_parents(found):
    rows = found.scores()
    own = rows[rows["method"] == "A + B"]
    assert set(own.loc[own["parent"] != "", "parent"]) == {"A", "B"}
    assert own["trainings"].eq(2).all()
    better = own[(own["parent"] != "") & (own["metric"] == "log_likelihood")]
    assert (better["low"] > 0).all()  # both saw the truth with independent noise
    logs = found.answers["A + B", "digits", "calibrated"].logs
    np.testing.assert_allclose(np.exp(logs).sum(axis=2), 1)


def test_what_readers_see(found):
    rows, names = found.scores(), {"digits": "Digits"}
    for metric in ("ece", "log_likelihood", "brier"):
        table = probability_plots.wide(rows, names, metric)
        assert list(table.index) == ["A", "B", "A + B"]
        assert " → " in table.loc["A", "Digits"] and " → " not in table.loc["A + B", "Digits"]
    assert list(probability_plots.gains(rows, names).index) == ["A", "B"]
    assert probability_plots.fusions(rows, names)["minus"].tolist() == ["A", "B"]
    (sentence,) = probability_plots.sentences(rows, names, "A")
    assert sentence.startswith("Digits: calibration error") and "better" in sentence
    for drawn in (
        probability_plots.reliability_plot(found.curves("reliability"), names, "A", "Title"),
        probability_plots.coverage_plot(found.curves("coverage"), names, "Title"),
    ):
        assert drawn.axes[0].get_title(loc="left") == "Digits"
        assert len(drawn.axes[0].get_lines()) == 3


def test_the_exported_numbers_can_be_verified(found, tmp_path):
    table = exported(found.scores(), "robustness-probabilities")
    assert not table.duplicated(expected.KEYS).any()
    folder = tmp_path / "results" / "tables" / "robustness"
    folder.mkdir(parents=True)
    table.to_csv(folder / "probabilities.csv", index=False)
    assert expected.tables_of(tmp_path / "results") == ["robustness-probabilities"]
    (written,) = expected.write_expected(tmp_path / "results", tmp_path / "expected")
    assert written.name == "robustness-probabilities.csv"
    assert expected.compare(tmp_path / "results", tmp_path / "expected").equal
    changed = table.assign(value=table["value"] + 0.5)
    changed.to_csv(folder / "probabilities.csv", index=False)
    assert not expected.compare(tmp_path / "results", tmp_path / "expected").equal


def test_a_prior_belongs_to_a_data_set():
    made = Probabilities("table", {"digits": [1.0, 2.0, 3.0]})
    one = asked(300, 1.0, 4)
    made.add(Question("A", "digits", [one], [one]))
    logs = made.answers["A", "digits", "as scored"].logs[0]
    flat = -one.evidence.difference + np.log([1 / 6, 2 / 6, 3 / 6])
    np.testing.assert_allclose(logs, log_softmax(flat, axis=1))


def test_shards_are_joined_in_order_of_images():
    parts = [
        Evidence(np.array([5, 7]), np.array([0, 2]), np.array([[0.0, 1], [2, 0]]), np.ones((2, 2))),
        Evidence(np.array([1]), np.array([0, 1]), np.array([[0.0, 3]]), np.ones((1, 2))),
    ]
    whole = joined(parts)
    assert whole.images.tolist() == [1, 5, 7] and whole.classes.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(
        whole.difference, [[0, 3, np.nan], [0, np.nan, 1], [2, np.nan, 0]]
    )
    assert whole.samples.sum() == 6
