"""The page of matching tasks: tables, figures and the notebook, on fabricated similarities."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matching_items import METHODS, biased, data_of, prompts_of

from diffusion_classifier import files
from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.scores import effects, matching_tables
from diffusion_classifier.scores.compositional import chance_similarities
from diffusion_classifier.tables.figures import matching_pages
from diffusion_classifier.tables.notebook_pages import execute

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "matching.ipynb"
LABELS = {"mine": "My benchmark", "pairs": "Pairs <of> both", "bias": "Bias"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the rule `matching_scores` writes for three data sets, and its parameters."""
    folder = tmp_path_factory.mktemp("matching")
    one = [
        Item(f"task {n % 2}", (Picture(f"{n}"),), (f"{n} a", f"{n} b"), n % 2, set=f"{n // 4}")
        for n in range(40)
    ]
    two = [
        Item(f"kind {n % 13}", (Picture(f"{n}a"), Picture(f"{n}b")), (f"{n} a", f"{n} b"))
        for n in range(39)
    ]
    sets = {}
    for name, items in (("mine", one), ("pairs", two)):
        data, _ = data_of(items)
        sets[name] = (data, prompts_of(data))
    _, data, prompts, biased_similarity = biased()
    sets["bias"] = (data, prompts)
    found = {}
    for number, method in enumerate(METHODS):
        for name, (data, prompts) in sets.items():
            similarity = chance_similarities(data, prompts, number)
            if name == "bias" and method == "sd":
                similarity = biased_similarity
            loss = "l2" if method == "sd" else ""
            found[method, name] = similarity.assign(loss=loss, evaluations=8.0)
    decisions, spent = matching_tables.decide_all(found, sets)
    scores = matching_tables.score_table(METHODS, decisions, spent, "t")
    phis = effects.associate_all(found, sets)
    tables = {
        "scores": scores,
        "correct": decisions,
        "paired": matching_tables.paired_table(METHODS, decisions),
        "effects": effects.effect_table(METHODS, phis, "t"),
    }
    for name, frame in tables.items():
        files.write_parquet(frame, folder / f"{name}.parquet")
    for name, (data, _) in sets.items():
        files.write_parquet(data, folder / f"data-{name}.parquet")
    paths = {name: str(folder / f"data-{name}.parquet") for name in sets}
    parameters = {
        "table": "t",
        **{name: str(folder / f"{name}.parquet") for name in tables},
        "data": paths,
        "data_behind": {path: LABELS[name] for name, path in paths.items()},
        "datasets": LABELS,
        "descriptions": dict.fromkeys(LABELS, "Made-up items."),
        "benchmarks": {"mine": "resources/benchmarks/cola.yaml"},
        "subtitle": "Fabricated numbers.",
        "has_effects": True,
        "folder": str(folder / "table"),
    }
    return tables, parameters, folder


def test_a_table_names_its_columns_and_what_guessing_scores(written):
    rows = written[0]["scores"]
    assert list(matching_pages.columns(rows, "mine", "text_score").values()) == [
        "task 0 (50)", "task 1 (50)", "all items (50)", "mean of subtasks (50)",
    ]  # fmt: skip
    # thirteen subtasks do not fit a page
    assert list(matching_pages.columns(rows, "pairs", "group_score").values()) == [
        "all items (16.7)", "mean of subtasks (16.7)",
    ]  # fmt: skip
    assert list(matching_pages.metrics_of(rows, "pairs")) == [
        "text_score", "image_score", "group_score", "calibrated_image_score",
    ]  # fmt: skip
    assert matching_pages.main_metric(rows, "pairs") == "group_score"
    assert matching_pages.main_metric(rows, "mine") == "text_score"
    shown = matching_pages.score_table(rows, "mine", "text_score")
    assert list(shown.index.get_level_values(0)) == ["SD [L2]", "CLIP", "Chance"]
    value = shown.loc["CLIP", ("task 1 (50)", "value")].item()
    own = rows[(rows["method"] == "CLIP") & (rows["subtask"] == "task 1")]
    assert value == own.loc[own["metric"] == "text_score", "value"].item()


