"""Where files lie: one place for each, and rules name their outputs by the same methods."""

import inspect

import pytest

from layout import Layout

LAYOUT = Layout("results")
FILES = [
    name for name, _ in inspect.getmembers(Layout, inspect.isfunction) if not name.startswith("__")
]


def test_a_wildcard_stands_where_a_name_does():
    path = LAYOUT.errors("{evaluation}", "{dataset}", "{stage}", "{shard}", "{part}")
    names = {"evaluation": "scenes", "dataset": "shapes", "stage": 2, "shard": 0, "part": 1}
    assert path.format(**names) == LAYOUT.errors(*names.values())
    assert LAYOUT.errors(*names.values()) == "results/errors/scenes/shapes/stage2/0-1.nc"


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_below_the_results_and_has_all_names_in_its_path(name):
    method = getattr(Layout("some/where"), name)
    names = {key: f"{{{key}}}" for key in inspect.signature(method).parameters}
    path = method(**names)
    assert path.startswith("some/where/")
    assert all(wildcard in path for wildcard in names.values())


def test_no_two_kinds_of_files_have_one_path():
    paths = []
    for name in FILES:
        method = getattr(LAYOUT, name)
        count = len(inspect.signature(method).parameters)
        paths.append(method(*("abcdefgh"[:count])))
    assert len(set(paths)) == len(paths)


def test_scores_of_a_table_and_what_lies_beside_them():
    assert LAYOUT.scores("accuracy") == "results/scores/accuracy.parquet"
    assert LAYOUT.scores("accuracy", "paired") == "results/scores/accuracy-paired.parquet"
