"""config/compositional.yaml: it plans as it stands, and runs on tiny stand-ins of all it names."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from family_pipelines import sd3
from matching_hub_trees import HUB
from matching_trees import FOLDERS
from paper_standins import snapshot
from tiny_open_clip import VIT, save, siglip
from tiny_stable_diffusion import save_pipeline
from workflows import PARTS, run_config

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.operations.costs import estimate


def read(root):
    return yaml.safe_load((root / "config" / "compositional.yaml").read_text(encoding="utf-8"))


def test_it_plans_and_says_what_it_costs(root, tmp_path):
    path, config = root / "config" / "compositional.yaml", read(root)
    results = f"results={tmp_path / 'results'}"
    result = run_config(root, path, "-n", "--quiet", "rules", "--config", results)
    assert result.returncode == 0, result.stderr
    planned = result.stdout + result.stderr
    assert int(re.search(r"^matching_scores +(\d+)$", planned, re.MULTILINE)[1]) == 4
    named = {spec["benchmark"] for spec in config["datasets"].values()}
    check_config(config, root)  # which says where descriptions lie
    costs = {(cost.method, cost.dataset): cost for cost in estimate(config)}
    assert costs["sd-1-5", "sugarcrepe"].evaluations == 700 * 2 * 100
    assert costs["sd-3-5", "cola"].evaluations == 210 * 2 * 3 * 100  # two captions, and none
    assert costs["sd-2-0", "mmbias"].evaluations == 700 * 120 * 100
    shown = {name for table in config["tables"].values() for name in table["datasets"]}
    assert shown == set(config["datasets"])
    assert named == {*FOLDERS, *HUB} - {"aro-order"}  # which users make, or take from the hub


def stand_ins(folder, config):
    """All data sets and models that `config` names; the environment in which they are found."""
    cache = folder / "cache" / "hub"
    for spec in config["datasets"].values():
        name = spec["benchmark"]
        if "root" in spec:
            FOLDERS[name](folder / spec["root"])
        else:
            files = snapshot(cache, spec["dataset"], spec["revision"], "datasets")
            HUB[name](files / "default" / "test" / "0000.parquet")
    save_pipeline(folder / "scratch", 1, "epsilon")
    for name, spec in config["models"].items():
        files = snapshot(cache, spec["weights"]["hub"], spec["weights"]["revision"])
        if spec["family"] == "stable-diffusion":
            shutil.copytree(folder / "scratch", files, dirs_exist_ok=True)
        elif spec["family"] == "stable-diffusion-3":
            sd3(files)
        elif name == "siglip":
            siglip(files)
        else:
            shape = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}
            save(files, VIT, shape)
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HOME": str(folder / "home")}
    return {"HF_HOME": str(folder / "cache"), "HF_HUB_CACHE": str(cache), **offline}


def shrunk(config, tables):
    """`config` for the stand-ins, with these `tables`: sizes, schedules and limits change alone."""
    config |= {"results": "results", "compute": {"device": "cpu"}, "tables": tables}
    for spec in config["datasets"].values():
        spec.pop("limit", None)
    for spec in config["models"].values():
        spec["preprocess"] |= {"size": 16}
        if "latent_shape" in spec:
            spec["latent_shape"] = [4, 8, 8]
    for spec in config["evaluations"].values():
        spec |= {"stages": {"samples": [2], "keep": [1], "loss": "l2"}, "batch_size": 16}
        spec["dtype"] = "float32"
    return config


def rehearse(root, folder, tables):
    for part in (*PARTS, "resources/benchmarks"):
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy
        (folder / part).parent.mkdir(exist_ok=True)
        copy(root / part, folder / part)
    config = shrunk(read(root), tables)
    asked = {name for table in tables.values() for name in table["datasets"]}
    config["datasets"] = {name: config["datasets"][name] for name in asked}
    config["prompts"] = {name: config["prompts"][name] for name in asked}
    environment = stand_ins(folder, config)
    (folder / "shrunk.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    result = run_config(folder, "shrunk.yaml", "--cores", "2", **environment)
    logs = [path.read_text() for path in (folder / "results/logs").rglob("*.log")]
    failed = [text for text in logs if "Error" in text or ": found" in text]
    assert result.returncode == 0, "\n".join([result.stderr[-3000:], *failed])
    return config


def check_table(folder, name, spec, config):
    labels = [config["evaluations"][m]["label"] for m in spec["methods"] if m != "chance"
              and m in config["evaluations"]]  # fmt: skip
    labels += [config["baselines"][m]["label"] for m in spec["methods"] if m in config["baselines"]]
    rows = pd.read_csv(folder / f"results/tables/{name}/table.csv")
    effects = folder / f"results/tables/{name}/effects.csv"
    scored = rows["dataset"].str.split("/").str[0]  # also of no rows
    if effects.exists():
        found = pd.read_csv(effects)
        scored = pd.concat([scored, found["dataset"]])
        assert (found["low"] <= found["high"]).all()
    assert set(scored) == set(spec["datasets"])
    shown = {label.partition(" [")[0] for label in rows["method"]}
    assert shown == set(labels) or rows.empty
    assert rows["value"].between(0, 100).all()


def test_each_form_of_items_runs_on_stand_ins(root, tmp_path):
    table = {"kind": "matching", "loss": "l2", "methods": ["sd-3-medium", "siglip", "chance"]}
    tables = {"forms": table | {"datasets": ["vismin", "whatsup", "flickr30k", "gender-bias"]}}
    config = rehearse(root, tmp_path, tables)
    check_table(tmp_path, "forms", tables["forms"], config)
    rows = pd.read_csv(tmp_path / "results/tables/forms/table.csv")
    metrics = rows.groupby(rows["dataset"].str.partition("/")[0])["metric"].agg(set)
    assert metrics["vismin"] == {
        "text_score", "image_score", "group_score", "calibrated_image_score",
    }  # fmt: skip
    assert metrics["whatsup"] == {
        "text_score", "calibrated_text_score", "pair_score", "set_score",
    }  # fmt: skip
    assert metrics["flickr30k"] == {"text_score", "image_score", "calibrated_image_score"}


def one_of_each_family(config):
    """The tables of `config` with the first model of each family; `self-bench` keeps all models."""
    first = {}
    for name, spec in config["evaluations"].items():
        first.setdefault(config["models"][spec["model"]]["family"], name)
    others = set(config["evaluations"]) - set(first.values())
    return {
        name: spec | {"methods": [m for m in spec["methods"] if m not in others]}
        if name != "self-bench"
        else spec
        for name, spec in config["tables"].items()
    }


@pytest.mark.slow
def test_all_of_it_runs_on_stand_ins(root, tmp_path):
    """Every benchmark with a model of each family, and one of them with every model."""
    tables = one_of_each_family(read(root))
    assert {len(spec["methods"]) for spec in tables.values()} == {2 + 4, 5 + 4}
    config = rehearse(root, tmp_path, tables)
    for name, spec in tables.items():
        check_table(tmp_path, name, spec, config)
