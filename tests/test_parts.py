"""`shards: auto` and `class_parts: auto`, compared with trying all numbers and by hand."""

import copy
import itertools

import pytest
import yaml
from cost_configs import config

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.parts import choose_parts
from diffusion_classifier.config.work import stage_numbers, stage_work
from diffusion_classifier.engine.journal import INTERVAL
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.cost_text import JOURNAL
from diffusion_classifier.operations.costs import estimate, render

STAGES = {"samples": [5, 20], "keep": [3, 1], "loss": "l2"}


def automatic(minutes, rate=10, images=50, stages=STAGES, shards="auto", parts=1):
    """A config in which 10 classes × 5 samples, then 3 × 15, are asked about each image."""
    made = config(
        datasets={"mnist": {"source": "mnist", "prompts": "digits", "limit": images}},
        evaluations={"full": {"model": "m", "stages": stages, "rate": rate}},
    )
    made["datasets"]["mnist"]["shards"] = shards
    made["evaluations"]["full"]["class_parts"] = parts
    return made | {"compute": {"device": "cpu", "job_minutes": minutes}}


def chosen(made):
    choose_parts(made)
    return made["datasets"]["mnist"]["shards"], made["evaluations"]["full"]["class_parts"]


def longest(made):
    """Minutes of the longest job of a config with numbers."""
    stages = stage_numbers(made, "full", "mnist")
    most = max(stage_work(made, "full", "mnist", stage).evaluations for stage in stages)
    return most / made["evaluations"]["full"]["rate"] / 60


def test_by_hand():
    # an image's first stage is 50 evaluations, 5 s: 12 images are a minute, and 50 are 5 shards
    assert chosen(automatic(1)) == (5, 1)
    assert chosen(automatic(50 * 5 / 60)) == (1, 1)
    # in two parts the second stage is the longer: 2 of 3 classes × 15 samples, 3 s of an image
    assert chosen(automatic(25 * 3 / 60, parts=2)) == (2, 2)
    # 5 s are too long for an image: five parts of two classes take 1 s each
    assert chosen(automatic(1 / 60, parts="auto")) == (50, 5)
    assert chosen(automatic(5 / 60, images=7, parts="auto")) == (7, 1)


def test_twenty_minutes_unless_said():
    made = automatic(0, rate=1)
    del made["compute"]["job_minutes"]
    assert chosen(made) == (3, 1)  # 24 images are 20 minutes


@pytest.mark.parametrize("minutes", [0.05, 0.09, 0.3, 0.71, 1.3, 4.2, 30])
@pytest.mark.parametrize("images", [1, 13, 50])
def test_no_smaller_number_of_shards_would_do(minutes, images):
    shards, _ = chosen(automatic(minutes, images=images))
    tried = [automatic(minutes, images=images, shards=n) for n in range(1, images + 1)]
    enough = [n for n, made in enumerate(tried, start=1) if longest(made) <= minutes]
    # where no number is enough, an image is a job
    assert longest(tried[shards - 1]) <= minutes or shards == images
    assert not enough or longest(tried[enough[0] - 1]) == longest(tried[shards - 1])


@pytest.mark.parametrize(("minutes", "shards"), itertools.product([0.1, 0.5, 2], [1, 5, 50]))
def test_no_smaller_number_of_class_parts_would_do(minutes, shards):
    _, parts = chosen(automatic(minutes, shards=shards, parts="auto"))
    tried = [automatic(minutes, shards=shards, parts=n) for n in range(1, 11)]
    enough = [n for n, made in enumerate(tried, start=1) if longest(made) <= minutes]
    assert parts == (enough[0] if enough else 10)


def test_classes_of_a_race_stay_together():
    race = {"samples": [20], "keep": [1], "loss": "l2", "race": {"z": 2}}
    assert chosen(automatic(0.001, stages=race, parts="auto")) == (50, 1)


def test_the_slowest_of_all_evaluations_decides():
    made = automatic(1)
    made["evaluations"]["slow"] = made["evaluations"]["full"] | {"rate": 5}
    made["tables"]["accuracy"]["methods"].append("slow")
    assert chosen(made)[0] == 9  # 6 images are a minute
    unasked = automatic(1)
    unasked["datasets"]["other"] = dict(unasked["datasets"]["mnist"])
    choose_parts(unasked)
    assert unasked["datasets"]["other"]["shards"] == 1


def test_what_is_not_known_is_refused():
    made = automatic(1)
    del made["evaluations"]["full"]["rate"]
    with pytest.raises(InputError, match=r"datasets\.mnist\.shards: found `auto`.*no `rate`"):
        choose_parts(made)
    made = automatic(1, shards=1, parts="auto")
    made["datasets"]["mnist"] |= {"source": "folder", "path": "nowhere"}
    del made["datasets"]["mnist"]["limit"]
    with pytest.raises(InputError, match=r"full\.class_parts: found `auto`.*give a `limit`"):
        choose_parts(made)


def test_a_config_may_say_auto(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read = yaml.safe_load((root / "config/paper.yaml").read_text(encoding="utf-8"))
    wrong = copy.deepcopy(read)
    for spec in read["datasets"].values():
        spec |= {"shards": "auto"} if "shards" in spec else {}
    read["evaluations"]["dit-512"]["class_parts"] = "auto"
    check_config(read, root)
    shards = {name: spec.get("shards") for name, spec in read["datasets"].items()}
    # the paper's second stage for CIFAR-10 is 5 classes × 450 samples, at 92/s: 49 images a job
    assert shards["cifar10"] == -(-10_000 // 49)
    assert all(type(number) in (int, type(None)) for number in shards.values())
    wrong["datasets"]["cifar10"]["shards"] = "many"
    with pytest.raises(InputError, match=r"cifar10\.shards: found 'many', expected a number of jo"):
        check_config(wrong, root)


def test_costs_say_what_a_vanished_job_loses():
    made = automatic(1)
    choose_parts(made)
    made["compute"]["price_per_hour"] = 36
    text = render(estimate(made), made["compute"])
    # 10 images × 50 evaluations at 10/s, at a hundredth of the currency per second
    (row,) = (line.split() for line in text.splitlines() if line.endswith("0.50"))
    assert row == ["full", "mnist", "10", "0.83", "0.50"]
    assert "at most 60 s to repeat (costs 0.60)" in text
    # 50 images × 95 evaluations
    assert "all tables: 4,750 evaluations in 10 jobs, 8 min of a device (costs 4.75)" in text
    assert "costs" not in render(estimate(made), {})
    assert JOURNAL == INTERVAL
