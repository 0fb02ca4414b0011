"""The user's files with names that Snakemake could misread are read and watched."""

import json
import os
import shutil

import pandas as pd
import pytest
import yaml
from awkward_names import picture
from workflows import PARTS, planned, snakemake


@pytest.fixture
def project(root, tmp_path):
    """A copy of the project whose config names files with braces and other oddities only."""
    for part in PARTS:
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy
        copy(root / part, tmp_path / part)
    given = tmp_path / "my 'own' {files} <x> $HOME %s"
    for name in ("it's {c}, b", "plain"):
        picture(given / "photos" / name / "IMG{1}.png")
    picture(given / "photos" / "plain" / "2.png")
    os.symlink(root / "resources" / "models" / "scenes-sd", given / "sd {2}")
    shutil.copy(root / "resources" / "models" / "scenes-sd" / "vae" / "config.json", given / "{l}")
    (given / "prompts {x}.csv").write_text('prompt,classname,classidx\na,"it\'s {c}, b",0\nb,b,1\n')
    (given / "published.csv").write_text("table,method,dataset,metric,value\naccuracy,m,d,top1,5\n")
    (given / "groups.csv").write_text("classidx,group\n0,0\n1,1\n")
    config = yaml.safe_load((root / "config" / "my-images.yaml").read_text())
    config["results"] = "results"
    config["prompts"] = {
        "mine": {"file": f"{given.name}/prompts {{x}}.csv"},
        "kinds": {"classes": ["a", "b"], "templates": ["{}"]},
    }
    config["prompts"]["mine"]["groups"] = {"prompts": "kinds", "of": f"{given.name}/groups.csv"}
    config["datasets"]["mine"] |= {"path": f"{given.name}/photos", "published": "d"}
    weights = {"weights": f"{given.name}/sd {{2}}", "lora": {"weights": f"{given.name}/{{l}}"}}
    config["models"]["my-model"] |= weights
    config["evaluations"]["my-evaluation"] |= {
        "published": "m",
        "hierarchy": {"samples": 2, "keep": 1},
        "stages": {"samples": [4], "keep": [1], "loss": "l2"},
    }
    config["tables"]["accuracy"]["published"] = f"{given.name}/published.csv"
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    return tmp_path


def test_files_with_braces_in_their_names_are_read_and_followed(project):
    assert (
        planned(project)["given"] == 6
    )  # images, prompts, groups, weights, LoRA, published numbers
    data = "results/data/mine.parquet"
    result = snakemake(project, "--cores", "1", data)
    assert result.returncode == 0, result.stdout + result.stderr
    table = pd.read_parquet(project / data)
    assert table["classname"].tolist() == ["it's {c}, b", "plain", "plain"]
    assert json.loads((project / "results/given/datasets/mine.json").read_text())["files"] == 3
    # another image is seen, though Snakemake does not know of its file
    picture(project / "my 'own' {files} <x> $HOME %s" / "photos" / "plain" / "IMG{1}.png", 255)
    assert planned(project, data) == {"given": 1, "dataset": 1}


def test_a_working_directory_with_a_brace_is_refused_in_one_line(root, tmp_path):
    folder = tmp_path / "my {1}"
    folder.mkdir()
    shutil.copy(root / "config" / "my-images.yaml", folder / "tiny.yaml")
    result = snakemake(folder, "--dry-run", "--cores", "1", "--snakefile", str(root / "Snakefile"))
    assert result.returncode != 0 and "Traceback" not in result.stderr
    assert "found a brace in this path" in result.stderr.splitlines()[-1]
