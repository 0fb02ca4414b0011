"""Where the paths of a config lead: home, the working directory, or beside the workflow."""

import os
import shutil

import nbformat
import pytest
import yaml

from diffusion_classifier.config.configuration import SCHEMA, check_config
from diffusion_classifier.config.places import INPUTS, find_path, resolve_paths
from diffusion_classifier.config.schema import read_schema
from diffusion_classifier.messages import InputError
from diffusion_classifier.tables.notebook_pages import without_place

EMPTY = {"results": "results"} | {section: {} for section in INPUTS}
KEYS = [(section, key) for section, keys in INPUTS.items() for key in keys]


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """A working directory and a workflow's folder beside it, which is returned."""
    (tmp_path / "here").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    workflow = tmp_path / "project"
    (workflow / "shipped").mkdir(parents=True)
    return workflow


def entry(section, key, value):
    """A config in which one key of one entry is a path, and how to read it again."""
    *parents, last = key.split(".")
    spec = inner = {}
    for parent in parents:
        inner[parent] = inner = {}
    inner[last] = value
    return EMPTY | {section: {"a": spec}}, lambda: inner[last]


@pytest.mark.parametrize("section,key", KEYS)
def test_every_input_may_lie_at_home(apart, tmp_path, section, key):
    config, value = entry(section, key, "~/mine")
    resolve_paths(config, apart)
    assert value() == str(tmp_path / "home" / "mine")


@pytest.mark.parametrize(
    "section,key", [pair for pair in KEYS if pair[1] not in ("metadata", "benchmark")]
)
def test_what_is_shipped_is_found_beside_the_workflow(apart, section, key):
    config, value = entry(section, key, "shipped")
    if key == "weights":
        config, value = entry(section, key, "shipped/")  # `shipped` alone is a word
    resolve_paths(config, apart)
    assert value() == "../project/shipped"
    os.mkdir("shipped")  # what lies where the workflow runs comes first
    config, value = entry(section, key, "shipped/")
    resolve_paths(config, apart)
    assert value() == "shipped/"


def test_a_benchmark_is_a_file_or_the_name_of_a_shipped_description(apart):
    shipped = apart / "resources" / "benchmarks" / "mine.yaml"
    shipped.parent.mkdir(parents=True)
    shipped.touch()
    for written, meant in {
        "mine": "../project/resources/benchmarks/mine.yaml",
        "other/mine": "other/mine",
        "mine.yaml": "mine.yaml",
    }.items():
        config, value = entry("datasets", "benchmark", written)
        resolve_paths(config, apart)
        assert value() == meant


@pytest.mark.parametrize("path", ["nowhere", "a/{b}", "https://host/x.parquet", "/no/such", ""])
def test_what_leads_nowhere_stays_as_it_is(apart, path):
    assert find_path(path, apart) == path


def test_patterns_lead_somewhere(apart):
    (apart / "shipped" / "a.parquet").touch()
    assert find_path("shipped/*.parquet", apart) == "../project/shipped/*.parquet"


@pytest.mark.parametrize("word", ["shipped", "train"])
def test_words_for_weights_are_no_paths(apart, word):
    (apart / word).mkdir(exist_ok=True)
    config, value = entry("models", "weights", word)
    resolve_paths(config, apart)
    assert value() == word


@pytest.mark.parametrize("results,leads", [("results/", "results"), ("./a//b", "a/b")])
def test_results_are_below_the_working_directory(apart, results, leads):
    (apart / leads).mkdir(parents=True)
    config = EMPTY | {"results": results}
    resolve_paths(config, apart)
    assert config["results"] == leads


def test_results_may_lie_at_home(apart, tmp_path):
    config = EMPTY | {"results": "~/results"}
    resolve_paths(config, apart)
    assert config["results"] == str(tmp_path / "home" / "results")


def test_the_home_of_nobody_is_said(apart):
    with pytest.raises(InputError, match=r"datasets.a.path: .*'~nobody-there/x'.*no home folder"):
        resolve_paths(entry("datasets", "path", "~nobody-there/x")[0], apart)


