"""Races and learned timesteps that cannot work are said so before anything runs."""

import itertools

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.data.choosing.shares import stratified
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.costs import estimate, render

RACE = "evaluations/race"
BAD = {
    "unknown key": (f"{RACE}/stages/race/zz", 1, ["stages.race", "`zz`", "`minimum`, `z`"]),
    "no z": (f"{RACE}/stages/race", {}, ["stages.race: ", "`z` is missing", "add it"]),
    "z of nothing": (f"{RACE}/stages/race/z", 0, ["stages.race.z", "found 0", "more than 0"]),
    "too few": (f"{RACE}/stages/race/minimum", 0, ["race.minimum", "found 0", "at least 1"]),
    "unknown way": (f"{RACE}/stages/timesteps", "lerned", ["timesteps", "lerned", "learned"]),
    "parts": (f"{RACE}/class_parts", 2, ["race.class_parts: found 2", "one job", "leave it out"]),
    "grid": (f"{RACE}/stages/grid", 20, ["race.stages.grid: found 20", "density", "leave it out"]),
    "noises": (
        f"{RACE}/stages/samples",
        [2, 30],
        ["race.stages.samples: [2, 30] needs 30", "bank has 20", "`noise: size`"],
    ),
    "keep": (f"{RACE}/stages/keep", [5, 2], ["race.stages.keep: found [5, 2]", "end in 1"]),
    "unknown prompts": (
        f"{RACE}/calibration/datasets",
        {"digit": "train"},
        ["calibration.datasets: ", "set of prompts `digit`", "did you mean `digits`?"],
    ),
    "unknown images": (
        f"{RACE}/calibration/datasets/digits",
        "trian",
        ["calibration.datasets.digits: ", "data set `trian`", "did you mean `train`?"],
    ),
    "more than uniform": (
        f"{RACE}/calibration/uniform",
        {"digits": 2},
        ["calibration.uniform.digits: ", "found 2", "at most 1"],
    ),
    "uniform for prompts without calibration": (
        f"{RACE}/calibration/uniform",
        {"digit": 1},
        ["calibration.uniform: ", "`digit`", "did you mean `digits`?"],
    ),
    "calibrated unevenly": (
        f"{RACE}/calibration/samples",
        15,
        ["race.calibration.samples: 15", "do not divide", "divisor"],
    ),
    "nothing to learn from": (
        RACE,
        {
            "label": "R",
            "model": "dit",
            "stages": {"samples": [9], "keep": [1], "timesteps": "learned", "loss": "l2"},
        },
        ["race.calibration.datasets: found nothing for the prompts `digits`", "`mnist`", "even"],
    ),
    "learned on the test images": (
        f"{RACE}/calibration/datasets/digits",
        "mnist",
        ["calibration.datasets.digits: found `mnist`", "test set `mnist`", "`split`", "`skip`"],
    ),
    "learned on the pool of a test set": (
        "datasets/train/split",
        "test",
        ["calibration.datasets.digits: found `train`", "may be in the test set `mnist`"],
    ),
    "curve of a race": (
        "tables/robustness/curves/evaluation",
        "even-race",
        ["curves.evaluation: found `even-race` with `race`", "all classes", "take that out"],
    ),
    "curve of learned timesteps": (
        "tables/robustness/curves/evaluation",
        "learned",
        ["curves.evaluation: found `learned` with `timesteps: learned`", "evenly spaced"],
    ),
}


@pytest.fixture
def config(root):
    config = yaml.safe_load((root / "tests/tiny.yaml").read_text(encoding="utf-8"))
    stages = {"samples": [10], "keep": [1], "loss": "l2"}
    race = config["evaluations"]["race"]
    for name, more in (("even-race", {"race": {"z": 1}}), ("learned", {"timesteps": "learned"})):
        config["evaluations"][name] = {**race, "label": name, "stages": {**stages, **more}}
    return config


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_named(config, root, case):
    path, value, words = BAD[case]
    *parents, last = path.split("/")
    place = config
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(InputError) as error:
        check_config(config, root)
    assert [word for word in words if word not in str(error.value)] == [], str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_right_passes(config, root):
    check_config(config, root)


def test_images_of_one_split_may_be_kept_apart(config, root):
    config["datasets"]["train"].update(split="test", limit=100)
    for name in ("mnist", "pool"):
        config["datasets"][name].update(skip=100)
    check_config(config, root)
    config["datasets"]["pool"]["skip"] = 99
    with pytest.raises(InputError, match="may be in the test set `adversarial`"):
        check_config(config, root)


def test_skipping_keeps_images_apart():
    labels = np.random.default_rng(0).integers(0, 7, 500)
    for first, skip in itertools.product((5, 50, 101), (101, 150, 300)):
        if skip >= first:
            assert set(stratified(labels, first)) <= set(stratified(labels, skip))


@pytest.mark.parametrize(
    "configs",
    [
        ["config.yaml"],
        ["config/paper.yaml", "config/paper-race.yaml"],
        ["config/paper.yaml", "config/paper-fast.yaml"],
    ],
)
def test_races_that_come_with_the_project(root, configs, monkeypatch):
    monkeypatch.chdir(root)
    whole: dict = {}
    for name in configs:
        update_config(whole, yaml.safe_load((root / name).read_text(encoding="utf-8")))
    check_config(whole, root)
    text = render(estimate(whole))
    assert "(calibration)" in text and "≤" in text and "at most" in text


def test_calibration_images_of_the_default_are_no_test_images(root):
    """By their bytes: what was learned on is in no data set that a table shows."""
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    tested = {name for spec in config["tables"].values() for name in spec.get("datasets", [])}
    for name in ("mnist-calibration", "shapes-calibration", "colour-shape-calibration"):
        spec = config["datasets"][name]
        own = set(
            dataset({k: v for k, v in spec.items() if k not in ("label", "prompts")})["bytes"]
        )
        assert len(own) >= 50
        for other in tested:
            fields = config["datasets"][other]
            if fields.get("source") == spec["source"] and "shift" not in fields:
                keys = {k: v for k, v in fields.items() if k not in _LABELS}
                assert not own & set(dataset(keys)["bytes"]), other


_LABELS = ("label", "description", "prompts", "published", "shards")
