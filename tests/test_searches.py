"""What a search means for the plan of a config and for its costs."""

import numpy as np
import pandas as pd
import pytest
import yaml

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import data_sets
from diffusion_classifier.operations.costs import estimate
from diffusion_classifier.selection.pruning import prediction_table
from diffusion_classifier.selection.searches import Tools, search_class, search_table
from plan import Plan

SEARCH = {
    "kind": "gradient", "samples": 5, "risk": 0.01, "keep": 4, "timesteps": "learned",
    "calibration": {"shapes": "shapes-train", "colour-shape": "colour-shape-train"},
}  # fmt: skip


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    """The default with a search, and calibration images in two shards."""
    monkeypatch.chdir(tmp_path)
    found = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    found["evaluations"]["scenes"]["search"] = SEARCH
    found["datasets"]["shapes-train"]["shards"] = 2
    found["tables"] = {
        "only": {"kind": "accuracy", "datasets": ["shapes", "unseen"], "methods": ["scenes"]}
    }
    check_config(found, root)
    return found


def test_pairs_follow_from_the_scores_of_test_and_calibration_images(config, root):
    plan = Plan(config, root)
    candidates, scores = plan.candidates, "results/searches/scenes/shapes"
    assert candidates.choosing() == candidates.searching() == ["scenes"]
    assert candidates.prior_predictions("scenes", "shapes", 0) == f"{scores}/shapes/0.parquet"
    assert candidates.prior_calibration("scenes", "shapes") == [
        f"{scores}/shapes-train/{shard}.parquet" for shard in (0, 1)
    ]
    assert candidates.prior("scenes", "shapes") == {"loss": "", "keep": 4, "risk": 0.01}
    assert candidates.searched("digits", "mnist") == []
    assert plan.searches.settings("scenes") == {"kind": "gradient", "samples": 5}
    assert plan.searches.timesteps("scenes", "shapes") == "results/timesteps/scenes/shapes.csv"
    assert plan.searches.batch_size("scenes") == 72 and plan.searches.entries("scenes") == (
        "gradient",
    )
    assert "shapes" in plan.tables.first_stages("only")["Diffusion Classifier (Stable Diffusion)"]


def test_costs_are_steps_and_survivors(config):
    costs = {(cost.method, cost.dataset): cost for cost in estimate(config)}
    assert costs["scenes", "shapes"].per_image == 3 * 5 + 4 * 64
    assert costs["scenes", "unseen"].per_image == 3 * 5 + 4 * 250
    known = costs["scenes (search, calibration)", "shapes-train"]
    assert (known.images, known.per_image) == (600, 15)


def test_a_table_depends_on_calibration_images(config):
    assert {"shapes-train", "colour-shape-train"} <= {*data_sets(config, "only")}


def test_the_cost_of_the_search_is_added_to_that_of_the_stages():
    import xarray as xr

    labels = pd.DataFrame({"image": [7, 3], "label": [0, 1]})
    tools = Tools(None, np.array([3, 7]), np.array([0, 1]), [])
    search = search_class("gradient")({"samples": 2}, tools)
    scores = np.array([[0.0, 1.0], [2.0, 0.5]])
    table = search_table(search, labels, scores, seconds=4.0)
    assert table["image"].tolist() == [3, 7] and table["label"].tolist() == [1, 0]
    assert table["evaluations"].tolist() == [6, 6] and table["seconds"].tolist() == [2, 2]
    assert [row.tolist() for row in table["scores"]] == [[0, -1], [-2, -0.5]]
    pairs = pd.DataFrame({"image": [3, 3, 7], "prompt": [0, 1, 1]})
    errors = np.array([[1.0, np.nan], [0.5, 0.5], [3.0, np.nan]], "float32")
    stage = xr.Dataset(
        {"l2": (("pair", "sample"), errors)},
        {"image": ("pair", [3, 3, 7]), "prompt": ("pair", [0, 1, 1])},
        {"seconds": 8.0},
    )  # fmt: skip
    found = prediction_table([stage], pairs, np.arange(2), labels, searched=table)
    found = found.set_index("image")
    assert found["evaluations"].to_dict() == {7: 1 + 6, 3: 3 + 6}
    assert found["seconds"].to_dict() == {7: 2 + 2, 3: 6 + 2}
    assert found["prediction"].to_dict() == {7: 1, 3: 1}