def test_the_figure_shows_each_interval_and_what_guessing_scores(written):
    rows = written[0]["scores"]
    labels = {name: LABELS[name] for name in ("mine", "pairs")}
    figure = matching_pages.scores_plot(rows, labels, "title")
    first, second = figure.axes
    assert [text.get_text() for text in first.get_yticklabels()] == [
        "task 0", "task 1", "all items", "mean of subtasks",
    ]  # fmt: skip
    handles, names = first.get_legend_handles_labels()
    points = dict(zip(names, handles, strict=True))
    own = rows[(rows["method"] == "CLIP") & (rows["dataset"] == "mine")]
    own = own[own["metric"] == "text_score"]
    line, _, (bars,) = points["CLIP, 2 trainings"].lines
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), own["value"])
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, own[["low", "high"]])
    guessing = [segment[0, 0] for segment in second.collections[-1].get_segments()]
    np.testing.assert_allclose(guessing, 100 / 6)


def test_the_notebook_writes_all_that_the_report_shows(written, tmp_path):
    tables, parameters, folder = written
    out = folder / "table"
    execute(str(NOTEBOOK), str(out / "notebook.ipynb"), parameters)
    drawn = {f"{name}.{kind}" for name in ("scores", "effects") for kind in ("svg", "png")}
    text = {f"table.{end}" for end in ("csv", "tex", "txt", "html")}
    others = {"notebook.ipynb", "summary.html", "paired.csv", "effects.csv"}
    assert {path.name for path in out.iterdir()} == drawn | text | others
    exported = pd.read_csv(out / "table.csv")
    expected = matching_tables.long_form(tables["scores"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(exported, expected, check_dtype=False)
    html = (out / "table.html").read_text()
    assert "Pairs &lt;of&gt; both: group score in percent" in html
    assert html.count('<table id="T_mine-set_score">') == 1
    assert "Bias: effect sizes. Fabricated numbers." in html
    (row,) = tables["effects"].query("method == 'SD [L2]' and subtask == 'X - Y'").itertuples()
    assert f"{row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}]" in html
    summary = (out / "summary.html").read_text()
    assert "My benchmark, text score in percent: SD [L2]" in summary and "guessing 50" in summary
    for end in ("tex", "txt"):
        assert "Fabricated numbers." in (out / f"table.{end}").read_text().replace("\n", " ")
    cells = json.loads((out / "notebook.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    message = json.dumps(outputs)
    assert "COLA, multi-object" in message and "Licence" in message


def test_a_table_without_effects_leaves_them_out(written, tmp_path):
    _, parameters, _ = written
    names = ("mine", "pairs")
    less = parameters | {
        "has_effects": False, "folder": str(tmp_path / "table"), "benchmarks": {},
        **{key: {name: parameters[key][name] for name in names} for key in ("data", "datasets")},
    }  # fmt: skip
    execute(str(NOTEBOOK), str(tmp_path / "table" / "notebook.ipynb"), less)
    assert not (tmp_path / "table" / "effects.csv").exists()
    assert (tmp_path / "table" / "scores.svg").exists()


def test_a_table_of_effects_alone_is_told_in_all_forms(written, tmp_path):
    tables, parameters, _ = written
    empty = {"scores": tables["scores"].iloc[:0], "paired": tables["paired"].iloc[:0]}
    for name, frame in empty.items():
        files.write_parquet(frame, tmp_path / f"{name}.parquet")
    out = tmp_path / "table"
    alone = {key: {"bias": parameters[key]["bias"]} for key in ("data", "datasets")}
    own = {name: str(tmp_path / f"{name}.parquet") for name in empty}
    more = {"folder": str(out), "benchmarks": {}, "has_scores": False}
    execute(str(NOTEBOOK), str(out / "notebook.ipynb"), parameters | alone | own | more)
    found = tables["effects"].query("method == 'SD [L2]'").set_index("subtask")["value"]
    text = (out / "table.txt").read_text()
    for comparison, value in found.items():
        (line,) = [line for line in text.splitlines() if line.startswith(comparison)]
        assert line.removeprefix(comparison).split()[0] == f"{value:+.2f}"  # the first method's
    latex = (out / "table.tex").read_text()
    assert r"\toprule" in latex and all(f"{value:+.2f} [" in latex for value in found)
    summary = (out / "summary.html").read_text()
    assert "Bias: effect sizes of SD [L2] lie between" in summary
    low = found.idxmin()
    assert f"between {found[low]:+.2f} ({low}) and {found.max():+.2f}" in summary
    apart = tables["effects"].query("method == 'SD [L2]' and (low > 0 or high < 0)")
    assert f"of {len(apart)} of 2 comparisons are without 0" in summary
    cells = json.loads((out / "notebook.ipynb").read_text())["cells"]
    page = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == ["## The tasks", "## Effect sizes"]  # none without content
    (effects,) = [cell for cell in cells if cell["id"] == "effects-tables"]
    assert "Bias: effect sizes." in json.dumps(effects["outputs"][0])
