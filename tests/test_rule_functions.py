"""Functions of names as functions of wildcards."""

from types import SimpleNamespace

import pytest

from diffusion_classifier.messages import InputError
from rule_functions import Jobs, arrays, check_files, checked, numbered, one_of

WILDCARDS = SimpleNamespace(evaluation="scenes", dataset="10", stage="2", shard="0")


@pytest.fixture(scope="module")
def jobs(root):
    return Jobs("mine.yaml", root)


def test_a_function_gets_the_wildcards_that_it_names(jobs):
    asked = jobs.of_job(lambda dataset, stage: (dataset, stage))
    assert asked(WILDCARDS) == ("10", 2)  # a number is a stage, not a name


def test_a_default_stands_for_a_wildcard_that_is_not_there(jobs):
    asked = jobs.of_job(lambda dataset, part=7: part)
    assert asked(WILDCARDS) == 7


def test_a_mistake_in_the_config_ends_in_one_line(jobs, root):
    def refuse(dataset):
        raise InputError(f"datasets.{dataset}: wrong")

    with pytest.raises(SystemExit, match=r"^mine.yaml: datasets.10: wrong$"):
        jobs.of_job(refuse)(WILDCARDS)
    with pytest.raises(SystemExit, match=r"^mine.yaml: the config: found none of its keys"):
        checked({}, "mine.yaml", root)


def test_a_key_that_stands_twice_in_a_config_ends_in_one_line(tmp_path, root):
    json, mine = tmp_path / "mine.json", tmp_path / "mine.yaml"
    json.write_text('{\n\t"tables": {}\n}')  # which is no YAML, but Snakemake reads it
    mine.write_text("tables: {}\nresults: mine\ntables: {}\n")
    check_files([root / "config.yaml", json])
    with pytest.raises(SystemExit, match=r"^\S+mine.yaml: found the key `tables` in line 1 and"):
        check_files([root / "config.yaml", mine])


def test_what_a_job_asks_for_grows_with_every_attempt(jobs):
    assert jobs.growing(5)(WILDCARDS, attempt=3) == 15
    assert jobs.growing(lambda stage: 10 * stage)(WILDCARDS, attempt=2) == 40


def test_code_is_that_of_the_family_that_a_job_uses(jobs):
    asked = [jobs.code("errors", family=lambda f=f: f)(WILDCARDS) for f in ("dit", "dit", "pixart")]
    assert asked[0] == asked[1] != asked[2]


def test_names():
    assert one_of(["a.b", "c"]) == r"a\.b|c" and one_of([]) == "(?!)"
    assert numbered("predict_clip", 1) == "predict_clip"
    assert numbered("predict_clip", 2) == "predict_clip_2"


def test_jobs_are_an_array_where_the_profile_says_so():
    workflow = SimpleNamespace(executor_settings=SimpleNamespace(array_jobs="errors, latents"))
    assert arrays(workflow)("errors") and arrays(workflow)("latents")
    assert not arrays(workflow)("pairs")
    workflow.executor_settings.array_jobs = "all"
    assert arrays(workflow)("pairs")
    workflow.executor_settings = None
    assert not arrays(workflow)("errors")
