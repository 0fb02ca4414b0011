"""What the probabilities of a table need: calibration images that no data set of it contains."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.messages import InputError, known

from ..image_counts import prompt_class_count
from ..methods import method_kind, method_names, split_seed
from .evaluation_checks import check_apart


def check_probabilities(config: dict[str, Any]) -> None:
    """Raise InputError for the first mistake in `probabilities` of a table."""
    for table, spec in config["tables"].items():
        if "probabilities" in spec:
            key, entry = f"tables.{table}.probabilities", spec["probabilities"]
            for name in entry.get("datasets", []):
                known(f"{key}.datasets", name, spec["datasets"], "data set of this table")
            _check_calibration(config, key, entry, entry.get("datasets", spec["datasets"]))
            _check_priors(config, key, entry)
            _check_fusions(config, key, entry, spec["methods"])


def _check_calibration(
    config: dict[str, Any], key: str, entry: dict[str, Any], datasets: list[str]
) -> None:
    for prompts, held in entry["calibration"].items():
        where = f"{key}.calibration.{prompts}"
        known(f"{key}.calibration", prompts, config["prompts"], "set of prompts")
        known(where, held, config["datasets"], "data set")
        if config["datasets"][held].get("prompts") != prompts:
            found = config["datasets"][held].get("prompts", "none")
            raise InputError(
                f"{where}: found `{held}`, whose `prompts` are {found}, expected a data set with "
                f"`prompts: {prompts}`; choose another, or set them"
            )
    for name in datasets:
        prompts = config["datasets"][name]["prompts"]
        held = entry["calibration"].get(prompts)
        if held is None:
            raise InputError(
                f"{key}.calibration: found nothing for the prompts `{prompts}` of the data set "
                f"`{name}`, expected a data set of calibration images; add `{prompts}: <data set>`,"
                f" or leave `{name}` out by `datasets`"
            )
        instead = f", or leave `{name}` out by `datasets`"
        check_apart(config, f"{key}.calibration.{prompts}", held, name, instead)


def _check_priors(config: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    for prompts, prior in entry.get("priors", {}).items():
        known(f"{key}.priors", prompts, entry["calibration"], "set of prompts with a calibration")
        count = prompt_class_count(config, prompts)
        if count is not None and len(prior) != count:
            raise InputError(
                f"{key}.priors.{prompts}: found {len(prior)} numbers, expected {count}, one for "
                "each class; correct them"
            )
        if not sum(prior) > 0:
            raise InputError(
                f"{key}.priors.{prompts}: found only zeros, expected the share of each class; "
                "correct them"
            )


def _check_fusions(
    config: dict[str, Any], key: str, entry: dict[str, Any], methods: list[str]
) -> None:
    names = method_names(config)
    chance = {
        split_seed(config, name)[0]
        for name in names["baseline"]
        if method_kind(config, name) == "chance"
    }
    usable = [
        name
        for name in methods
        if name in config["evaluations"] or (name in config["baselines"] and name not in chance)
    ]
    labels = [
        config[section][name]["label"]
        for section in ("evaluations", "weightings", "baselines")
        for name in methods
        if name in config[section]
    ]
    for number, fusion in enumerate(entry.get("fusions", [])):
        where = f"{key}.fusions.{number}"
        for part in ("of", "with"):
            known(f"{where}.{part}", fusion[part], usable, "method with probabilities")
        if fusion["of"] == fusion["with"]:
            raise InputError(
                f"{where}.with: found `{fusion['with']}`, as in `of`, expected another method; "
                "choose one"
            )
        if fusion["label"] in labels:
            raise InputError(
                f"{where}.label: found {fusion['label']!r}, which a method of the table has too, "
                "expected different labels; change one"
            )
        labels.append(fusion["label"])
