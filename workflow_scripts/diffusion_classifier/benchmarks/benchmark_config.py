"""Check the section `benchmark` of a config: its data sets, evaluations, and model families."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.config.configuration import check_schema
from diffusion_classifier.config.methods import classified_datasets, prior_method, stages_of
from diffusion_classifier.config.places import workflow_folder
from diffusion_classifier.messages import InputError, known

SCHEMA = Path("benchmarks") / "schema.yaml"

FAMILIES = ("dit", "stable-diffusion")
"""The families that `benchmarks.plain_loop` supports."""


def checked_benchmark(spec: dict[str, Any] | None, config: dict[str, Any]) -> dict[str, Any]:
    """The checked section `benchmark`; of several trainings of an evaluation it names the first.

    `config` is the rest of the config, already checked. Raises InputError, naming key, value,
    expectation and remedy, for values that do not fit the schema or cannot work.
    """
    check_schema({} if spec is None else {"benchmark": spec}, workflow_folder() / SCHEMA)
    spec = _with_first_trainings(spec, config)
    for number, entry in enumerate(spec["miniature"]["models"]):
        _check_subject(config, f"benchmark.miniature.models.{number}", entry)
    _check_subject(config, "benchmark.growth", spec["growth"])
    if "interface" in spec:
        _check_raced(config, "benchmark.interface", spec["interface"])
    _check_names(config, "benchmark.shard", spec["shard"])
    _check_policies(config, spec.get("policies", {}), spec.get("ttest", {}))
    _check_classes(spec)
    if table := spec.get("classes", {}).get("table"):
        known("benchmark.classes.table", table, config["tables"], "table")
    needed = {
        "miniature.samples": max(e["samples"] for e in spec["miniature"]["models"]),
        "growth.timesteps": max(spec["growth"]["timesteps"]),
    }
    for key, count in needed.items():
        if count > config["noise"]["size"]:
            raise InputError(
                f"benchmark.{key}: found {count}, but the noise bank has "
                f"{config['noise']['size']}; expected at most that many; lower it or raise "
                "`noise: size`"
            )
    return spec


def _check_raced(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    """Check that the evaluation has one stage with a race and learned timesteps."""
    _check_names(config, key, spec)
    stages = stages_of(config, spec["evaluation"], spec["dataset"])
    if len(stages["samples"]) > 1 or "race" not in stages or stages.get("timesteps") != "learned":
        raise InputError(
            f"{key}.evaluation: found `{spec['evaluation']}`, expected one with a single stage, a "
            f"race and learned timesteps on `{spec['dataset']}`; choose another"
        )


def _with_first_trainings(spec: Any, config: dict[str, Any]) -> Any:
    """`spec` in which the name of an evaluation with several trainings becomes the first's name."""
    first: dict[str, str] = {}
    for name, entry in config["evaluations"].items():
        if "group" in entry:
            first.setdefault(entry["group"], name)

    def replaced(entry: Any) -> Any:
        if isinstance(entry, dict):
            return {key: replaced(value) for key, value in entry.items()}
        if isinstance(entry, list):
            return [replaced(value) for value in entry]
        return first.get(entry, entry) if isinstance(entry, str) else entry

    return replaced(spec)


def _check_subject(config: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    _check_names(config, key, entry)
    model = config["evaluations"][entry["evaluation"]]["model"]
    family = config["models"][model]["family"]
    if family not in FAMILIES:
        raise InputError(
            f"{key}.evaluation: found `{entry['evaluation']}` of a model of family {family}, "
            f"expected {' or '.join(FAMILIES)}, which the plain loop supports; choose another"
        )


def _check_policies(config: dict[str, Any], policies: dict, tests: dict) -> None:
    for name, entry in tests.items():
        key = f"benchmark.ttest.{name}.evaluation"
        known(key, entry["evaluation"], config["evaluations"], "evaluation")
    for dataset, names in policies.items():
        for policy, name in names.items():
            evaluation = tests.get(name, {}).get("evaluation", name)
            where = {"evaluation": evaluation, "dataset": dataset}
            key = f"benchmark.policies.{dataset}.{policy}"
            _check_names(config, key, where)
            _check_prior(config, key, evaluation, dataset)


def _check_classes(spec: dict[str, Any]) -> None:
    """Check that the data sets of `classes` have policies, none of which is a t-test."""
    for number, dataset in enumerate(spec.get("classes", {}).get("datasets", [])):
        policies = spec.get("policies", {})
        known(f"benchmark.classes.datasets.{number}", dataset, policies, "data set of `policies`")
        for policy, name in policies[dataset].items():
            if name in spec.get("ttest", {}):
                raise InputError(
                    f"benchmark.classes.datasets.{number}: found `{dataset}`, whose policy "
                    f"`{policy}` is a t-test, expected evaluations only; leave that policy out"
                )


def _check_prior(config: dict[str, Any], key: str, evaluation: str, dataset: str) -> None:
    """Raise InputError if no table computes the prior's predictions, which the policy needs."""
    prior = prior_method(config, evaluation)
    if prior is None or prior in config["evaluations"]:
        return
    if dataset not in classified_datasets(config, prior):
        raise InputError(
            f"{key}: found `{evaluation}`, whose prior `{prior}` is in no table with the data set "
            f"`{dataset}`; add the prior to such a table, or choose another evaluation"
        )


def _check_names(config: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    known(f"{key}.evaluation", entry["evaluation"], config["evaluations"], "evaluation")
    known(f"{key}.dataset", entry["dataset"], config["datasets"], "data set")
    if "prompts" not in config["datasets"][entry["dataset"]]:
        raise InputError(
            f"{key}.dataset: found `{entry['dataset']}`, which has no `prompts`; expected a data "
            "set whose classes are named; choose another"
        )
