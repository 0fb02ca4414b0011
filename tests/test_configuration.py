"""A config is right, or one line says where it is not, what was found and what to do."""

import os

import pytest
import yaml

from diffusion_classifier.configuration import check_config
from diffusion_classifier.consistency import method_names, split_seed
from diffusion_classifier.messages import InputError

DELETE = object()
BASE = """
results: results
compute: {device: auto}
noise: {seed: 0, size: 250}
prompts:
  digits:
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    templates: ["a photo of the number: '{}'."]
datasets:
  mnist-train: {label: MNIST (training), source: mnist, split: train, prompts: digits}
  mnist: {label: MNIST, source: mnist, split: test, limit: 500, prompts: digits}
  uci-digits: {label: UCI digits, source: uci-digits, limit: 500, prompts: digits}
  mnist-noise: {label: Noise, source: mnist, shift: {kind: noise, sigma: 0.25}, prompts: digits}
  mnist-pool:
    {label: Pool, source: mnist, split: test, copies: 10, shift: {kind: pose}, prompts: digits}
  mnist-adversarial:
    {label: Adversarial, pool: mnist-pool, wrong_by: resnet-16-seed0, limit: 9, prompts: digits}
models:
  digits-dit:
    label: DiT
    family: dit
    weights: train
    latent_shape: [1, 16, 16]
    preprocess: {mode: L, pad: 2, size: 16, interpolation: box}
    training:
      data: mnist-train
      architecture: {num_layers: 1}
      scheduler: {num_train_timesteps: 1000}
      optimisation: {steps: 40, batch_size: 32, learning_rate: 0.003, ema: 0.999}
      augmentation: {degrees: 6, oversample: 2}
      timestep_logit: [-0.2, 0.8]
evaluations:
  digits: {label: DiT, model: digits-dit, stages: {samples: [10, 50], keep: [4, 1], loss: l2}}
  digits-exhaustive:
    {label: All, model: digits-dit, stages: {samples: [25], keep: [1], loss: l2}}
baselines:
  k-nearest:
    label: k-NN
    kind: k_nearest
    train: mnist-train
    params: {}
    preprocess: &pixels {mode: L, size: 28}
  resnet-8: &resnet
    label: ResNet-8
    kind: resnet
    train: mnist-train
    seeds: [0, 1]
    params: {width: 8}
    preprocess: *pixels
    optimisation: {steps: 500, batch_size: 32, learning_rate: 0.003}
  resnet-16:
    <<: *resnet
    label: ResNet-16
    params: {width: 16}
tables:
  robustness:
    subtitle: what it is
    datasets: [mnist, uci-digits, mnist-noise, mnist-adversarial]
    methods: [digits, k-nearest, resnet-8, resnet-16]
    loss: l2
    curves: {evaluation: digits-exhaustive, dataset: mnist}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A good config, to be spoiled."""
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load(BASE)


def change(config, path, value):
    *parents, last = path.split("/")
    for key in parents:
        config = config[key]
    if value is DELETE:
        del config[last]
    else:
        config[last] = value


