"""Tables, figures and the notebook on fabricated results."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from robustness_results import DATASETS, METHODS, errors, fabricated, images

from diffusion_classifier import files
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import accuracy as scores
from diffusion_classifier.scores import robustness, timestep_curves
from diffusion_classifier.scores.intervals import wilson
from diffusion_classifier.scores.paired_tests import paired_table
from diffusion_classifier.tables.figures import plots, robustness_plots
from diffusion_classifier.tables.notebook_pages import execute
from diffusion_classifier.tables.texts import wide_tables as tables

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def per_seed():
    return scores.score_table(METHODS, fabricated(), "robustness")


@pytest.fixture(scope="module")
def correct():
    return scores.correctness(fabricated())


@pytest.fixture(scope="module")
def rows(per_seed, correct):
    return scores.aggregate(per_seed, correct)


@pytest.fixture(scope="module")
def wide(rows):
    return tables.wide(rows, DATASETS)


def test_wide_has_a_row_per_method_in_order(wide):
    names = ["Diffusion Classifier (DiT) [L2]", "Diffusion Classifier (DiT) [L1]", "MLP"]
    counted = [*((name, "1 training") for name in names), ("k-NN", "deterministic")]
    assert list(wide.index) == [*counted, ("CNN", "3 trainings")]
    assert list(wide.columns.unique(0)) == list(DATASETS.values())
    assert (wide.xs("low", axis=1, level=1) < wide.xs("high", axis=1, level=1)).all(axis=None)


def test_wide_refuses_seeds_and_shows_what_is_missing(per_seed, rows):
    with pytest.raises(InputError, match="'CNN' occurs twice"):
        tables.wide(per_seed, DATASETS)
    rows = rows[(rows["method"] != "MLP") | (rows["dataset"] != "uci")]
    cells = tables.cells(tables.wide(rows, DATASETS))
    assert cells.loc[("MLP", "1 training"), "UCI & pen"] == tables.MISSING


def test_best_marks_every_tie_as_printed():
    columns = pd.MultiIndex.from_product([["A"], ["value", "low", "high"]])
    table = pd.DataFrame([[90.04, 89, 91], [90.01, 89, 91], [80, 79, 81]], columns=columns)
    assert list(tables.best(table)["A"]) == [True, True, False]


def test_html_and_latex_escape_and_mark_the_best(wide):
    html, latex = tables.to_html(wide, "a caption"), tables.to_latex(wide, "50 % of_it", "tab:x")
    assert "UCI &amp; pen" in html and "font-weight: bold" in html and "a caption" in html
    assert r"UCI \& pen" in latex and r"Noisy\_digits" in latex and r"50 \% of\_it" in latex
    assert r"\toprule" in latex and r"\bottomrule" in latex
    assert latex.count(r"\bfseries") == html_bold_cells(html)
    assert tables.to_html(wide) == tables.to_html(wide)


def html_bold_cells(html):
    style = re.search(r"((?:#\w+,?\s*)+)\{\s*font-weight: bold", html).group(1)
    return style.count("#")


@pytest.mark.parametrize(
    ("columns", "width", "form"),
    [
        (3, 160, r"\[\d+\.\d, "),
        (6, 160, r"\[\d+\.\d,\d"),
        (9, 170, r"\d ±\d"),
        (9, 130, r"\d[* ] +\d"),
    ],
)
def test_text_fits_the_terminal(wide, columns, width, form):
    many = pd.concat([wide] * 3, axis=1, keys=list("ABC"))
    many.columns = pd.MultiIndex.from_tuples([(f"{a} {b[:4]}", c) for a, b, c in many.columns])
    text = tables.to_text(many.iloc[:, : 3 * columns], "a long caption " * 30, width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert re.search(form, lines[-3]) and "*" in text
    assert re.search("CNN +3 trainings +", lines[-2])


def test_a_header_of_several_words_takes_several_lines(wide):
    header = "Colour × shape, that nobody was ever shown"
    few = wide.iloc[:, :3].rename(columns={wide.columns[0][0]: header})
    lines = tables.to_text(few).splitlines()
    above = lines[: next(i for i, line in enumerate(lines) if set(line) == {"-"})]
    assert len(above) > 2 and " ".join(line.strip() for line in above) == header
    assert len({len(line) for line in above}) == 1


def test_overlaps_are_computed():
    rows = pd.DataFrame(
        [("DiT", "diffusion", 80, 90), ("low", "baseline", 70, 79), ("same", "baseline", 85, 95)],
        columns=["method", "kind", "low", "high"],
    ).assign(metric="top1", dataset="digits", value=lambda f: (f["low"] + f["high"]) / 2)
    (sentence,) = tables.overlaps(rows, "DiT", DATASETS)
    assert sentence == (
        "Digits: DiT, 85.0 [80.0, 90.0] %, overlaps with same; lies wholly above low."
    )


def test_comparison_and_cost_are_readable(rows):
    paired = paired_table(METHODS, fabricated())
    text = tables.comparison(paired, tables.with_trainings(rows), DATASETS, "l2")
    diffusion = "Diffusion Classifier (DiT) [L2] (1 training)"
    minus = ["MLP (1 training)", "k-NN (deterministic)", "CNN (3 trainings)"]
    assert list(text.index) == [(diffusion, name) for name in minus]
    assert list(text) == list(DATASETS.values())
    assert re.fullmatch(r"[+-][\d.]+ \[[+-][\d.]+, [+-][\d.]+\]\np [<=] [\de.-]+", text.iloc[0, 0])
    cost = tables.cost(rows, DATASETS, ["l2"])
    assert cost.loc["Diffusion Classifier (DiT) [L2]", "Digits"] == "68.5 / 34 ms"
    assert len(cost) == 4


def figures(per_seed):
    labels = images()[["image", "label"]]
    points = {s: robustness.points(per_seed, "digits", s) for s in ("uci", "noisy")}
    shown = [name for name in per_seed["method"].unique() if "[" in name]
    correct = scores.correctness(fabricated())
    table = robustness.effective_robustness_table(points, shown, correct, "digits", draws=100)
    found = fabricated()["dit", "digits"]
    pruned = timestep_curves.schedules({"pruned": found}, "l2")
    curve = timestep_curves.accuracy_by_evaluations(errors(), labels, "l2", [1, 2, 5, 10, 25, 50])
    chosen = plots.choose_examples(images(), found[found["loss"] == "l2"], 6)
    chosen = chosen.merge(images()[["image", "bytes"]], on="image")
    return {
        "effective": robustness_plots.effective_robustness_plot(points, table, DATASETS, "digits"),
        "timesteps": plots.timesteps_plot(
            {"Digits": timestep_curves.timestep_accuracy(errors(), labels, "l2")},
            {"Digits": 20},
            "title",
        ),
        "evaluations": plots.evaluations_plot(curve, pruned, "title"),
        "examples": plots.example_sheet({"Digits": chosen, "Few": chosen.head(2)}, "title"),
    }


def test_figures_are_saved_whole_and_identically(per_seed, tmp_path):
    for run in ("a", "b"):
        for name, figure in figures(per_seed).items():
            plots.save(figure, tmp_path / run / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert {p.suffix for p in (tmp_path / "a").iterdir()} == {".svg", ".png"}


def test_effective_robustness_plot_shows_every_point_and_distance(per_seed):
    figure = figures(per_seed)["effective"]
    panel = figure.axes[0]
    assert "[L2], 1 training:\n    " in panel.get_title(loc="left").replace(",\n", ", ")
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    named = {"MLP, 1 training", "k-NN, deterministic", "CNN, 3 trainings"}
    assert {*named, "line through the baselines"} <= legend
    drawn = {c.get_label(): len(c.lines[0].get_xdata()) for c in panel.containers}
    assert drawn["CNN, 3 trainings"] == 3 and drawn["MLP, 1 training"] == 1  # each is a point
    assert all(label.get_text().endswith(" %") for label in panel.get_xticklabels())


def test_the_legend_of_long_names_stays_within_the_figure(per_seed):
    per_seed = per_seed.assign(method=per_seed["method"] + ", of a name that goes on and on")
    figure = figures(per_seed)["effective"]
    FigureCanvasAgg(figure).draw()
    extent = figure.legends[0].get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1


def test_plot_survives_0_and_100_percent():
    percent = {"x": [50.0, 100, 90], "y": [0.0, 100, 100]}
    points = pd.DataFrame(percent).assign(loss="", group="g", x_images=50, y_images=50)
    points["varies"] = "training"
    points["method"] = points["name"] = ["a", "b", "DiT"]
    points["kind"] = ["baseline", "baseline", "diffusion"]
    for axis in "xy":
        low, high = wilson(points[axis] / 2, 50)
        points[f"{axis}_low"], points[f"{axis}_high"] = 100 * low, 100 * high
    correct = pd.DataFrame(
        [
            (axis, row["name"], "", image, image < row[axis] / 2)
            for _, row in points.iterrows()
            for axis in "xy"
            for image in range(50)
        ],
        columns=["dataset", "name", "loss", "image", "correct"],
    ).replace({"dataset": {"x": "d", "y": "s"}})
    table = robustness.effective_robustness_table({"s": points}, ["DiT"], correct, "d", draws=50)
    figure = robustness_plots.effective_robustness_plot({"s": points}, table, {}, "d")
    assert np.isfinite(figure.axes[0].get_xlim()).all()


def test_one_baseline_makes_no_line_and_the_plot_says_so(per_seed, correct):
    found = per_seed[per_seed["name"].isin(["dit", "knn"])]
    points = {"uci": robustness.points(found, "digits", "uci")}
    shown = ["Diffusion Classifier (DiT) [L2]"]
    table = robustness.effective_robustness_table({}, shown, correct, "digits")
    figure = robustness_plots.effective_robustness_plot(
        points, table, DATASETS, "digits", shown=shown
    )
    assert figure.axes[0].get_title(loc="left").endswith(robustness_plots.NO_LINE)
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {
        "equal accuracy (x = y)", "k-NN, deterministic", f"{shown[0]}, 1 training"
    }  # fmt: skip


def test_examples_show_some_mistakes():
    predictions = images()[["image", "label"]].assign(prediction=lambda f: f["label"])
    predictions.loc[:4, "prediction"] = 3
    chosen = plots.choose_examples(images(), predictions, 9)
    assert len(chosen) == 9 and (chosen["true"] != chosen["predicted"]).sum() == 3


def write_inputs(folder):
    """All the notebook reads, under `folder`; returns its parameters."""
    found = fabricated()
    for dataset in DATASETS:  # what may stand in the table and is not on its line
        found["clip", dataset] = found["chance", dataset] = found["knn", dataset]
    methods = METHODS | {
        "clip": {"label": "CLIP", "kind": "more-data", "group": "clip", "varies": "training"},
        "chance": {"label": "Chance", "kind": "chance", "group": "chance", "varies": "seed"},
    }
    for (name, dataset), frame in found.items():
        files.write_parquet(frame, folder / name / f"{dataset}.parquet")
    files.write_parquet(scores.score_table(methods, found, "robustness"), folder / "scores.parquet")
    files.write_parquet(scores.correctness(found), folder / "correct.parquet")
    files.write_parquet(paired_table(methods, found), folder / "paired.parquet")
    measured = timestep_curves.curve_rows(errors(), images()[["image", "label"]])
    files.write_parquet(measured.assign(dataset="digits"), folder / "curves.parquet")
    files.write_parquet(images(), folder / "images.parquet")
    return {
        "library": str(ROOT / "workflow_scripts"),
        "scores": str(folder / "scores.parquet"),
        "correct": str(folder / "correct.parquet"),
        "paired": str(folder / "paired.parquet"),
        "predictions": {d: str(folder / "dit" / f"{d}.parquet") for d in DATASETS},
        "data": dict.fromkeys(DATASETS, str(folder / "images.parquet")),
        "curve_dataset": "digits",
        "curve_file": str(folder / "curves.parquet"),
        "curve_predictions": {"pruned, 5 → 1 classes": str(folder / "dit" / "digits.parquet")},
        "folder": str(folder / "table"),
        "datasets": DATASETS,
        "descriptions": {"digits": "random pixels"},
        "subtitle": "Fabricated numbers.",
        "plot_losses": ["l2", "l1"],
        "draws": 200,
    }


def test_notebook_runs_and_writes_everything(tmp_path):
    parameters = write_inputs(tmp_path)
    executed = tmp_path / "table" / "notebook.ipynb"
    execute(ROOT / "notebooks" / "robustness.ipynb", executed, parameters)
    written = {path.name for path in (tmp_path / "table").iterdir()}
    names = ("paired", "effective", "timesteps", "evaluations", "examples")
    drawn = {f"{name}.{kind}" for name in names for kind in ("svg", "png")}
    ends = (".csv", ".tex", ".txt", ".html")
    others = {"notebook.ipynb", "summary.html"}
    assert written == {*others, *(f"table{end}" for end in ends), *drawn}
    exported = pd.read_csv(tmp_path / "table" / "table.csv")
    assert list(exported) == scores.LONG and len(exported) == 7 * 3 * 2
    outputs = [o for c in json.loads(executed.read_text())["cells"] for o in c.get("outputs", [])]
    assert not [o for o in outputs if o.get("name") == "stderr"]
    message = [line for line in executed.read_text().splitlines() if "baselines' line" in line]
    compared = {name for name in ("(DiT) [L2]", "CLIP", "Chance", "k-NN") if name in str(message)}
    assert compared == {"(DiT) [L2]", "CLIP"}
    assert "of 1 training and does not cover another one" in str(message)
    compared = set(pd.read_parquet(tmp_path / "paired.parquet")["method_b"])
    assert compared == {"MLP", "k-NN", "CNN", "CLIP"}
    for end in (".txt", ".tex", ".html"):
        text = " ".join((tmp_path / "table" / f"table{end}").read_text().split())
        for count in ("1 training", "3 trainings", "deterministic", "1 seed"):
            assert count in text
        assert "a row of 1 training says nothing about another training" in text
