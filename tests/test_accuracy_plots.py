"""The figures and the notebook of zero-shot accuracy on fabricated (random) results."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from accuracy_results import (
    CLASSES,
    DATASETS,
    IMAGES,
    METHODS,
    PAIRS,
    SEEN,
    UNSEEN,
    errors,
    fabricated,
    labels_of,
    pictures,
    predicted,
    reconstructions,
)
from matplotlib.backends.backend_agg import FigureCanvasAgg

from diffusion_classifier import files
from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.data.sources.image_source import encode
from diffusion_classifier.data.world.world import SHAPES
from diffusion_classifier.scores import accuracy as scores
from diffusion_classifier.scores import timestep_curves
from diffusion_classifier.scores.paired_tests import paired_table
from diffusion_classifier.tables.figures import accuracy_plots, plots
from diffusion_classifier.tables.notebook_pages import execute

ROOT = Path(__file__).parents[1]


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.fixture(scope="module")
def rows():
    found = fabricated()
    table = scores.score_table(METHODS, found, "accuracy")
    return scores.aggregate(table, scores.correctness(found))


CHANCE = {"shapes": 100 / 6, "seen": 100 / 36, "unseen": 100 / 36}


def test_accuracy_bars_draw_every_accuracy_its_interval_and_chance(rows):
    figure = accuracy_plots.accuracy_bars(rows, DATASETS, "l2", "title", CHANCE)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    names = [label.rpartition(", ")[0] for label in labels]
    assert labels[0] == "Chance, 2 seeds" and labels[-1] == "Diffusion Classifier [L2], 1 training"
    for ax, dataset in zip(figure.axes, DATASETS, strict=True):
        on = rows[
            (rows["dataset"] == dataset) & (rows["metric"] == "top1") & (rows["loss"] != "l1")
        ]
        drawn = {int(line.get_ydata()[0]): line.get_xdata()[0] for line in markers(ax)}
        assert {names[y]: x for y, x in drawn.items()} == dict(
            zip(on["method"], on["value"], strict=True)
        )
        bars = {round(end, 6) for c in ax.collections for s in c.get_segments() for end in s[:, 0]}
        assert bars == set(on["low"].round(6)) | set(on["high"].round(6))
        (dotted,) = [line for line in ax.lines if line.get_linestyle() == ":"]
        assert dotted.get_xdata()[0] == CHANCE[dataset]
    assert texts(figure) == ["not measured"]


def markers(ax):
    return [line for line in ax.lines if line.get_marker() in ("o", "D")]


def test_timestep_curves_have_a_panel_each_with_its_own_chance():
    curve = pd.DataFrame(
        {"timestep": [0, 9], "accuracy": [20, 60.0], "low": [10, 50.0], "high": [30, 70.0]}
    )
    chance = {"A": 50.0, "B": 2.5}
    figure = plots.timesteps_plot({"A": curve, "B": curve / 2}, chance, "title")
    lines = [[line.get_ydata() for line in ax.lines] for ax in figure.axes]
    assert [list(panel[0]) for panel in lines] == [[20, 60], [10, 30]]
    assert [panel[1][0] for panel in lines] == [50.0, 2.5]
    assert len(figure.legends) == 1


def test_confusion_plot_frames_the_right_answers_and_labels_all():
    predictions = {name: predicted(name, 0.7) for name in ("seen", "unseen")}
    figure = accuracy_plots.confusion_plot(predictions, dict.fromkeys(predictions, PAIRS), "title")
    for ax, present in zip(figure.axes, (SEEN, sorted(UNSEEN)), strict=False):
        assert [label.get_text() for label in ax.get_xticklabels()] == PAIRS
        assert [label.get_text() for label in ax.get_yticklabels()] == [PAIRS[i] for i in present]
        assert min(label.get_fontsize() for label in ax.get_xticklabels()) >= 7
        assert [patch.get_xy() for patch in ax.patches] == [(x, y) for y, x in enumerate(present)]


def test_trend_draws_a_line_per_data_set_in_the_order_of_training():
    versions = ["first", "second", "third"]
    rows = pd.DataFrame(
        [
            {"group": name, "dataset": d, "metric": "top1", "loss": loss}
            | {"value": 10.0 * k + base, "low": 10.0 * k + base - 4, "high": 10.0 * k + base + 2}
            for k, name in enumerate(versions)
            for d, base in (("shapes", 10), ("seen", 40))
            for loss in ("l1", "l2")
        ]
    ).sample(frac=1, random_state=0)
    figure = accuracy_plots.trend_plot(rows, versions, DATASETS | {"none": "x"}, "l2", "title")
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_xticklabels()] == versions
    lines = {c.get_label(): c for c in ax.containers}
    for header, base in (("Shapes", 10), ("Colour × shape", 40)):
        line, _, (bars,) = lines[header]
        assert list(line.get_ydata()) == [base, base + 10, base + 20]
        ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
        assert ends == [[base + d - 4, base + d + 2] for d in (0, 10, 20)]


def test_one_method_on_one_data_set_has_room_for_its_name(rows):
    """Nothing reaches beyond the figure, where three panels have room to spare."""
    alone = rows[rows["kind"] == "diffusion"]
    figure = accuracy_plots.accuracy_bars(alone, {"shapes": "Shapes"}, "l2", "title", CHANCE)
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    assert ax.get_tightbbox().x1 <= figure.bbox.x1 and ax.get_window_extent().width > 300


def test_reconstructions_show_every_picture_and_mark_the_lower_error():
    recon = reconstructions()
    captions = (recon["right"].values, recon["wrong"].values)
    figure = accuracy_plots.reconstructions_plot(recon, pictures(3), *captions, "title")
    shown = [ax for ax in figure.axes if ax.images]
    assert len(shown) == 3 * (1 + 3 * 4)
    labels = {ax.get_xlabel(): ax.xaxis.label.get_fontweight() for ax in shown if ax.get_xlabel()}
    pairs = recon["error"].values.reshape(-1, 2)
    for pair in pairs:
        assert labels[f"{pair.min():.4f}"] == "bold" and labels[f"{pair.max():.4f}"] == "normal"
    found = [ax.images[0].get_array() for ax in shown]
    last = recon["decoded"].values[2, 3, 1].transpose(1, 2, 0)
    np.testing.assert_allclose(found[-1], last)


def write_inputs(folder):
    """All the notebook reads, under `folder`; returns its parameters."""
    found = fabricated()
    for (name, dataset), frame in found.items():
        files.write_parquet(frame, folder / name / f"{dataset}.parquet")
    files.write_parquet(scores.score_table(METHODS, found, "accuracy"), folder / "scores.parquet")
    files.write_parquet(scores.correctness(found), folder / "correct.parquet")
    files.write_parquet(paired_table(METHODS, found), folder / "paired.parquet")
    drawn = []
    for dataset, names in CLASSES.items():
        label = labels_of(dataset)
        data = {"image": np.arange(IMAGES), "label": label, "classname": np.array(names)[label]}
        data["bytes"] = [encode(picture) for picture in pictures()]
        files.write_parquet(pd.DataFrame(data), folder / "data" / f"{dataset}.parquet")
        files.write_csv(from_templates(names, ["a {}"]), folder / f"{dataset}.csv")
        labels = pd.DataFrame({"image": np.arange(IMAGES), "label": label})
        drawn.append(timestep_curves.curve_rows(errors(dataset), labels).assign(dataset=dataset))
    files.write_parquet(pd.concat(drawn, ignore_index=True), folder / "curves.parquet")
    files.write_dataset(reconstructions(), folder / "reconstructions.nc")
    unweighted = found["sd", "shapes"]  # weighted: the right answers of all but ten images
    held_out = unweighted[unweighted["image"] >= 10]
    weighted = held_out.assign(prediction=held_out["label"])
    files.write_parquet(weighted, folder / "weighted.parquet")
    timesteps = pd.DataFrame({"timestep": [100, 500], "weight": [0.5, 1.5]})
    learned = pd.concat(timesteps.assign(loss=loss) for loss in ("l1", "l2"))
    files.write_csv(learned, folder / "weights.csv")
    of_data = {key: str(folder / "data" / f"{key}.parquet") for key in DATASETS}
    return {
        "scores": str(folder / "scores.parquet"),
        "correct": str(folder / "correct.parquet"),
        "paired": str(folder / "paired.parquet"),
        "predictions": {key: str(folder / "sd" / f"{key}.parquet") for key in DATASETS},
        "data": of_data,
        "prompts": {key: str(folder / f"{key}.csv") for key in DATASETS},
        "curve_file": str(folder / "curves.parquet"),
        "reconstructions": str(folder / "reconstructions.nc"),
        "recon_dataset": "seen",
        "confusion_datasets": ["seen", "unseen"],
        "folder": str(folder / "table"),
        "datasets": DATASETS,
        "descriptions": {"shapes": "Random pixels."},
        "trained_on": {"unseen": "The probe never saw these pairs."},
        "trend": {  # of the later version there are two trainings
            "early": {"shapes": [str(folder / "sd" / "shapes.parquet")]},
            "late": {"shapes": [str(folder / "sd" / f"{key}.parquet") for key in SAME]},
        },
        "weighted": [
            {
                "method": "Weighted",
                "varies": "draw",
                "dataset": "shapes",
                "weighted": [str(folder / "weighted.parquet")],
                "equal": [str(folder / "sd" / "shapes.parquet")],
                "weights": [str(folder / "weights.csv")],
            }
        ],
        "subtitle": "Fabricated numbers.",
    }


SAME = ("shapes", "shapes")  # two trainings with the same answers


FIGURES = (
    *("trend", "weighting", "paired", "methods", "timesteps", "reconstructions", "confusion"),
    "examples",
)


def test_notebook_runs_and_writes_everything(tmp_path):
    parameters = write_inputs(tmp_path)
    executed = tmp_path / "table" / "notebook.ipynb"
    execute(ROOT / "notebooks" / "accuracy.ipynb", executed, parameters)
    written = {path.name for path in (tmp_path / "table").iterdir()}
    drawn = {f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    others = {f"table{end}" for end in (".csv", ".tex", ".txt", ".html")} | {"summary.html"}
    tables = {"confusions.csv", "trend.csv", "weighting.csv"}
    assert written == {"notebook.ipynb"} | tables | others | drawn
    cells = json.loads(executed.read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    check_numbers(tmp_path / "table", fabricated())
    trend = pd.read_csv(tmp_path / "table" / "trend.csv").query("metric == 'top1'")
    trend = trend[trend["method"].str.contains("L2")]
    assert trend["method"].tolist() == ["early [L2]", "late [L2]"]
    assert trend["trainings"].tolist() == [1, 2] and trend["value"].nunique() == 1
    gain = pd.read_csv(tmp_path / "table" / "weighting.csv")
    assert gain["loss"].tolist() == ["l1", "l2"] and (gain["with"] == 100).all()
    assert gain["images"].tolist() == [IMAGES - 10] * 2
    own = fabricated()["sd", "shapes"].query("loss == 'l2' and image >= 10")
    right = 100 * (own["label"] == own["prediction"]).mean()
    assert gain["without"][1] == pytest.approx(right)
    assert f"{100 - right:+.1f} [" in (tmp_path / "table" / "table.txt").read_text()
    text = executed.read_text()
    assert (
        "The probe never saw these pairs." in text
        and "36 classes, 36 prompts: “a red circle”" in text
    )


def check_numbers(folder, found):
    """The exported numbers are those of the predictions."""
    exported = pd.read_csv(folder / "table.csv")
    assert list(exported) == scores.LONG
    top1 = exported[exported["metric"] == "top1"].set_index(["method", "dataset"])
    assert len(top1) == 5 * 3 - 1
    for dataset in DATASETS:
        for loss, name in (("l2", "L2"), ("l1", "L1")):
            own = found["sd", dataset]
            own = own[own["loss"] == loss]
            row = top1.loc[f"Diffusion Classifier [{name}]", dataset]
            expected = 100 * (own["label"] == own["prediction"]).mean()
            assert row["value"] == pytest.approx(expected, abs=1e-3) and row["images"] == IMAGES
            assert f"{row['value']:.1f} [" in (folder / "table.tex").read_text()
            assert f"{row['value']:.1f} [" in (folder / "table.html").read_text()
        chance = top1.loc["Chance", dataset]
        assert (chance["trainings"], chance["images"]) == (2, IMAGES)


def test_figures_are_saved_identically(rows, tmp_path):
    for run in ("a", "b"):
        found = {"Shapes": predicted("shapes", 0.7)}
        drawn = accuracy_plots.confusion_plot(found, {"Shapes": SHAPES}, "title")
        plots.save(drawn, tmp_path / run / "confusion")
    for kind in ("svg", "png"):
        a, b = (tmp_path / run / f"confusion.{kind}" for run in ("a", "b"))
        assert a.read_bytes() == b.read_bytes()
