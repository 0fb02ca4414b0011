"""What the benchmarks need: evaluations and data sets that exist, models that the loop knows."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.messages import InputError, known

FAMILIES = ("dit", "stable-diffusion")
"""The families that `benchmarks.plain_loop` knows."""


def check_benchmark(config: dict[str, Any]) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    spec = config.get("benchmark")
    if spec is None:
        return
    for number, entry in enumerate(spec["miniature"]["models"]):
        _check_subject(config, f"benchmark.miniature.models.{number}", entry)
    _check_subject(config, "benchmark.growth", spec["growth"])
    _check_names(config, "benchmark.shard", spec["shard"])
    _check_policies(config, spec.get("policies", {}), spec.get("ttest", {}))
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


def _check_subject(config: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    _check_names(config, key, entry)
    model = config["evaluations"][entry["evaluation"]]["model"]
    family = config["models"][model]["family"]
    if family not in FAMILIES:
        raise InputError(
            f"{key}.evaluation: found `{entry['evaluation']}` of a model of family {family}, "
            f"expected one of {' or '.join(FAMILIES)}, which the plain loop knows; choose another"
        )


def _check_policies(config: dict[str, Any], policies: dict, tests: dict) -> None:
    for name, entry in tests.items():
        key = f"benchmark.ttest.{name}.evaluation"
        known(key, entry["evaluation"], config["evaluations"], "evaluation")
    for dataset, names in policies.items():
        for policy, name in names.items():
            evaluation = tests.get(name, {}).get("evaluation", name)
            where = {"evaluation": evaluation, "dataset": dataset}
            _check_names(config, f"benchmark.policies.{dataset}.{policy}", where)


def _check_names(config: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    known(f"{key}.evaluation", entry["evaluation"], config["evaluations"], "evaluation")
    known(f"{key}.dataset", entry["dataset"], config["datasets"], "data set")
    if "prompts" not in config["datasets"][entry["dataset"]]:
        raise InputError(
            f"{key}.dataset: found `{entry['dataset']}`, which has no `prompts`; expected a data "
            "set whose classes are named; choose another"
        )
