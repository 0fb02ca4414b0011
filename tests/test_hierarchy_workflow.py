"""A prior and a hierarchy together, end to end, against sums done by hand.

The workflow is run from another folder than its own, and as plainly as can be.
"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from workflows import planned, snakemake

COLOURS = ["red", "green", "blue", "yellow", "purple", "cyan"]
SHAPES = ["circle", "square", "triangle", "cross", "ring", "heart"]


def lay_out(root, project):
    """A folder with the tiny config of a hierarchy and the files it names, but the models."""
    shutil.copy(root / "tests" / "tiny_hierarchy.yaml", project / "tiny.yaml")
    names = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
    prompts = {"prompt": [f"a {n}" for n in names], "classname": names, "classidx": range(36)}
    pd.DataFrame(prompts).to_csv(project / "colour-shape.csv", index=False)
    groups = {"classidx": range(36), "group": [index // 6 for index in range(36)]}
    pd.DataFrame(groups).to_csv(project / "groups.csv", index=False)


@pytest.fixture(scope="module")
def project(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hierarchy")
    lay_out(root, folder)
    result = snakemake(folder, "--snakefile", root / "Snakefile")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def mean_error(project, stage):
    """(image, prompt) → mean L1 error, of all files of a stage."""
    files = sorted((project / f"results/errors/tree/seen/stage{stage}").glob("*.nc"))
    errors = [xr.load_dataset(path) for path in files]
    return {
        (image, prompt): values.mean()
        for each in errors
        for image, prompt, values in zip(
            each["image"].values, each["prompt"].values, each["l1"].values, strict=True
        )
    }


def test_images_are_asked_about_the_priors_classes_in_the_best_groups(project):
    clip = pd.read_parquet(project / "results/predictions/clip/seen.parquet")
    found = pd.read_parquet(project / "results/predictions/tree/seen.parquet")
    found = found.query("loss == 'l1'").set_index("image")
    coarse, fine = mean_error(project, 0), mean_error(project, 1)
    kept = 0
    for image, label, scores in clip[["image", "label", "scores"]].itertuples(index=False):
        prior = sorted(range(36), key=lambda index: -scores[index])[:20]
        # two prompts a colour, one after the other
        colours = sorted({index // 6 for index in prior})
        assert {p // 2 for i, p in coarse if i == image} == set(colours)
        of_colour = {c: coarse[image, 2 * c] + coarse[image, 2 * c + 1] for c in colours}
        best = sorted(colours, key=of_colour.get)[:3]
        left = [index for index in sorted(prior) if index // 6 in best]
        assert sorted(p for i, p in fine if i == image) == left
        assert found["prediction"][image] == min(left, key=lambda index: fine[image, index])
        assert found["evaluations"][image] == 2 * 2 * len(colours) + 2 * len(left)
        assert np.flatnonzero(~np.isnan(found["scores"][image])).tolist() == left
        kept += label in left
    (row,) = pd.read_csv(project / "results/tables/accuracy/ceilings.csv").to_dict("records")
    assert (row["method"], row["dataset"]) == ("Diffusion Classifier", "seen")
    assert (row["images"], row["classes"], row["left"]) == (10, 36, len(fine) / 10)
    assert row["value"] == pytest.approx(100 * kept / 10)
    assert "Classes left out before" in (project / "results/tables/accuracy/page.html").read_text()


def test_no_table_tells_where_the_project_lies(root, project):
    """Neither as an absolute path nor as one that goes up to the root and down again."""
    files = [path for path in (project / "results/tables/accuracy").rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        assert str(root)[1:] not in path.read_text(errors="ignore"), path
    made_of = json.loads((project / "results/tables/accuracy/provenance.json").read_text())
    assert made_of["config"]["models"]["sd"]["weights"] == "resources/models/scenes-sd"
    assert made_of["models"]["sd"]["weights"] == "resources/models/scenes-sd"


def test_what_a_change_computes_again(root, project):
    """Another number of groups: nothing of the stage of groups; without either: all classes."""
    path = project / "tiny.yaml"
    text = path.read_text()
    path.write_text(text.replace("samples: 2, keep: 3", "samples: 2, keep: 2"))
    assert planned(project, "--snakefile", root / "Snakefile") == {
        "pairs": 2, "errors": 2, "shard_predictions": 2, "concatenate_predictions": 1,
        "scores": 1, "table": 1, "explorer": 1,
    }  # fmt: skip
    lines = [line for line in text.split("\n") if "prior:" not in line and "hierarchy:" not in line]
    path.write_text("\n".join(lines))
    jobs = planned(project, "--snakefile", root / "Snakefile")
    path.write_text(text)
    assert "group_pairs" not in jobs and jobs["errors"] == 2
