"""Any baseline that answers a data set's prompts may stand in any table, in one spelling."""

import copy
import json

import pytest
import yaml
from refusals import refused_config

from diffusion_classifier.baselines.registry import BASELINES, baseline
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import (
    classified_datasets,
    filter_network,
    method_kind,
    network_names,
)
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.compared_kinds import COMPARED_KINDS

LEARNED = [kind for kind in BASELINES if baseline(kind).learns]
KINDS = [*LEARNED, "pretrained", "clip", "chance"]
TABLES = {
    "robustness": {
        "kind": "robustness",
        "datasets": ["shapes", "sizes"],
        "methods": ["exhaustive"],
    },
    "accuracy": {"kind": "accuracy", "datasets": ["shapes", "sizes"], "methods": ["exhaustive"]},
}


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    """A config whose baselines are one of each kind, named like it, without tables."""
    monkeypatch.chdir(tmp_path)
    found = yaml.safe_load((root / "tests" / "tiny_scenes.yaml").read_text(encoding="utf-8"))
    network, probe = found["baselines"]["synthetic"], found["baselines"]["features"]
    for name, classes in (("shapes", 6), ("sizes", 2)):  # ImageNet's first, last class first
        rows = [f"a {n},class {n},{n},{classes - 1 - n}" for n in range(classes)]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["prompt,classname,classidx,condition", *rows]))
        found["prompts"][name] = {"file": str(path)}
    for name in ("config.json", "model.safetensors"):
        path = tmp_path / "weights" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    found["baselines"] = {
        "logistic_regression": learner("logistic_regression"),
        "k_nearest": learner("k_nearest"),
        "resnet": network | {"kind": "resnet"} | learner(),
        "vit": network | {"kind": "vit", "label": "ViT"} | learner(),
        "probe": probe,
        "gaussian": {
            "label": "Gaussians",
            "kind": "gaussian",
            "model": "sd",
            "tasks": learner()["tasks"],
        },
        "pretrained": {"label": "R", "kind": "pretrained", "weights": str(tmp_path / "weights")},
        "clip": {"label": "CLIP", "kind": "clip", "model": "clip"},
        "chance": {"label": "Chance", "kind": "chance", "seeds": [0, 1]},
    }
    return found | {"tables": {}}


def learner(kind=None):
    tasks = {name: {"train": f"{name}-train"} for name in ("shapes", "sizes")}
    spec = {"tasks": tasks, "params": {}, "preprocess": {"size": 8}}
    return spec | ({"kind": kind, "label": kind} if kind else {})


def asking(config, table, *methods):
    """`config` with a table that asks these methods as well."""
    own = copy.deepcopy(TABLES[table])
    own["methods"] += methods
    return config | {"tables": config["tables"] | {table: own}}


@pytest.mark.parametrize("kinds", [*([kind] for kind in KINDS), KINDS], ids=" ".join)
def test_every_kind_stands_in_both_tables(config, root, kinds):
    check_config(asking(asking(config, "robustness", *kinds), "accuracy", *kinds), root)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", LEARNED)
def test_a_task_that_is_missing_is_named(config, root, table, kind):
    del config["baselines"][kind]["tasks"]["sizes"]
    message = [
        f"baselines.{kind}.tasks: ",
        "found shapes",
        f"tables.{table}",
        "`sizes` (of the data",
    ]
    validation = ", validation: DATASET" if kind == "probe" else ""
    message.append(f"is missing; add `sizes: {{train: DATASET{validation}}}`")
    refused_config(asking(config, table, kind), root, *message)


@pytest.mark.parametrize("table", TABLES)
def test_a_pretrained_network_is_told_which_of_its_classes_are_meant(config, root, table):
    config["prompts"]["sizes"] = {"classes": ["small", "large"], "templates": ["a {}"]}
    asked = asking(config, table, "pretrained")
    message = [f"tables.{table}: ", "`pretrained`", "`sizes`", "2 classes", "1000", "`condition`"]
    refused_config(asked, root, *message)
    # a network of the user's own may have other classes, which its folder counts
    folder = config["baselines"]["pretrained"]["weights"]
    with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
        json.dump({"architecture": "resnet18", "num_classes": 2}, file)
    asked["tables"][table]["datasets"] = ["sizes", "more-sizes"]
    asked["datasets"]["more-sizes"] = asked["datasets"]["sizes"] | {"label": "More"}
    check_config(asked, root)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("clip", "chance")])
