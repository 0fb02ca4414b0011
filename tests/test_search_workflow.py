"""A search and a prior with a calibrated risk, end to end, against sums done by hand."""

import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from workflows import planned, snakemake


@pytest.fixture(scope="module")
def project(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    shutil.copy(root / "tests" / "tiny_search.yaml", folder / "tiny.yaml")
    result = snakemake(folder, "--snakefile", root / "Snakefile")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def left(project, evaluation):
    """image → the classes of its first stage's pairs; a class has two prompts."""
    files = sorted((project / f"results/pairs/{evaluation}/shapes/stage1").glob("*.parquet"))
    pairs = pd.concat(map(pd.read_parquet, files))
    found = pairs.groupby("image")["prompt"].agg(list)
    for prompts in found:  # both prompts of a class, or none
        assert sorted(prompts) == sorted(
            p for c in {p // 2 for p in prompts} for p in (2 * c, 2 * c + 1)
        )
    return {image: sorted({p // 2 for p in prompts}) for image, prompts in found.items()}


def nineteenth(scores, labels):
    """The threshold of 20 calibration images and a risk of 0.1: ⌈21 · 0.9⌉ = 19."""
    return sorted(scores.max(axis=1) - scores[range(20), labels])[18]


def searches(project, evaluation):
    """The tables of the calibration and test images."""
    folder = project / f"results/searches/{evaluation}/shapes"
    return [
        pd.concat(map(pd.read_parquet, sorted((folder / name).glob("*.parquet"))))
        for name in ("known", "shapes")
    ]


def near(scores, threshold, keep=4):
    best = sorted(range(6), key=lambda c: -scores[c])[:keep]
    return sorted(c for c in best if max(scores) - scores[c] <= threshold + 1e-6)


def test_the_survivors_of_the_search_race(project):
    known, searched = searches(project, "searched")
    threshold = nineteenth(np.stack(known["scores"]), known["label"])
    classes = left(project, "searched")
    scores = searched.set_index("image")["scores"]
    assert classes == {image: near(values, threshold) for image, values in scores.items()}
    found = pd.read_parquet(project / "results/predictions/searched/shapes.parquet")
    found = found[found["loss"] == "l2"].set_index("image")
    spent = {}
    for path in (project / "results/errors/searched/shapes/stage1").glob("*.nc"):
        errors = xr.load_dataset(path)
        counts = (~np.isnan(errors["l2"].values)).sum(axis=1)
        for image, count in zip(errors["image"].values, counts, strict=True):
            spent[image] = spent.get(image, 0) + count
    assert found["evaluations"].to_dict() == {i: 3 * 2 + n for i, n in spent.items()}
    assert all(found["prediction"][i] in classes[i] for i in classes) and len(classes) == 8


def test_the_survivors_of_a_search_that_learned_are_evaluated(project):
    known, searched = searches(project, "clustered")
    threshold = nineteenth(np.stack(known["scores"]), known["label"])
    classes, scores = left(project, "clustered"), searched.set_index("image")["scores"]
    assert classes == {image: near(values, threshold) for image, values in scores.items()}
    # two groups, then some of six, each at two samples
    assert searched["evaluations"].between(2 * (2 + 1), 2 * (2 + 6)).all()
    found = pd.read_parquet(project / "results/predictions/clustered/shapes.parquet")
    found = found[found["loss"] == "l2"].set_index("image")["evaluations"]
    spent = searched.set_index("image")["evaluations"]  # then two prompts at two samples
    expected = {image: spent[image] + 2 * 2 * len(kept) for image, kept in classes.items()}
    assert found.to_dict() == expected


def test_the_classes_near_the_priors_best_stay(project):
    predictions = {
        name: pd.read_parquet(project / f"results/predictions/gaussians/{name}.parquet")
        for name in ("known", "shapes")
    }
    known = predictions["known"]
    threshold = nineteenth(np.stack(known["scores"]), known["label"])
    scores = predictions["shapes"].set_index("image")["scores"]
    assert left(project, "narrowed") == {i: near(s, threshold) for i, s in scores.items()}


def test_ceilings_are_the_shares_of_images_whose_class_survived(project):
    labels = pd.read_parquet(project / "results/data/shapes.parquet").set_index("image")["label"]
    ceilings = pd.read_csv(project / "results/tables/accuracy/ceilings.csv").set_index("method")
    for label, evaluation in (("Search", "searched"), ("Prior", "narrowed")):
        classes = left(project, evaluation)
        kept = np.mean([labels[image] in classes[image] for image in classes])
        assert ceilings["value"][label] == pytest.approx(100 * kept)
        assert ceilings["left"][label] == pytest.approx(np.mean([*map(len, classes.values())]))


def test_another_risk_searches_no_image_again(root, project):
    path = project / "tiny.yaml"
    text = path.read_text()
    path.write_text(text.replace("samples: 2, risk: 0.1", "samples: 2, risk: 0.2"))
    jobs = planned(project, "--snakefile", root / "Snakefile")
    path.write_text(text)
    assert jobs == {
        "pairs": 2, "errors": 2, "shard_predictions": 2, "concatenate_predictions": 1,
        "scores": 1, "table": 1, "explorer": 1,
    }  # fmt: skip
