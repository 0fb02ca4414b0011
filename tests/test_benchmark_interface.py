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
    ways = {
        name: lambda name=name: calls.append(name) or interface.Work(4, 9, 2)
        for name in ("interface", "jobs")
    }
    found = interface.turns(ways, 3)
    assert calls == ["interface", "jobs"] * 4
    assert found["way"].tolist() == ["interface", "jobs"] * 3
    assert (found["seconds"] >= 0).all()
    assert found["passes"].eq(2).all() and found["evaluations"].eq(9).all()


def turns():
    """Two turns of each way, as the script makes them."""
    rows = [
        (0, "interface", 5, 100, 5, 1.0),
        (0, "jobs", 5, 80, 10, 1.0),
        (0, "default", 5, 200, 5, 2.0),
        (0, "many interface", 100, 1600, 20, 10.0),
        (0, "many jobs", 100, 1600, 20, 10.0),
    ]
    later = [(1, way, images, *counts, 1.5 * seconds if way == "interface" else seconds)
             for _, way, images, *counts, seconds in rows]  # fmt: skip
    return pd.DataFrame(rows + later, columns=interface.COLUMNS)


def test_ratios_are_per_image_and_per_evaluation():
    found = turns()
    assert interface.ratio(found, "interface", "many jobs") == pytest.approx((2.5, 2.0, 3.0))
    per = interface.ratio(found, "interface", "many jobs", "evaluations")
    assert per == pytest.approx((2.0, 1.6, 2.4))
    table = interface.table(found)
    assert table.loc["jobs"].tolist() == ["5", "200.0", "16.0", "8.0", "12.50"]
    same, many, few, default = interface.sentences(found)
    assert "On the same 5 images, the interface takes 1.25 [1.00, 1.50] times" in same
    assert "On 100 images in one call, it takes 1.00 [1.00, 1.00] times" in many
    assert "2.50 [2.00, 3.00] times" in few and "2.00 [1.60, 2.40] times" in few
    assert "4.00 [4.00, 4.00] times" in default


def test_examples_in_docstrings_run():
    found = doctest.testmod(interface)
    assert (found.attempted, found.failed) == (5, 0)


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
