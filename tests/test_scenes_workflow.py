"""Both tables of text prompts, end to end on a tiny config, against sums done by hand."""

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from browser import chromium
from classical_answers import fit_predict
from photographs import photographs
from scene_errors import best_prompts_correct, winoground_right
from workflows import edited, planned, run_copy, snakemake

from diffusion_classifier import files
from diffusion_classifier.baselines import features
from diffusion_classifier.data.preprocess import Preprocess, pixels
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.stored_images import encoded_images
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.operations.table_provenance import weights_digest
from diffusion_classifier.scores.accuracy import LONG
from diffusion_classifier.tables.texts.escaping import latex

SHOWN = {".log", ".ipynb", ".html", ".csv", ".svg", ".tex", ".txt", ".tsv", ".json"}


@pytest.fixture(scope="module")
def project(root, tmp_path_factory):
    """A copy of the project in which the tiny config of scenes has been run once."""
    folder = tmp_path_factory.mktemp("scenes")
    photographs(folder / "photos")
    return run_copy(root, folder, "tiny_scenes.yaml")


FIGURES = {
    "accuracy": (
        *("methods", "trend", "paired", "timesteps", "reconstructions", "confusion", "examples"),
    ),
    "winoground": ("scores", "timesteps", "examples", "heatmaps"),
}


def test_everything_is_made(project):
    for table, figures in FIGURES.items():
        assert list(pd.read_csv(project / f"results/tables/{table}/table.csv").columns) == LONG
        assert r"\toprule" in (project / f"results/tables/{table}/table.tex").read_text()
        for name in figures:
            assert (project / f"results/tables/{table}/{name}.svg").read_text().count("<path") > 5
            assert (project / f"results/tables/{table}/{name}.png").stat().st_size > 5000
    report = (project / "results/report.html").read_text()
    assert "Zero-shot accuracy" in report and "Compositional reasoning" in report


@pytest.mark.parametrize("width", [1300, 400])
def test_the_first_page_of_the_report_can_be_read_from_its_beginning(project, width):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 600})
        page.goto((project / "results/report.html").as_uri())
        text = page.locator(".document")
        text.wait_for()
        page.locator("#rulegraph canvas").wait_for(state="attached")
        found = text.bounding_box()
        assert found["height"] > 600  # higher than the window
        left = page.locator("div.h-screen.items-center").bounding_box()["x"]
        assert found["y"] >= 0 and found["x"] >= left


def test_what_a_method_could_not_learn_from_is_said(project):
    message = "Photographs: 21 of 23 files were used; left out: 0-small/empty.png (an empty file)"
    log = (project / "results/logs/dataset/sizes-train.log").read_text()
    assert (
        "21 of 23 files were used" in log and "1-large/moved.png: left out (a broken link)" in log
    )
    text = (project / "results/tables/accuracy/table.txt").read_text()
    assert text.count("left out") == 1 and message in " ".join(text.split())
    for page in ("page.html", "table.html"):
        page = (project / "results/tables/accuracy" / page).read_text()
        assert page.count("files were used") == 1 and "<code>1-large/moved.png</code>" in page
    provenance = files.read_json(project / "results/tables/accuracy/provenance.json")
    assert provenance["datasets"]["shapes"] == {"images": 12}
    for model, record in provenance["models"].items():  # which are trained in this run
        assert record["sha256"] == weights_digest(project / "results/models" / model)
    assert provenance["datasets"]["sizes-train"]["left_out"]["reasons"] == {
        "an empty file": ["0-small/empty.png"],
        "a broken link": ["1-large/moved.png"],
    }


def test_names_are_only_names(project):
    """Braces, dollars, tags … of a label, a class and a subtitle, in all that shows them."""
    label, name, subtitle = "_{s} $a_b$ & <b>5 %</b> #~^\\", "{heart}, $x$ <i>", "*{test}*, 100 %"
    folder = project / "results/tables/accuracy"
    for path in (folder / "page.html", folder / "table.html"):
        page = path.read_text()
        for tag in ("<b>5 %</b>", "<i>", "<u>.", "<em>{test}</em>"):
            assert tag not in page
        assert label in html.unescape(page) and subtitle in html.unescape(page)
    assert name in html.unescape((folder / "page.html").read_text())
    text = (folder / "table.txt").read_text()
    assert all(word in text for word in label.split())  # on as many lines as it takes
    assert latex(label) in (folder / "table.tex").read_text()
    assert name in (project / "results/prompts/shapes.csv").read_text()
    for figure, shown in (("methods", label), ("confusion", name)):
        svg = (project / f"results/tables/accuracy/{figure}.svg").read_text()
        assert shown in html.unescape(svg).replace("\u200b", "")
    report = (project / "results/report.html").read_text()
    assert "Numbers of a *{test}*, 100 %" in report


