"""Searches that learn from labelled images: their plan, costs, and mistakes in the config."""

from copy import deepcopy

import numpy as np
import pytest
import torch
import yaml

from diffusion_classifier import files
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import data_sets
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.costs import estimate
from diffusion_classifier.selection.searches import learned_values
from plan import Plan

COMMON = {"risk": 0.01, "keep": 4, "calibration": {"shapes": "shapes-train"}}
LEARN = {"learn": {"shapes": "learned"}}
CLUSTERS = {"kind": "clusters", "samples": 3, "groups": [2, 4, 9], **COMMON, **LEARN}
CORRELATED = {"kind": "correlated", "samples": 4, "asked": 9, **COMMON, **LEARN}


def config(root, search):
    found = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    found["evaluations"]["scenes"]["search"] = search
    known = found["datasets"]["shapes-train"]
    found["datasets"]["learned"] = {**known, "skip": known["limit"], "limit": 150, "shards": 2}
    found["tables"] = {"only": {"kind": "accuracy", "datasets": ["shapes"], "methods": ["scenes"]}}
    return found


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("search", "per_image", "learning"),
    [(CLUSTERS, 3 * (2 + 4 + 6), 3 * (2 + 4 + 6)), (CORRELATED, 9, 4 * 6)],
)
def test_learning_is_planned_and_costs_once(root, search, per_image, learning):
    found = config(root, search)
    check_config(found, root)
    plan = Plan(found, root)
    assert plan.searches.learning() == ["scenes"]
    learned = "results/searches/scenes/shapes/learned.safetensors"
    assert plan.searches.learned("scenes", "shapes") == learned
    assert plan.searches.learning_data("scenes", "shapes") == "results/data/learned.parquet"
    assert len(plan.searches.learning_latents("scenes", "shapes")) == 2
    own = {"samples", "groups", "asked", "kind"}
    assert set(plan.searches.settings("scenes")) == own & set(search)
    costs = {(cost.method, cost.dataset): cost for cost in estimate(found)}
    assert costs["scenes", "shapes"].per_image == per_image + 4 * 64
    assert costs["scenes (search, calibration)", "shapes-train"].per_image == per_image
    once = costs["scenes (search, learning)", "learned"]
    assert (once.images, once.per_image) == (150, learning)
    assert {"learned", "shapes-train"} <= {*data_sets(found, "only")}


def test_other_searches_learn_nothing(root):
    gradient = {"kind": "gradient", "samples": 5, **COMMON}
    plan = Plan(config(root, gradient), root)
    assert plan.searches.learning() == [] == plan.searches.learned("scenes", "shapes")


def test_what_was_learned_is_read_as_it_was_written(tmp_path):
    values = {"mean": np.arange(3.0), "thresholds": np.array([0.5, np.inf])}
    files.write_tensors({k: torch.from_numpy(v) for k, v in values.items()}, tmp_path / "found")
    found = learned_values(str(tmp_path / "found"))
    assert found.keys() == values.keys() and learned_values([]) == {}
    for name, value in values.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


@pytest.mark.parametrize(
    ("search", "edit", "output"),
    [
        (CLUSTERS, {"learn": None}, "scenes.search: found no `learn`, expected it"),
        (CLUSTERS, {"groups": None}, "scenes.search: found no `groups`, expected it"),
        (CORRELATED, {"asked": None}, "scenes.search: found no `asked`, expected it"),
        (CORRELATED, {"groups": [2, 3]}, "search.groups: found in a search of the kind `correl"),
        (CLUSTERS, {"rate": 1}, "search.rate: found in a search of the kind `clusters`"),
        (CLUSTERS, {"groups": [4]}, "search.groups: "),
        (CLUSTERS, {"level_risk": 0.005}, "level_risk: found 0.005, which takes at least 199"),
        (CLUSTERS, {"learn": {"colours": "learned"}}, "search.learn: found nothing for the prom"),
        (
            CLUSTERS,
            {"learn": {"shapes": "learnt"}},
            "search.learn.shapes: found the unknown data set `learnt`",
        ),
        (CLUSTERS, {"learn": {"shapes": "shapes"}}, "may be in the test set `shapes`"),
        (CLUSTERS, {"learn": {"shapes": "shapes-train"}}, "in the calibration set `shapes-train`"),
        (
            {"kind": "gradient", "samples": 5, **COMMON},
            LEARN,
            "search.learn: found in a search of the kind `gradient`",
        ),
    ],
)
def test_searches_that_cannot_learn_are_refused(root, search, edit, output):
    found = config(root, deepcopy(search))
    entry = found["evaluations"]["scenes"]["search"]
    entry.update(edit)
    found["evaluations"]["scenes"]["search"] = {k: v for k, v in entry.items() if v is not None}
    with pytest.raises(InputError) as error:
        check_config(found, root)
    assert output in str(error.value)
