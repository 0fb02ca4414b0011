"""Results in CLIP_benchmark's form, against scikit-learn."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, top_k_accuracy_score

from diffusion_classifier.scores.clip_benchmark import metric_table, metrics, write_results

RNG = np.random.default_rng(0)


def predictions(scores, label, loss=""):
    return pd.DataFrame(
        {
            "image": range(len(label)),
            "label": label,
            "loss": loss,
            "prediction": scores.argmax(axis=1),
            "scores": list(scores.astype("float32")),
        }
    )


@pytest.mark.parametrize("classes", [6, 12])
def test_metrics_are_scikit_learns(classes):
    label = RNG.integers(0, classes - 1, 200)  # no image of the last class
    scores = RNG.normal(size=(200, classes))
    scores[np.arange(200), label] += 0.7
    found = metrics(predictions(scores, label))
    assert found["acc1"] == pytest.approx(accuracy_score(label, scores.argmax(axis=1)))
    expected = top_k_accuracy_score(label, scores, k=5, labels=range(classes))
    assert found["acc5"] == pytest.approx(expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of predicted classes without images
        recall = balanced_accuracy_score(label, scores.argmax(axis=1))
    assert found["mean_per_class_recall"] == pytest.approx(recall)
    assert recall != found["acc1"]


def test_acc5_is_unknown_without_the_scores_of_all_classes():
    label = np.array([0, 1, 2])
    scores = RNG.normal(size=(3, 6))
    assert metrics(predictions(scores, label))["acc5"] >= 0
    for value in (np.nan, -np.inf):  # a class that was pruned, one that cannot be answered
        gone = scores.copy()
        gone[1, 5] = value
        found = predictions(gone, label).assign(prediction=[0, 1, 0])
        assert np.isnan(metrics(found)["acc5"])
        assert metrics(found)["acc1"] == pytest.approx(2 / 3)
    assert np.isnan(metrics(predictions(scores[:, :4], label))["acc5"])
    assert np.isnan(metrics(predictions(scores, label).drop(columns="scores"))["acc5"])


def test_of_equal_scores_the_earlier_class_is_higher():
    assert metrics(predictions(np.zeros((2, 6)), np.array([4, 5])))["acc5"] == 0.5


def test_files_of_every_method_and_data_set(tmp_path):
    scores, label = RNG.normal(size=(40, 6)), RNG.integers(0, 6, 40)
    gone = np.where(scores < np.quantile(scores, 0.3), np.nan, scores)
    gone[:, 0] = 9
    ours = pd.concat([predictions(scores, label, loss) for loss in ("l1", "l2")])
    pruned = predictions(np.nan_to_num(gone, nan=-9), label).assign(scores=list(gone))
    table = metric_table(
        {
            ("sd", "shapes"): ours,
            ("clip", "shapes"): predictions(scores, label),
            ("sd", "c"): pruned,
        }
    )
    methods = {
        "sd": {"model": "sd", "pretrained": "owner/sd 2"},
        "clip": {"model": "clip", "pretrained": ""},
    }
    write_results(table, methods, {"shapes": "shapes", "c": "wds/vtab/cifar10"}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "benchmark_shapes_clip_en_zeroshot_classification.json",
        "benchmark_shapes_owner-sd-2_sd-[L1]_en_zeroshot_classification.json",
        "benchmark_shapes_owner-sd-2_sd-[L2]_en_zeroshot_classification.json",
        "benchmark_wds-vtab-cifar10_owner-sd-2_sd_en_zeroshot_classification.json",
    ]
    named = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    found = named["benchmark_shapes_owner-sd-2_sd-[L2]_en_zeroshot_classification.json"]
    assert found == {
        "dataset": "shapes",
        "model": "sd [L2]",
        "pretrained": "owner/sd 2",
        "task": "zeroshot_classification",
        "metrics": {
            "acc1": pytest.approx(accuracy_score(label, scores.argmax(axis=1))),
            "acc5": pytest.approx(top_k_accuracy_score(label, scores, k=5, labels=range(6))),
            "mean_per_class_recall": pytest.approx(
                balanced_accuracy_score(label, scores.argmax(axis=1))
            ),
        },
        "language": "en",
    }
    other = named["benchmark_wds-vtab-cifar10_owner-sd-2_sd_en_zeroshot_classification.json"]
    assert other["dataset"] == "wds/vtab/cifar10" and other["metrics"]["acc5"] is None