def test_every_method_is_a_row_of_the_accuracy_table(project):
    table = pd.read_csv(project / "results/tables/accuracy/table.csv").query("metric == 'top1'")
    assert set(table["method"]) == {
        *(f"Diffusion Classifier [{loss}]" for loss in ("L1", "L2", "Huber")),
        *("ResNet on synthetic data", "SD features", "k-NN", "CLIP", "Chance"),
    }
    assert (table.groupby("method")["dataset"].nunique() == 2).all()
    chance = table.query("method == 'Chance' and dataset == 'shapes'")
    assert (chance["images"].item(), chance["trainings"].item()) == (12, 2)


def test_the_best_prompt_of_a_class_decides(project):
    """Brute force over the stored errors: two prompts a class, three classes kept, then one."""
    correct = best_prompts_correct(project)
    table = pd.read_csv(project / "results/tables/accuracy/table.csv").set_index(
        ["method", "dataset"]
    )
    row = table.query("metric == 'top1'").loc[("Diffusion Classifier [L1]", "shapes")]
    assert row["value"] == pytest.approx(100 * np.mean(correct), abs=1e-3)
    # none of the second stage's four timesteps was one of the first's two
    assert row["evaluations"] == 12 * 2 + 6 * 4


def test_winoground_scores_are_those_of_the_stored_errors(project):
    """Brute force: caption c of example e is prompt 2e + c, and the last prompt is empty."""
    right = winoground_right(project)
    table = pd.read_csv(project / "results/tables/winoground/table.csv")
    found = table.query("method.str.endswith('[L2]') and dataset == 'average'")
    found = found.set_index("metric")["value"]
    for metric, examples in right.items():
        assert found[metric] == pytest.approx(100 * np.mean(examples), abs=1e-3), metric
    assert set(table["dataset"]) == {"object", "relation", "both", "average"}
    assert (table.query("dataset == 'average' and method == 'CLIP'")["images"] == 9).all()


def test_the_trend_is_scored_from_the_predictions(project):
    table = pd.read_csv(project / "results/tables/accuracy/trend.csv")
    for method, label in (("exhaustive", " (exhaustive)"), ("staged", "")):
        found = pd.read_parquet(project / f"results/predictions/{method}/shapes.parquet")
        right = (found["label"] == found["prediction"]).groupby(found["loss"]).mean()
        row = table[table["method"] == f"Diffusion Classifier{label} [L1]"]
        row = row.query("metric == 'top1'")
        assert row["value"].item() == pytest.approx(100 * right["l1"], abs=1e-3)


def test_the_most_confused_pairs_are_counted(project):
    table = pd.read_csv(project / "results/tables/accuracy/confusions.csv")
    found = pd.read_parquet(project / "results/predictions/staged/shapes.parquet")
    found = found.query("loss == 'l2'")
    wrong = (found["label"] != found["prediction"]).sum()
    assert set(table["dataset"]) == {"shapes"} and 0 < len(table) <= 10
    assert (table["true"] != table["predicted"]).all() and table["count"].sum() <= wrong


@pytest.mark.parametrize("dataset", ["shapes", "sizes"])
def test_the_probe_sees_the_latents_of_the_images(project, dataset):
    """Its predictions are those on images encoded afresh; the shapes are in two shards."""
    config = yaml.safe_load((project / "tiny.yaml").read_text())
    path, folder = project / f"results/data/{dataset}.parquet", str(project / "results/models/sd")
    cpu = (torch.device("cpu"), torch.float32)
    preprocess = Preprocess(**config["models"]["sd"]["preprocess"])
    latents = encode_images(folder, preprocess, map(decode, encoded_images(path)), *cpu)
    probe = features.load(project / f"results/baselines/features/{dataset}")
    asked = ([probe.timestep], [probe.layer])
    maps = features.unet_features(folder, latents, *asked, *cpu, config["noise"]["seed"])
    classes, scores = probe.predict(maps, int(probe.classes.max()) + 1)
    found = pd.read_parquet(project / f"results/predictions/features/{dataset}.parquet")
    np.testing.assert_array_equal(found["prediction"], classes)
    np.testing.assert_array_equal(np.stack(found["scores"]), scores)


@pytest.mark.parametrize("dataset", ["shapes", "sizes"])
def test_neighbours_are_those_of_the_set_of_prompts(project, dataset):
    train, test = (
        pd.read_parquet(project / f"results/data/{name}.parquet")
        for name in (f"{dataset}-train", dataset)
    )
    images = [pixels(data, Preprocess(mode="RGB", size=8)) for data in (train, test)]
    asked = ("k_nearest", {}, images[0], train["label"], {"": images[1]})
    classes, scores = fit_predict(*asked)[""]
    found = pd.read_parquet(project / f"results/predictions/neighbours/{dataset}.parquet")
    np.testing.assert_array_equal(found["prediction"], classes)
    np.testing.assert_array_equal(np.stack(found["scores"]), scores)


