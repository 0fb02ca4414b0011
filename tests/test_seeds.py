"""Several trainings of a model are one entry of the config, and a method for each of them."""

import json
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from diffusion_classifier.benchmarks.benchmark_config import checked_benchmark
from diffusion_classifier.config.checks.baseline_checks import check_network
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import method_group, method_names
from diffusion_classifier.config.seeds import network_seeds, shipped_seeds
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.costs import estimate


@pytest.fixture
def config(root, tmp_path):
    """The default config, with results of its own."""
    read = yaml.safe_load((root / "config.yaml").read_text())
    return read | {"results": str(tmp_path / "results")}


def test_every_seed_of_a_model_becomes_a_method_of_its_own(config, root):
    update_config(config, {"models": {"digits-dit": {"weights": "train", "seeds": [4, 2]}}})
    check_config(config, root)
    seeds = [("digits-seed4", "digits-dit-seed4", 4), ("digits-seed2", "digits-dit-seed2", 2)]
    for name, model, seed in seeds:
        assert config["evaluations"][name]["model"] == model
        assert config["models"][model]["training"]["optimisation"]["seed"] == seed
        assert method_group(config, name) == "digits"
    assert not {"digits", "digits-exhaustive"} & set(config["evaluations"])
    table = config["tables"]["robustness"]
    assert table["methods"][:3] == ["digits-seed4", "digits-seed2", "logistic-regression"]
    assert table["curves"]["evaluation"] == "digits-exhaustive-seed4"


def test_what_can_use_one_model_only_gets_the_first_training(config, root):
    trained = {"weights": "train", "seeds": [1, 2]}
    names = ("scenes-sd", "scenes-text", "scenes-clip")
    update_config(config, {"models": dict.fromkeys(names, trained)})
    config["evaluations"]["scenes"]["prior"] = {"method": "clip", "keep": 2}
    config["evaluations"]["scenes"]["label"] = "with a prior"
    check_config(config, root)
    assert config["datasets"]["shapes-synthetic"]["model"] == "scenes-sd-seed1"
    for seed in (1, 2):
        training = config["models"][f"scenes-sd-seed{seed}"]["training"]
        assert training["text_encoder"] == "scenes-text-seed1"
        assert training["vae_optimisation"]["seed"] == training["optimisation"]["seed"] == seed
        assert config["baselines"][f"clip-seed{seed}"]["model"] == f"scenes-clip-seed{seed}"
        assert config["baselines"][f"sd-features-seed{seed}"]["model"] == f"scenes-sd-seed{seed}"
        assert config["evaluations"][f"scenes-seed{seed}"]["prior"]["method"] == "clip-seed1"
        assert f"clip-seed{seed}" in config["tables"]["winoground"]["methods"]
    assert method_group(config, "clip-seed2") == "clip"
    assert {"clip-seed1", "clip-seed2"} <= set(method_names(config)["baseline"])


def test_a_method_called_as_a_model_with_seeds_stays_what_it_is(config, root):
    update_config(config, {"models": {"scenes-sd": {"weights": "train", "seeds": [1, 2]}}})
    config["baselines"]["scenes-sd"] = {"label": "Guess", "kind": "chance"}
    config["tables"]["accuracy"]["methods"].append("scenes-sd")
    check_config(config, root)
    assert config["tables"]["accuracy"]["methods"][-1] == "scenes-sd"
    assert "scenes-sd" in config["baselines"] and "scenes-sd" not in config["models"]


@pytest.mark.parametrize(
    ("section", "taken", "like"),
    [("models", "digits-dit-seed2", "digits-dit"), ("evaluations", "digits-seed2", "digits")],
)
def test_a_name_that_a_training_has_too_is_refused(config, root, section, taken, like):
    config[section][taken] = config[section][like] | {"label": "Mine"}
    if section == "models":
        config[section][taken]["weights"] = "train"
    update_config(config, {"models": {"digits-dit": {"weights": "train", "seeds": [1, 2]}}})
    with pytest.raises(InputError, match=f"^{section}: found the name `{taken}`.*rename"):
        check_config(config, root)


