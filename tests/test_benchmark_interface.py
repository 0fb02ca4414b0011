"""The benchmark of the Python interface: turns, ratios, and its entry in a config."""

import doctest
from copy import deepcopy

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from diffusion_classifier.benchmarks import interface
from diffusion_classifier.benchmarks.benchmark_config import checked_benchmark
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError


def test_every_way_has_a_first_turn_that_is_not_timed():
    calls = []
    ways = {name: lambda name=name: calls.append(name) or 4 for name in ("interface", "job")}
    found = interface.turns(ways, 3)
    assert calls == ["interface", "job"] * 4
    assert found["way"].tolist() == ["interface", "job"] * 3
    assert (found["seconds"] >= 0).all()


def test_the_ratio_is_of_seconds_per_image():
    rows = [(0, "interface", 5, 1.0), (0, "job", 100, 10.0), (1, "interface", 5, 1.5),
            (1, "job", 100, 10.0)]  # fmt: skip
    found = pd.DataFrame(rows, columns=interface.COLUMNS)
    assert interface.ratio(found, "interface", "job") == pytest.approx((2.5, 2.0, 3.0))
    assert "The ratio is 2.50 [2.00, 3.00]" in interface.sentence(found)


def test_examples_in_docstrings_run():
    found = doctest.testmod(interface)
    assert (found.attempted, found.failed) == (3, 0)


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    found = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    added = yaml.safe_load((root / "config/benchmark.yaml").read_text(encoding="utf-8"))
    spec = added.pop("benchmark")
    update_config(found, added)
    check_config(found, root)
    return found, spec


def test_the_entry_needs_a_race_with_learned_timesteps(config):
    found, spec = config
    assert checked_benchmark(deepcopy(spec), found)["interface"]["images"] == 5
    wrong = spec | {"interface": spec["interface"] | {"evaluation": "scenes-exhaustive"}}
    with pytest.raises(InputError, match=r"benchmark.interface.evaluation: found `scenes-exh"):
        checked_benchmark(wrong, found)
    wrong = spec | {"interface": spec["interface"] | {"images": 0}}
    with pytest.raises(InputError, match=r"interface.images: found 0, expected at least 1"):
        checked_benchmark(wrong, found)