@pytest.mark.parametrize("name", ["my-images", "my-model", "paper"])
def test_shipped_configs_are_in_order_elsewhere(root, apart, name):
    config = yaml.safe_load((root / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    check_config(config, root)
    assert os.listdir() == []


# --- folders that results may not share


def images(folder):
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "0.png").touch()


@pytest.mark.parametrize(
    "results,path,how",
    [
        ("photos", "photos", "is"),
        ("photos/results", "photos", "lies in"),
        ("out", "out/photos", "is around"),
    ],
)
def test_results_lie_apart_from_images(root, apart, results, path, how):
    images(apart.parent / "here" / path)
    config = yaml.safe_load((root / "config/my-images.yaml").read_text(encoding="utf-8"))
    config["results"], config["datasets"]["mine"]["path"] = results, path
    with pytest.raises(InputError, match=rf"results: .*'{results}', which {how} the folder"):
        check_config(config, root)


def test_results_lie_apart_from_weights_but_for_a_runs_own(root, apart):
    config = yaml.safe_load((root / "config/my-images.yaml").read_text(encoding="utf-8"))
    weights = apart.parent / "here" / "out" / "models" / "own"
    weights.parent.mkdir(parents=True)
    weights.symlink_to(root / "resources/models/scenes-sd")
    config["models"]["my-model"]["weights"] = "out/models/own"
    check_config(config | {"results": "out"}, root)
    weights.unlink()
    shutil.copytree(root / "resources/models/scenes-sd", weights)
    with pytest.raises(InputError, match=r"results: .*models.my-model.weights names"):
        check_config(config | {"results": "out/models/own/results"}, root)


# --- what tells where the project lies


def test_a_notebook_does_not_tell_where_it_ran(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    cell = nbformat.v4.new_code_cell(
        'library = "../../home/me/project/library"\nscores = "/home/somebody/results/a"'
    )
    cell.outputs = [nbformat.v4.new_output("display_data", {"image/png": "/home/somebody"})]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["papermill"] = {"parameters": {"library": "../../home/me/project/library"}}
    clean = without_place(notebook, "../../home/me/project")
    assert clean.cells[0].source == 'library = "library"\nscores = "~/results/a"'
    assert clean.metadata.papermill.parameters.library == "library"
    assert clean.cells[0].outputs[0].data["image/png"] == "/home/somebody"  # a picture is kept


@pytest.mark.parametrize("place", [".", "..", "../.."])
def test_a_project_above_tells_nothing(place):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('a = "../../x/./y"')])
    assert without_place(notebook, place).cells[0].source == 'a = "../../x/./y"'


# --- plain `snakemake`


def test_plain_snakemake_has_cores(root):
    profile = yaml.safe_load((root / "profiles/default/config.yaml").read_text(encoding="utf-8"))
    assert profile["cores"] == "all"


# --- every number has a bound

COUNTED = {  # compared with what there is, by size_checks, count_checks and schedules
    *("noise.size", "preprocess.size", "latent_shape", "batch_size"),
    *("samples", "keep", "trials", "grid", "minimum"),
    *("limit", "skip", "indices", "copies", "per_class", "shards", "class_parts"),
}


def numbers(part, path=()):
    """Path and rule of every number in a schema."""
    kinds = part.get("type", ())
    if {"integer", "number"} & set([kinds] if isinstance(kinds, str) else kinds):
        yield path, part
    for key, inner in part.items():
        if isinstance(inner, dict):
            plain = key in ("properties", "$defs", "items", "additionalProperties", "if", "then")
            yield from numbers(inner, path if plain else (*path, key))
        elif isinstance(inner, list):
            for each in inner:
                if isinstance(each, dict):
                    yield from numbers(each, path)


def test_every_number_has_a_bound(root):
    schemas = [read_schema(root / path) for path in (SCHEMA, "benchmarks/schema.yaml")]
    every = [found for schema in schemas for found in numbers(schema)]
    assert len(every) > 60
    for path, rule in every:
        known = {".".join(path[-2:]), path[-1]} & COUNTED
        assert known or {"maximum", "exclusiveMaximum"} & set(rule), path
