"""Weightings in tables of matching tasks: what is refused, and what a plan makes of them."""

import pytest
import yaml
from refusals import refused_config

from diffusion_classifier.config.configuration import check_config
from plan import Plan


@pytest.fixture
def matching(root, tmp_path, monkeypatch):
    """The default config with its table of matching tasks alone, which has a weighting."""
    monkeypatch.chdir(tmp_path)
    found = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    found["tables"] = {"matching": found["tables"]["matching"]}
    return found


def test_a_table_of_matching_tasks_shows_equal_weights_too(matching, root):
    matching["tables"]["matching"]["methods"].remove("scenes-winoground")
    matching["tables"]["matching"]["methods"].append("scenes-exhaustive")
    output = refused_config(matching, root)
    assert output.startswith(
        "tables.matching.methods: found `matching-weighted` without `scenes-win"
    )


@pytest.mark.parametrize(
    ("keys", "output"),
    [
        ({"per_class": 100}, "per_class: found 100, which with 5 draws takes 500 or more of the"),
        ({"fraction": 0.2}, "fraction: found 0.2, which with 5 draws takes 500 or more of the"),
    ],
)
def test_some_items_have_to_remain(matching, root, keys, output):
    del matching["weightings"]["matching-weighted"]["per_class"]
    matching["weightings"]["matching-weighted"] |= keys
    assert f"matching-weighted.{output} 500 items of `tasks`" in refused_config(matching, root)


def test_effect_sizes_have_nothing_to_learn_from(matching, root, tmp_path):
    (tmp_path / "bias").mkdir()
    matching["prompts"]["bias"] = {"captions": "bias"}
    matching["datasets"]["bias"] = {
        "label": "Bias", "source": "matching", "benchmark": "mmbias", "root": "bias",
        "prompts": "bias",
    }  # fmt: skip
    matching["tables"]["matching"]["datasets"].append("bias")
    output = refused_config(matching, root)
    assert output.startswith("weightings.matching-weighted: found the data set `bias` in its table")


def test_items_are_weighted_by_a_job_of_their_own(matching, root):
    check_config(matching, root)
    plan = Plan(matching, root)
    assert plan.weightings.jobs() == []
    names = tuple(f"matching-weighted-draw{k}" for k in range(5))
    first, second = plan.weightings.matching_jobs()
    assert (first.dataset, second.dataset) == ("tasks", "tasks-shifted")
    assert first.methods == second.methods == names
    assert plan.weightings.labelled(first) == {"per_class": 5, "draws": 5}
    answers = plan.tables.matches("matching")
    assert set(plan.weightings.similarities(first)) < set(answers)
    assert plan.tables.weighted("matching") == dict.fromkeys(names, "scenes-winoground")
    told = plan.notebooks.parameters("matching")
    assert [entry["dataset"] for entry in told["weighted"]] == ["tasks", "tasks-shifted"]
    assert told["weighted"][1]["weights"] == plan.weightings.matching_weights(second)
    assert plan.notebooks.inputs("matching")["weighting"] == [
        "results/scores/matching-weighting.parquet"
    ]