def test_a_dry_run_does_not_count_what_shipped_networks_learned_from(config, root, monkeypatch):
    monkeypatch.chdir(root)
    assert sampled(config) == {"shapes-drawn"}  # for Self-Bench
    config["baselines"]["synthetic"]["weights"] = "train"
    assert sampled(config) > {"shapes-drawn", "shapes-synthetic"}


def sampled(config):
    """The data sets that a model draws."""
    return {cost.dataset for cost in estimate(config) if cost.method == "scenes-sd (sampling)"}


def test_the_benchmarks_take_the_first_training(config, root):
    update_config(config, yaml.safe_load((root / "config" / "benchmark.yaml").read_text()))
    update_config(config, {"models": {"digits-dit": {"weights": "train", "seeds": [3, 4]}}})
    spec = config.pop("benchmark")
    check_config(config, root)
    spec = checked_benchmark(spec, config)
    assert spec["shard"]["evaluation"].endswith("-seed3")
    assert "digits-paper-seed3" in spec["policies"]["mnist-shard"].values()
    assert "digits-ttest" in spec["policies"]["mnist-shard"].values()
    assert spec["ttest"]["digits-ttest"]["evaluation"].endswith("-seed3")


def test_a_shipped_training_is_the_folder_of_its_seed(config, root):
    config["models"]["digits-dit"]["seeds"] = [0]
    check_config(config, root)
    folder = Path(config["models"]["digits-dit-seed0"]["weights"])
    assert folder.resolve() == root / "resources" / "models" / "digits-dit"


def test_the_shipped_seeds_are_those_of_the_folders(tmp_path):
    models = tmp_path / "resources" / "models"
    for name in ("dit", "dit-seed12", "dit-seed2", "dit-seed", "dit-large-seed5", "dit-large"):
        (models / name).mkdir(parents=True)
    assert shipped_seeds(tmp_path, "dit") == [0, 2, 12]
    assert shipped_seeds(tmp_path, "clip") == []
    (models / "resnet" / "seed3" / "digits").mkdir(parents=True)
    assert network_seeds(tmp_path, "resnet") == [3]


@pytest.fixture
def shipped(config, tmp_path):
    """A project that ships one training of the default's ResNet-8: its folder and config."""
    config["baselines"]["resnet-8"] |= {"weights": "shipped", "seeds": [3]}
    folder = tmp_path / "resources" / "models" / "resnet-8" / "seed3" / "digits"
    folder.mkdir(parents=True)
    record = {
        "recipe": config["baselines"]["resnet-8"],
        "data": {"source": "mnist", "split": "train"},
    }
    (folder / "training.json").write_text(json.dumps(record))
    return tmp_path, config


def test_a_shipped_network_is_what_its_entry_says(shipped):
    project, config = shipped
    check_network(config, "resnet-8", project)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [3, 4]}, ["resnet-8.seeds: found 4", "(3)", "`weights: train`"]),
        ({"params": {"width": 9}}, ["resnet-8.params: ", "{'width': 9}", "{'width': 8}"]),
        ({"augmentation": {}}, ["resnet-8.augmentation: ", "found {}", "`weights: train`"]),
        ({"preprocess": {"size": 32}}, ["resnet-8.preprocess: ", "32", "28"]),
        (
            {"tasks": {"digits": {"train": "mnist"}}},
            ["resnet-8.tasks.digits.train: ", "`mnist`", "trained on", "'split': 'train'"],
        ),
        ({"tasks": {"letters": {}}}, ["resnet-8.tasks: ", "`letters`", "remove it"]),
    ],
)
def test_an_entry_that_says_otherwise_is_refused(shipped, change, message):
    project, config = shipped
    config["baselines"]["resnet-8"] |= change
    with pytest.raises(InputError) as error:
        check_network(config, "resnet-8", project)
    for part in message:
        assert part in str(error.value)


def test_every_shipped_network_of_the_default_was_trained_as_it_says(config, root):
    names = [name for name, spec in config["baselines"].items() if spec.get("weights") == "shipped"]
    assert len(names) == 6
    for name in names:
        assert len(config["baselines"][name]["seeds"]) >= 5
        check_network(config, name, root)
