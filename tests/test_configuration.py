"""A config is right, or one line says where it is not, what was found and what to do."""

import os

import pytest
import yaml
from bad_configs import BAD, DELETE, SCENES
from refusals import refused_config
from snakemake.utils import update_config

from diffusion_classifier.config import configuration
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import method_names, split_seed
from diffusion_classifier.config.schema import read_schema


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    """A good config, to be spoiled."""
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load((root / "tests" / "digits.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def scenes(root, tmp_path, monkeypatch):
    """A good config of text-to-image models, to be spoiled."""
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load((root / "tests" / "tiny_scenes.yaml").read_text(encoding="utf-8"))


def change(config, path, value):
    *parents, last = path.split("/")
    for key in parents:
        config = config[key]
    if value is DELETE:
        del config[last]
    else:
        config[last] = value


@pytest.mark.parametrize("path", ["config.yaml", "tests/tiny.yaml", "tests/tiny_scenes.yaml"])
def test_the_configs_that_come_with_the_project_pass(root, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    check_config(yaml.safe_load((root / path).read_text(encoding="utf-8")), root)
    assert list(tmp_path.iterdir()) == []  # checking writes nothing


@pytest.mark.parametrize("name", ["adversarial", "seeds", "steps", "train"])
def test_what_adds_to_the_default_passes_with_it(root, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    added = yaml.safe_load((root / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    update_config(config, added)
    check_config(config, root)


def write_prompts(path, rows):
    lines = ["prompt,classname,classidx", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")


FOLDER = {"label": "Mine", "source": "folder", "path": "mine", "prompts": "digits"}
GOOD = {
    "a prompts file": ("prompts/digits", {"file": "prompts.csv"}),
    "no baselines": ("tables/robustness/methods", ["digits"]),
    "a folder of weights": ("models/digits-dit/weights", "my-model"),
    "a device": ("compute/device", "cuda:1"),
    "trials": ("evaluations/digits/stages/trials", 5),
    "best of the prompts": ("evaluations/digits/combine", "best"),
    "results elsewhere": ("results", "a/new/folder"),
    "a pool of unknown size": ("datasets/mnist-pool", FOLDER),
    "a whole number for a number": ("datasets/mnist-noise/shift/sigma", 1),
    "all images": ("datasets/uci-digits/limit", 1797),
    "shipped weights": ("models/digits-dit/weights", "shipped"),
}


def test_the_base_passes(config, root):
    check_config(config, root)


@pytest.mark.parametrize("path,value", GOOD.values(), ids=GOOD)
def test_good_changes_pass(config, root, tmp_path, path, value):
    write_prompts(tmp_path / "prompts.csv", [(f"a {digit}", digit, digit) for digit in range(10)])
    (tmp_path / "my-model").symlink_to(root / "resources" / "models" / "digits-dit")
    for digit in range(10):
        (tmp_path / "mine" / str(digit)).mkdir(parents=True)
        (tmp_path / "mine" / str(digit) / "a.png").touch()
    change(config, path, value)
    check_config(config, root)


@pytest.mark.parametrize("path,value,output", BAD.values(), ids=BAD)
def test_bad_changes_are_refused(config, root, path, value, output):
    change(config, path, value)
    message = refused_config(config, root)
    for words in output:
        assert words in message


GOOD_SCENES = {
    "a prompts file": ("prompts/shapes", {"file": "prompts.csv"}),
    "no unconditional prompt": ("prompts/winoground", {"captions": "winoground"}),
    "the original Winoground": (
        "datasets/winoground",
        {"label": "W", "source": "winoground", "file": "w.parquet", "limit": 9**9}
        | {"prompts": "winoground"},
    ),
    "shifted scenes": ("datasets/shapes/shift", {"kind": "noise", "sigma": 0.1}),
    "another sample": ("datasets/shapes-synthetic/seed", 1),
    "shortened prompts": ("models/sd/truncate_prompts", True),
    "a probe's parameters": ("baselines/features/params", {"C": 0.1}),
    "one table": ("tables/winoground", DELETE),
    "no tables": ("tables", {}),
    "no examples": ("tables/winoground/examples", DELETE),
}


@pytest.mark.parametrize("path,value", GOOD_SCENES.values(), ids=GOOD_SCENES)
def test_good_changes_of_scenes_pass(scenes, root, tmp_path, path, value):
    write_prompts(tmp_path / "prompts.csv", [(f"a {n}", f"shape {n}", n) for n in range(6)])
    (tmp_path / "w.parquet").touch()
    change(scenes, path, value)
    check_config(scenes, root)


@pytest.mark.parametrize("path,value,output", SCENES.values(), ids=SCENES)
def test_bad_changes_of_scenes_are_refused(scenes, root, path, value, output):
    change(scenes, path, value)
    message = refused_config(scenes, root)
    for words in output:
        assert words in message


def test_a_class_conditional_model_has_no_prompts_to_draw(config, root):
    spec = {"label": "Drawn", "model": "digits-dit", "prompts": "digits"}
    config["datasets"]["drawn"] = spec | {"per_class": 1, "guidance": 1, "steps": 1}
    message = refused_config(config, root)
    for words in ("datasets.drawn.model: ", "text-to-image model `digits-dit`", "none is defined"):
        assert words in message


BAD_FILES = {
    "unknown class": ([(n, n, n) for n in range(11)], ["class index 10", "0 to 9", "`classidx`"]),
    "a class missing": ([(n, n, n) for n in range(9)], ["no prompt of class index 9", "add it"]),
    "an empty prompt": ([("", "0", 0)], ["line 2", "an empty prompt", "a text", "fill it in"]),
    "a prompt twice": ([("a", "0", 0)] * 2, ["line 3", "'a'", "class 0", "different", "change it"]),
}


@pytest.mark.parametrize("rows,output", BAD_FILES.values(), ids=BAD_FILES)
def test_bad_prompts_files_are_refused(config, root, tmp_path, rows, output):
    write_prompts(tmp_path / "prompts.csv", rows)
    config["prompts"]["digits"] = {"file": "prompts.csv"}
    message = refused_config(config, root)
    assert "prompts.csv" in message
    for words in output:
        assert words in message


def test_every_rule_of_the_schema_has_words(root):
    """A rule without would be answered by a traceback."""
    schema = read_schema(root / configuration.SCHEMA)
    types, rules = set(), set()

    def collect(part):
        if "type" in part:
            types.update([part["type"]] if isinstance(part["type"], str) else part["type"])
        rules.update(part)
        for key in ("properties", "$defs"):
            for inner in part.get(key, {}).values():
                collect(inner)
        for key in ("items", "additionalProperties", "propertyNames", "then"):
            if isinstance(part.get(key), dict):
                collect(part[key])
        for inner in part.get("allOf", []):
            collect(inner)

    collect(schema)
    assert types == set(configuration._TYPES)
    silent = {"$schema", "$defs", "$ref", "allOf", "if", "then", "properties", "propertyNames"}
    silent |= {"items", "description", "deprecated", "not", "format"}
    explained = {"type", "enum", "pattern", "required", "oneOf", "additionalProperties"}
    assert rules - silent - explained == set(configuration._LIMITS)


@pytest.mark.parametrize("document", ["", "just text", "- a\n- list"])
def test_what_is_no_mapping_is_refused(root, document):
    message = refused_config(yaml.safe_load(document), root)
    assert message.startswith("the config: found ")
    assert "expected a mapping of keys" in message


def test_an_empty_mapping_is_refused(root):
    message = refused_config({}, root)
    for words in ("the config: found none of its keys", "`results` is missing", "and `tables`"):
        assert words in message


def test_names_that_yaml_takes_for_numbers_are_refused(config, root):
    config["evaluations"][7] = config["evaluations"]["digits"]
    message = refused_config(config, root)
    for words in ("evaluations: ", "7", "letters, digits"):
        assert words in message


def test_training_needs_a_recipe_and_its_data(config, root):
    model = config["models"]["digits-dit"]
    model["training"]["data"] = "mnist-tran"
    message = refused_config(config, root)
    for words in ("models.digits-dit.training.data: ", "`mnist-tran`", "`mnist-train`?"):
        assert words in message
    del model["training"]
    message = refused_config(config, root)
    for words in ("models.digits-dit.weights: ", "`train`", "`training` is missing", "add"):
        assert words in message


@pytest.mark.parametrize("name", ["k-nearest", "resnet-8-seed1"])
def test_two_methods_of_one_name_are_refused(config, root, name):
    """A seed's name counts too: it is the folder of its predictions."""
    config["evaluations"][name] = config["evaluations"]["digits"]
    message = refused_config(config, root)
    for words in ("baselines: ", f"`{name}`", "different names", "rename one"):
        assert words in message


def test_a_baseline_named_like_anothers_seed_is_refused(config, root):
    config["baselines"]["resnet-8-seed0"] = config["baselines"]["k-nearest"]
    assert "`resnet-8-seed0`" in refused_config(config, root)


def test_the_first_mistake_that_is_named_is_the_shallowest(config, root):
    config["noise"]["size"] = "many"
    del config["models"]
    assert "`models` is missing" in refused_config(config, root)


def test_a_long_value_is_shortened(config, root):
    config["noise"]["size"] = "long " * 1000
    assert "..." in refused_config(config, root)


# --- the results folder


@pytest.mark.parametrize("results", ["taken", "taken/below", "taken/far/below"])
def test_results_must_not_be_a_file(config, root, tmp_path, results):
    (tmp_path / "taken").touch()
    config["results"] = results
    message = refused_config(config, root)
    for words in (f"results: found '{results}'", "'taken'", "is a file", "folder", "choose"):
        assert words in message


@pytest.mark.parametrize("results", ["locked", "locked/results"])
def test_results_must_be_writable(config, root, tmp_path, monkeypatch, results):
    (tmp_path / "locked").mkdir()
    access = os.access
    # root may write everywhere: the answer is the operating system's, so it is given here
    monkeypatch.setattr(
        os, "access", lambda path, mode: "locked" not in str(path) and access(path, mode)
    )
    config["results"] = results
    message = refused_config(config, root)
    for words in (f"results: found '{results}'", "cannot be written", "permissions", "choose"):
        assert words in message


# --- names of methods


def test_a_baseline_with_seeds_is_one_method_per_seed(config):
    names = method_names(config)
    assert names["diffusion"] == ["digits", "digits-exhaustive"]
    seeded = [f"resnet-{width}-seed{seed}" for width in (8, 16) for seed in (0, 1)]
    assert names["baseline"] == ["k-nearest", *seeded]
    assert split_seed(config, "resnet-16-seed1") == ("resnet-16", 1)
    assert split_seed(config, "k-nearest") == ("k-nearest", 0)


@pytest.mark.parametrize("name", ["my-images", "my-model", "paper"])
def test_shipped_configs_are_in_order(root, name, tmp_path):
    config = yaml.safe_load((root / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    configuration.check_config(config | {"results": str(tmp_path / "results")}, root)
