"""What tables need: that their data sets, methods and curves exist and fit together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .messages import InputError, known
from .methods import method_names

# which baselines can answer a table's question
_KINDS = {
    "robustness": ("logistic_regression", "k_nearest", "resnet", "vit"),
    "accuracy": ("resnet", "vit", "probe", "clip", "chance"),
    "winoground": ("clip", "chance"),
}
_EXAMPLES = ("scenes-winoground", "winoground")


def check_tables(config: dict[str, Any]) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    checks = {
        "robustness": _check_robustness,
        "accuracy": _check_accuracy,
        "winoground": _check_winoground,
    }
    for name, spec in config["tables"].items():
        _check_methods(config, name, spec)
        checks[name](config, f"tables.{name}", spec)


def _check_methods(config: dict[str, Any], table: str, spec: dict[str, Any]) -> None:
    key = f"tables.{table}.methods"
    for name in spec["methods"]:
        known(key, name, method_names(config)["diffusion"] + list(config["baselines"]), "method")
        kind = config["baselines"].get(name, {}).get("kind", "")
        if kind and kind not in _KINDS[table]:
            raise InputError(
                f"{key}: found `{name}` of kind {kind}, expected evaluations and baselines of kind "
                f"{', '.join(_KINDS[table])}; remove it from this table"
            )
    if not set(spec["methods"]) & set(config["evaluations"]):
        raise InputError(
            f"{key}: found no evaluation among them, expected at least one; add one of "
            + ", ".join(f"`{name}`" for name in config["evaluations"])
        )


def _check_robustness(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.datasets", spec["datasets"])
    for name in spec["methods"]:
        if "tasks" in config["baselines"].get(name, {}):
            raise InputError(
                f"{key}.methods: found `{name}`, which has `tasks`, expected a baseline trained on "
                "one data set; give it a `train` or remove it from this table"
            )
    curves = spec["curves"]
    known(f"{key}.curves.dataset", curves["dataset"], spec["datasets"], "data set of this table")
    _check_single_stage(config, f"{key}.curves.evaluation", [curves["evaluation"]])


def _check_accuracy(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.datasets", spec["datasets"])
    prompts = [config["datasets"][name]["prompts"] for name in spec["datasets"]]
    for name in spec["methods"]:
        baseline = config["baselines"].get(name, {})
        if "train" in baseline:
            raise InputError(
                f"{key}.methods: found `{name}`, which is trained on one data set, expected "
                "`tasks` with a data set for each set of prompts; change it or take it out of this "
                "table"
            )
        without = [task for task in prompts if task not in baseline.get("tasks", prompts)]
        if without:
            raise InputError(
                f"baselines.{name}.tasks: found {', '.join(baseline['tasks'])}, expected all sets "
                f"of prompts of the table accuracy, but `{without[0]}` is missing; add it"
            )
    parts = {
        "curves.datasets": spec["curves"]["datasets"],
        "reconstructions.dataset": [spec["reconstructions"]["dataset"]],
        "confusion": spec["confusion"],
    }
    for part, names in parts.items():
        for name in names:
            known(f"{key}.{part}", name, spec["datasets"], "data set of this table")
    _check_single_stage(config, f"{key}.curves.evaluation", [spec["curves"]["evaluation"]])


def _check_winoground(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.dataset", [spec["dataset"]])
    dataset = config["datasets"][spec["dataset"]]
    if dataset.get("source") not in _EXAMPLES:
        raise InputError(
            f"{key}.dataset: found `{spec['dataset']}` without two images and two captions per "
            f"example, expected a data set of the source {' or '.join(_EXAMPLES)}; choose another"
        )
    if config["prompts"][dataset["prompts"]].get("captions") != spec["dataset"]:
        raise InputError(
            f"datasets.{spec['dataset']}.prompts: found `{dataset['prompts']}`, expected prompts "
            f"that are its own captions (`captions: {spec['dataset']}`); add such an entry to "
            "`prompts` and name it"
        )
    evaluations = [name for name in spec["methods"] if name in config["evaluations"]]
    _check_single_stage(config, f"{key}.methods", evaluations)


def _check_datasets(config: dict[str, Any], key: str, names: Iterable[str]) -> None:
    for name in names:
        known(key, name, config["datasets"], "data set")
        if "prompts" not in config["datasets"][name]:
            raise InputError(
                f"datasets.{name}: found no `prompts`, expected a set of prompts, as "
                f"{key.rpartition('.')[0]} classifies its images; name one"
            )


def _check_single_stage(config: dict[str, Any], key: str, names: Iterable[str]) -> None:
    for name in names:
        known(key, name, config["evaluations"], "evaluation")
        stages = config["evaluations"][name]["stages"]
        if len(stages["samples"]) != 1:
            raise InputError(
                f"{key}: found `{name}` with {len(stages['samples'])} stages, expected a single "
                "stage (all classes at all timesteps); choose another or shorten its `samples` and "
                "`keep`"
            )