def test_another_table_of_the_same_predictions_classifies_nothing_again(project):
    """Every baseline may stand in it; what it shares with the table of accuracy is there."""
    path = project / "tiny.yaml"
    text = path.read_text()

    def added(config):
        asked = ["exhaustive", "synthetic", "features", "neighbours", "clip", "chance"]
        table = {"kind": "robustness", "datasets": ["shapes", "sizes"], "methods": asked}
        config["tables"]["of-shapes-and-sizes"] = table

    edited(project, added)
    jobs = planned(project)
    path.write_text(text)
    assert {"scores", "table", "errors"} <= set(jobs)
    assert not [name for name in jobs if name.startswith(("predict_", "train"))]


def test_another_data_set_measures_no_other_errors_again(project):
    """Latents and errors of the new data set alone are made."""
    path = project / "tiny.yaml"
    text = path.read_text()

    def added(config):
        more = config["datasets"]["shapes"] | {"label": "More shapes", "limit": 6, "shards": 1}
        config["datasets"]["more"] = more
        config["tables"]["accuracy"]["datasets"].append("more")

    edited(project, added)
    message = snakemake(project, "--dry-run", "--cores", "1").stdout
    path.write_text(text)
    for folder in ("latents", "errors"):
        made = re.findall(rf"output: (results/{folder}/\S+)", message)
        assert made and all("/more/" in file for file in made)


def test_running_again_does_nothing(project):
    result = snakemake(project, "--cores", "1")
    assert "Nothing to be done" in result.stdout + result.stderr


def test_no_file_tells_where_the_project_lies(project):
    texts = (".html", ".ipynb", ".log", ".csv", ".json", ".svg", ".txt", ".tex")
    written = [path for path in (project / "results").rglob("*") if path.suffix in texts]
    assert len(written) > 50
    for path in written:
        assert str(project) not in path.read_text(errors="ignore"), path


def test_published_numbers_and_fewer_parts_only_render_again(project):
    """The paper's numbers beside ours, and a table stripped to what it cannot do without."""

    def compared(config):
        config["evaluations"]["staged"]["published"] = "Diffusion Classifier (SD 2.0)"
        config["datasets"]["shapes"]["published"] = "cifar10"
        table = config["tables"]["accuracy"]
        table["published"] = "config/published.csv"
        for part in ("subtitle", "loss", "curves", "reconstructions", "confusion", "trend"):
            del table[part]

    edited(project, compared)
    assert planned(project) == {"table": 1, "explorer": 1}  # both show the subtitle
    result = snakemake(project, "--cores", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    table = pd.read_csv(project / "results/tables/accuracy/table.csv")
    assert list(table.columns) == [*LONG, "published", "difference", "inside"]
    (row,) = table[table["published"].notna()].to_dict("records")
    assert (row["method"], row["dataset"]) == ("Diffusion Classifier [L2]", "shapes")
    assert row["published"] == 88.5
    assert row["difference"] == pytest.approx(row["value"] - 88.5, abs=1e-3)
    assert row["inside"] == (row["low"] <= 88.5 <= row["high"])
    beside = pd.read_csv(project / "results/tables/accuracy/published.csv")
    assert beside.to_dict("records") == [row]


def test_one_evaluation_is_a_table(project):
    """As for one's own images: no baselines, so no paired comparison."""

    def alone(config):
        table = {"kind": "accuracy", "datasets": ["shapes"], "methods": ["exhaustive"]}
        config["tables"] = {"accuracy": table}

    edited(project, alone)
    result = snakemake(project, "--cores", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    left = {path.stem for path in (project / "results/tables/accuracy").glob("*.svg")}
    assert left == {"methods", "examples"}
    assert "Paired comparison" not in (project / "results/tables/accuracy/page.html").read_text()


def test_nothing_tells_whose_machine_it_was(project):
    """Logs, notebooks, tables and the report; binary files hold arrays and pictures only."""
    secrets = {str(project), f"{Path.home()}/"} - {"//"}
    shown = [path for path in (project / "results").rglob("*") if path.suffix in SHOWN]
    assert {path.suffix for path in shown} >= {".log", ".ipynb", ".html", ".csv", ".svg"}
    assert project / "results/report.html" in shown
    for path in shown:
        content = path.read_text(encoding="utf-8")
        assert not [secret for secret in secrets if secret in content], path