def refused(config, root):
    with pytest.raises(InputError) as error:
        check_config(config, root)
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize("path", ["config.yaml", "tests/tiny.yaml"])
def test_the_configs_that_come_with_the_project_pass(root, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    check_config(yaml.safe_load((root / path).read_text(encoding="utf-8")), root)
    assert list(tmp_path.iterdir()) == []  # checking writes nothing


GOOD = {
    "a prompts file": ("prompts/digits", {"file": "prompts.csv"}),
    "no baselines": ("tables/robustness/methods", ["digits"]),
    "a folder of weights": ("models/digits-dit/weights", "my-model"),
    "a device": ("compute/device", "cuda:1"),
    "trials": ("evaluations/digits/stages/trials", 5),
    "best of the prompts": ("evaluations/digits/combine", "best"),
    "results elsewhere": ("results", "a/new/folder"),
    "a whole number for a number": ("datasets/mnist-noise/shift/sigma", 1),
    "all images": ("datasets/uci-digits/limit", 1797),
    "shipped weights": ("models/digits-dit/weights", "shipped"),
}


def test_the_base_passes(config, root):
    check_config(config, root)


@pytest.mark.parametrize("path,value", GOOD.values(), ids=GOOD)
def test_good_changes_pass(config, root, tmp_path, path, value):
    (tmp_path / "prompts.csv").touch()
    (tmp_path / "my-model").mkdir()
    change(config, path, value)
    check_config(config, root)


# where, what is put there, what the message says: key, found, expected, remedy
STAGES = "evaluations/digits/stages"
TRAINING = "models/digits-dit/training"
BAD = {
    # keys
    "unknown key": ("resluts", "out", ["the config", "`resluts`", "did you mean `results`?"]),
    "unknown deep key": (
        f"{STAGES}/sampels",
        [5],
        ["evaluations.digits.stages", "`sampels`", "one of", "`keep`", "did you mean `samples`?"],
    ),
    "unlike any key": ("noise/qqq", 1, ["noise: ", "`qqq`", "`seed`, `size`", "remove it"]),
    "missing key": ("results", DELETE, ["the config", "`results` is missing", "add it"]),
    "missing deep key": (
        "evaluations/digits/model",
        DELETE,
        ["evaluations.digits: ", "keys `label`, `stages`", "`model` is missing", "add it"],
    ),
    "missing all keys": (
        "noise",
        {},
        ["noise: ", "none", "`seed` is missing", "`seed` and `size`"],
    ),
    "missing oversampling": (f"{TRAINING}/augmentation/oversample", DELETE, ["`oversample`"]),
    "network without budget": (
        "baselines/resnet-8/optimisation",
        DELETE,
        ["baselines.resnet-8: ", "`optimisation` is missing", "add it"],
    ),
    "neither of two ways": (
        "datasets/mnist/source",
        DELETE,
        ["datasets.mnist: ", "`limit`", "either `source`, or `pool`, `wrong_by` and `limit`"],
    ),
    "both ways": (
        "prompts/digits/file",
        "a.csv",
        [
            "prompts.digits: ",
            "found the keys `classes`, `templates`, `file`",
            "either `classes` and `templates`, or `file`",
            "not both",
            "remove",
        ],
    ),
    "no prompts at all": ("prompts/digits", {}, ["prompts.digits: ", "none of its keys", "either"]),
    # types and values
    "text for number": ("noise/size", "many", ["noise.size: ", "'many'", "a whole number"]),
    "scientific notation": (
        f"{TRAINING}/optimisation/learning_rate",
        "3e-3",
        ["learning_rate: ", "'3e-3'", "a number", "without quotes", "0.0003"],
    ),
    "fraction for whole": ("noise/size", 2.5, ["noise.size: ", "2.5", "a whole number"]),
    "float for whole": ("noise/size", 250.0, ["noise.size: ", "250.0", "a whole number"]),
    "truth for number": ("noise/seed", True, ["noise.seed: ", "True", "a whole number"]),
    "not a number": ("datasets/mnist-noise/shift/sigma", float("nan"), ["shift.sigma: ", "nan"]),
    "infinity": (f"{TRAINING}/optimisation/learning_rate", float("inf"), ["inf", "a number"]),
    "number for text": (
        "prompts/digits/classes",
        ["0", 1],
        ["prompts.digits.classes.1: ", "found 1", "a text", "in quotes"],
    ),
    "nothing for mapping": ("datasets", None, ["datasets: ", "None", "a mapping of keys"]),
    "list for mapping": ("noise", [0, 250], ["noise: ", "[0, 250]", "a mapping of keys"]),
    "one for list": (f"{STAGES}/samples", 25, ["stages.samples: ", "25", "a list", "correct"]),
    "empty list": (f"{STAGES}/samples", [], ["stages.samples: ", "[]", "a list of at least 1"]),
    "two numbers of three": (
        "models/digits-dit/latent_shape",
        [16, 16],
        ["models.digits-dit.latent_shape: ", "[16, 16]", "a list of at least 3"],
    ),
    "zero": (f"{STAGES}/samples", [0], ["stages.samples.0: ", "found 0", "at least 1"]),
    "no learning": (
        f"{TRAINING}/optimisation/learning_rate",
        0,
        ["learning_rate: ", "found 0", "more than 0"],
    ),
    "memory of one": (f"{TRAINING}/optimisation/ema", 1, ["ema: ", "found 1", "less than 1"]),
    "empty text": ("results", "", ["results: ", "''", "at least 1 character"]),
    "unknown device": ("compute/device", "gpu", ["compute.device: ", "'gpu'", "cuda:<number>"]),
    "twice the same": (
        "tables/robustness/methods",
        ["digits", "digits"],
        ["tables.robustness.methods: ", "'digits'", "nothing twice", "correct"],
    ),
    "a name with a space": (
        "models/my model",
        {},
        ["models: ", "the name 'my model'", "letters, digits", "rename"],
    ),
    # names of choices
    "unknown loss": (
        f"{STAGES}/loss",
        "l3",
        ["stages.loss: ", "'l3'", "`l1`, `l2`, `huber`, `vlb`, `l2+vlb`", "correct it"],
    ),
    "unknown family": (
        "models/digits-dit/family",
        "unet",
        ["models.digits-dit.family: ", "'unet'", "`dit`", "correct it"],
    ),
    "unknown combination": ("evaluations/digits/combine", "max", ["combine", "`mean`, `best`"]),
    "unknown source": ("datasets/mnist/source", "minst", ["'minst'", "did you mean `mnist`?"]),
    "unknown dtype": ("evaluations/digits/dtype", "float23", ["dtype", "did you mean `float32`?"]),
    "unknown prompts": (
        "datasets/mnist/prompts",
        "digit",
        ["datasets.mnist.prompts: ", "`digit`", "`digits`", "did you mean `digits`?"],
    ),
    "unknown model": (
        "evaluations/digits/model",
        "digit-dit",
        ["evaluations.digits.model: ", "unknown model `digit-dit`", "did you mean `digits-dit`?"],
    ),
    "unknown data set": (
        "tables/robustness/datasets",
        ["mnist", "cifar"],
        ["tables.robustness.datasets: ", "unknown data set `cifar`", "`uci-digits`", "add it"],
    ),
    "unknown method": (
        "tables/robustness/methods",
        ["digits", "resnet-9"],
        ["tables.robustness.methods: ", "`resnet-9`", "did you mean `resnet-"],
    ),
    "unknown training data": (
        "baselines/k-nearest/train",
        "mnist-trian",
        ["baselines.k-nearest.train: ", "`mnist-trian`", "did you mean `mnist-train`?"],
    ),
    "unknown curves": (
        "tables/robustness/curves/evaluation",
        "digits-exhausted",
        ["curves.evaluation: ", "did you mean `digits-exhaustive`?"],
    ),
    "curves of a pruned evaluation": (
        "tables/robustness/curves/evaluation",
        "digits",
        ["curves.evaluation: ", "`digits`", "2 stages", "a single stage", "choose another"],
    ),
    "wrong by what is no network": (
        "datasets/mnist-adversarial/wrong_by",
        "k-nearest",
        ["datasets.mnist-adversarial.wrong_by: ", "`k-nearest`", "`resnet-16-seed0`"],
    ),
    "a pool of itself": (
        "datasets/mnist-adversarial/pool",
        "mnist-adversarial",
        [
            "datasets.mnist-adversarial.pool: ",
            "`mnist-adversarial`",
            "expected one of `mnist-train`",
        ],
    ),
    # numbers that do not fit together
    "keep too long": (
        f"{STAGES}/keep",
        [4, 2, 1],
        ["evaluations.digits.stages.keep: ", "3 entries", "[4, 2, 1]", "per stage"],
    ),
    "keep not ending in one": (f"{STAGES}/keep", [4, 2], ["stages.keep: ", "[4, 2]", "end in 1"]),
    "samples not dividing": (
        f"{STAGES}/samples",
        [15, 50],
        ["evaluations.digits.stages.samples: ", "15", "divisor of 50"],
    ),
    "not dividing the schedule": (
        f"{STAGES}/samples",
        [10, 60],
        ["evaluations.digits.stages.samples: ", "60", "divisor of 1000"],
    ),
    "more than the noise bank": (
        "noise/size",
        40,
        ["evaluations.digits.stages.samples: ", "has 40", "`noise: size`", "at least 50"],
    ),
    "copies that are all equal": (
        "datasets/mnist/copies",
        3,
        ["datasets.mnist.copies: ", "found 3", "`shift` is missing", "add a `shift` or leave"],
    ),
    "a split of what has none": (
        "datasets/uci-digits/split",
        "train",
        ["datasets.uci-digits.split: ", "'train'", "uci-digits has no splits", "leave it out"],
    ),
    "a limit too large": (
        "datasets/mnist/limit",
        1001,
        ["datasets.mnist.limit: ", "1001", "at most 1000", "lower it"],
    ),
    "a limit beyond all copies": (
        "datasets/mnist-adversarial/limit",
        10001,
        ["datasets.mnist-adversarial.limit: ", "10001", "at most 10000", "lower it"],
    ),
    "a template without a place": (
        "prompts/digits/templates",
        ["a photo"],
        ["prompts.digits.templates: ", "'a photo'", "exactly one {}", "correct"],
    ),
    "a template with two places": ("prompts/digits/templates", ["{} {}"], ["exactly one {}"]),
    "a class twice": (
        "prompts/digits/classes",
        ["0", "1", "0"],
        ["prompts.digits.classes: ", "'0' twice", "different", "remove"],
    ),
    "no such prompts file": (
        "prompts/digits",
        {"file": "absent.csv"},
        ["prompts.digits.file: ", "'absent.csv'", "does not exist", "correct the path"],
    ),
    "no such weights": (
        "models/digits-dit/weights",
        "absent",
        ["models.digits-dit.weights: ", "'absent'", "no such folder", "`shipped`, `train`"],
    ),
}


@pytest.mark.parametrize("path,value,said", BAD.values(), ids=BAD)
def test_bad_changes_are_refused(config, root, path, value, said):
    change(config, path, value)
    message = refused(config, root)
    for words in said:
        assert words in message


@pytest.mark.parametrize("document", ["", "just text", "- a\n- list"])
def test_what_is_no_mapping_is_refused(root, document):
    message = refused(yaml.safe_load(document), root)
    assert message.startswith("the config: found ")
    assert "expected a mapping of keys" in message


def test_an_empty_mapping_is_refused(root):
    message = refused({}, root)
    for words in ("the config: found none of its keys", "`results` is missing", "and `tables`"):
        assert words in message


def test_names_that_yaml_takes_for_numbers_are_refused(config, root):
    config["evaluations"][7] = config["evaluations"]["digits"]
    message = refused(config, root)
    for words in ("evaluations: ", "7", "letters, digits"):
        assert words in message


def test_training_needs_a_recipe_and_its_data(config, root):
    model = config["models"]["digits-dit"]
    model["training"]["data"] = "mnist-tran"
    message = refused(config, root)
    for words in ("models.digits-dit.training.data: ", "`mnist-tran`", "`mnist-train`?"):
        assert words in message
    del model["training"]
    message = refused(config, root)
    for words in ("models.digits-dit.weights: ", "`train`", "`training` is missing", "add"):
        assert words in message


@pytest.mark.parametrize("name", ["k-nearest", "resnet-8-seed1"])
def test_two_methods_of_one_name_are_refused(config, root, name):
    """A seed's name counts too: it is the folder of its predictions."""
    config["evaluations"][name] = config["evaluations"]["digits"]
    message = refused(config, root)
    for words in ("baselines: ", f"`{name}`", "different names", "rename one"):
        assert words in message


def test_a_baseline_named_like_anothers_seed_is_refused(config, root):
    config["baselines"]["resnet-8-seed0"] = config["baselines"]["k-nearest"]
    assert "`resnet-8-seed0`" in refused(config, root)


def test_the_first_mistake_that_is_named_is_the_shallowest(config, root):
    config["noise"]["size"] = "many"
    del config["models"]
    assert "`models` is missing" in refused(config, root)


def test_a_long_value_is_shortened(config, root):
    config["noise"]["size"] = "long " * 1000
    assert "..." in refused(config, root)


# --- the results folder


@pytest.mark.parametrize("results", ["taken", "taken/below", "taken/far/below"])
def test_results_must_not_be_a_file(config, root, tmp_path, results):
    (tmp_path / "taken").touch()
    config["results"] = results
    message = refused(config, root)
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
    message = refused(config, root)
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