def test_only_what_reads_captions_answers_captions(config, root, kind):
    for spec in config["baselines"].values():
        if "tasks" in spec:
            spec["tasks"]["winoground"] = {"train": "captions", "validation": "captions"}
    config = asking(config, "accuracy", kind, "clip", "chance")
    config["tables"]["accuracy"]["datasets"] = ["winoground"]
    refused_config(
        config, root, "tables.accuracy: ", f"`{kind}`", "captions of their own", "clip or"
    )
    config["tables"]["accuracy"]["methods"].remove(kind)
    check_config(config, root)


# --- the old spelling


@pytest.mark.parametrize("kind", LEARNED)
def test_what_to_write_instead_of_train_is_said(config, root, kind):
    spec = config["baselines"][kind]
    del spec["tasks"]
    spec["train"] = "shapes-train"
    validation = ", validation: DATASET" if kind == "probe" else ""
    sets = f"{{train: shapes-train{validation}}}"
    start = f"baselines.{kind}.train: found 'shapes-train'"
    config["datasets"]["shapes-train"]["prompts"] = "shapes"
    refused_config(config, root, start, f"write `tasks: {{shapes: {sets}}}` instead")
    asked = asking(config, "robustness", kind)
    refused_config(asked, root, start, f"`tasks: {{shapes: {sets}, sizes: {sets}}}`")
    del config["datasets"]["shapes-train"]["prompts"]
    refused_config(config, root, start, f"`tasks: {{PROMPTS: {sets}}}`")


@pytest.mark.parametrize("kind", KINDS)
def test_train_beside_what_replaces_it_is_to_be_removed(config, root, kind):
    config["baselines"][kind]["train"] = "shapes-train"
    instead = "only `tasks`" if kind in LEARNED else f"no such key of kind {kind}"
    refused_config(config, root, f"baselines.{kind}.train: ", instead, "remove")


def test_the_old_spelling_is_not_offered(config, root):
    config["baselines"]["resnet"]["trian"] = "shapes-train"
    with pytest.raises(InputError) as error:
        check_config(config, root)
    assert "unknown key `trian`" in str(error.value) and "`train`" not in str(error.value)


# --- what is computed


def test_a_baseline_classifies_all_that_tables_and_priors_ask(config, root):
    config = asking(asking(config, "robustness", "clip"), "accuracy", "resnet", "chance")
    config["tables"]["robustness"]["datasets"] = ["sizes", "other-shapes"]
    config["datasets"]["other-shapes"] = config["datasets"]["shapes"] | {"label": "Others"}
    staged = config["evaluations"]["staged"]
    config["evaluations"]["first"] = staged | {
        "label": "1",
        "prior": {"method": "k_nearest", "keep": 3},
    }
    config["evaluations"]["staged"]["prior"] = {"method": "chance-seed1", "keep": 3}
    config["tables"]["accuracy"]["methods"] += ["first"]
    config["tables"]["robustness"]["methods"] += ["staged"]
    check_config(config, root)
    found = {name: set(classified_datasets(config, name)) for name in [*KINDS[:-1], "chance-seed1"]}
    assert {name for name, asked in found.items() if not asked} == {
        "logistic_regression", "vit", "probe", "gaussian", "pretrained",
    }  # fmt: skip
    assert found["clip"] == {"sizes", "other-shapes"}
    assert found["resnet"] == found["k_nearest"] == {"shapes", "sizes"}
    assert found["chance-seed1"] == {"shapes", "sizes", "other-shapes"}
    assert classified_datasets(config, "chance-seed0") == ["shapes", "sizes"]


def test_a_filter_is_the_network_of_the_prompts(config):
    assert network_names(config) == ["resnet/shapes", "resnet/sizes", "vit/shapes", "vit/sizes"]
    config["datasets"]["hard"] = {"pool": "shapes", "wrong_by": "vit"}
    assert filter_network(config, "hard") == "vit/shapes"
    config["datasets"]["hard"]["prompts"] = "sizes"
    assert filter_network(config, "hard") == "vit/sizes"


def test_the_line_is_of_what_was_trained_on_labelled_images_alone(config):
    kinds = {name: method_kind(config, name) for name in [*KINDS[:-1], "chance-seed0", "staged"]}
    on_line = {"logistic_regression", "k_nearest", "resnet", "vit", "pretrained"}
    assert {name for name, kind in kinds.items() if kind == "baseline"} == on_line
    compared = {name for name, kind in kinds.items() if kind in COMPARED_KINDS}
    assert compared == on_line | {"probe", "gaussian", "clip"}
    assert (kinds["chance-seed0"], kinds["staged"]) == ("chance", "diffusion")
    config["baselines"]["resnet"]["tasks"]["shapes"] = {"train": "shapes-synthetic"}
    assert method_kind(config, "resnet") == kinds["clip"] == "more-data"
