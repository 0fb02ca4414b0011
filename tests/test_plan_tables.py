"""What a plan says of tables: their files, and the parameters of their notebooks."""

from pathlib import Path

import pytest
from plans import planned


@pytest.fixture
def plan(root, tmp_path, monkeypatch):
    """The plan of the default config."""
    return planned(root, tmp_path, monkeypatch)


def test_any_number_of_tables_of_each_kind(root, tmp_path, monkeypatch):
    def edit(config):
        own = {"kind": "accuracy", "methods": ["scenes", "clip"], "subtitle": "s"}
        config["tables"] |= {
            "one": own | {"datasets": ["shapes"]},
            "two": own | {"datasets": ["sizes"]},
        }

    plan = planned(root, tmp_path, monkeypatch, edit=edit)
    assert {"results/tables/one", "results/tables/two"} <= {*plan.wanted()}
    assert plan.wanted()[-2:] == ["results/explorer/one.html", "results/explorer/two.html"]
    assert plan.tables.scored_from("similarities") == ["winoground"]
    assert plan.tables.scored_from("matches") == ["matching"]
    assert plan.notebooks.parameters("two")["scores"] == "results/scores/two.parquet"
    assert plan.tables.methods("one") == ["scenes", *(f"clip-seed{seed}" for seed in (0, 1, 2))]


@pytest.mark.parametrize(
    "table", ["accuracy", "robustness", "winoground", "matching", "self-bench"]
)
def test_a_table_depends_on_all_that_its_notebook_is_told(plan, table):
    told, inputs = plan.notebooks.parameters(table), plan.notebooks.inputs(table)
    assert inputs["scores"] == [told["scores"]]
    assert Path(inputs["notebook"]).is_file()
    assert set(plan.tables.images_behind(table).values()) == set(inputs["data_sets"])
    files = [file for value in inputs.values() if isinstance(value, list) for file in value]
    assert told["folder"] not in files and len(files) > 10


def test_a_table_needs_the_digest_alone_of_weights_among_the_results(root, tmp_path, monkeypatch):
    def edit(config):
        config["models"]["scenes-sd"]["weights"] = {"hub": "a/b", "revision": "c" * 40}
        one = {"kind": "accuracy", "methods": ["scenes"], "datasets": ["shapes"]}
        config["tables"] = {
            "one": one,
            "two": one | {"methods": ["digits"], "datasets": ["mnist"]},
        }

    plan = planned(root, tmp_path, monkeypatch, edit=edit)
    digest = "results/weights/digests/scenes-sd.json"
    assert plan.tables.weights("one") == {"scenes-sd": digest}
    assert plan.notebooks.inputs("one")["weights"] == [digest]
    folder = plan.models.folder("digits-dit")
    assert plan.tables.weights("two") == {"digits-dit": folder}
    assert plan.notebooks.inputs("two")["weights"] == plan.weights.files(folder)
    assert plan.models.with_digest() == ["scenes-sd"]


def test_parts_that_a_table_does_not_have_are_empty(root, tmp_path, monkeypatch):
    def edit(config):
        config["tables"] = {
            "t": {"kind": "accuracy", "methods": ["scenes"], "datasets": ["shapes"]},
            "w": {
                "kind": "compositional", "methods": ["scenes-winoground"],
                "dataset": "winoground", "examples": 0,
            },
        }  # fmt: skip

    plan = planned(root, tmp_path, monkeypatch, edit=edit)
    told = plan.notebooks.parameters("t")
    parts = ("paired", "curve_file", "reconstructions", "trend", "published", "first_stages")
    assert not any(told[part] for part in parts)
    assert plan.notebooks.parameters("w")["maps"] == ""


def test_the_report_has_a_caption_for_whatever_a_table_shows(plan, root):
    for table in plan.config["tables"]:
        kind = plan.tables.kind(table)
        notebook = (root / "notebooks" / f"{kind.notebook}.ipynb").read_text(encoding="utf-8")
        captions = plan.tables.captions(table)
        figures = ("paired", "timesteps", "examples", "methods", "heatmaps", "effective", "effects")
        for part in figures:
            if f'{{folder}}/{part}\\"' in notebook:
                assert captions[f"{part}.svg"]
        assert plan.tables.labels(table, "page", "html") == {"what": "notebook"}
        assert plan.tables.labels(table, "other", "csv") == {"what": "other.csv"}
