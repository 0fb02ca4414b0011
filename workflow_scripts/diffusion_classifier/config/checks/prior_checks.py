"""What priors need: a method that answers the same data sets and leaves enough classes."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.messages import InputError, known

from ..image_counts import candidate_counts
from ..methods import method_names, questions, split_seed, stages_of
from .baseline_checks import check_answers
from .table_checks import check_choice


def check_priors(config: dict[str, Any]) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    evaluations = config["evaluations"]
    names = [name for kind in method_names(config).values() for name in kind]
    for name in (name for name, spec in evaluations.items() if "prior" in spec):
        key, spec = f"evaluations.{name}.prior", evaluations[name]["prior"]
        known(f"{key}.method", spec["method"], names, "method")
        _check_no_circle(config, key, name)
        _check_keep(f"evaluations.{name}", evaluations[name])
    asked = [pair for table in config["tables"] for pair in questions(config, table)]
    for name, dataset in asked:
        if "prior" in evaluations[name]:
            _check_answers(config, name, dataset)


def _check_no_circle(config: dict[str, Any], key: str, name: str) -> None:
    followed = [name]
    while method := config["evaluations"].get(followed[-1], {}).get("prior", {}).get("method"):
        if method in followed:
            raise InputError(
                f"{key}.method: found {' ← '.join([*followed, method])}, a circle of evaluations "
                "that wait for each other, expected another method, such as a baseline; choose one"
            )
        followed.append(method)


def _check_keep(key: str, spec: dict[str, Any]) -> None:
    """A first stage that keeps more classes than it is given contradicts the prior."""
    schedules = {f"{key}.stages": spec["stages"]} | {
        f"{key}.stages_for.{dataset}": stages
        for dataset, stages in spec.get("stages_for", {}).items()
    }
    for where, stages in schedules.items():
        if spec["prior"]["keep"] < stages["keep"][0]:
            raise InputError(
                f"{key}.prior.keep: found {spec['prior']['keep']}, expected at least "
                f"{stages['keep'][0]}, as many classes as the first stage keeps ({where}.keep); "
                "raise it, or lower that"
            )


def _check_answers(config: dict[str, Any], name: str, dataset: str) -> None:
    """That the prior of an evaluation answers a data set that the evaluation is asked about."""
    key, method = f"evaluations.{name}.prior", config["evaluations"][name]["prior"]["method"]
    check_choice(config, name, dataset)
    if method in config["evaluations"]:  # answers whatever it is asked
        _check_scores(config, key, config["evaluations"][name], dataset)
    else:
        check_answers(config, split_seed(config, method)[0], dataset, key)


def _check_scores(config: dict[str, Any], key: str, spec: dict[str, Any], dataset: str) -> None:
    """That an evaluation which is a prior has a score of as many classes as are taken."""
    keep, method = spec["prior"]["keep"], spec["prior"]["method"]
    stages = stages_of(config, method, dataset)
    if "race" in stages:
        raise InputError(
            f"{key}.method: found `{method}`, which is a race on `{dataset}` and has scores only "
            "of the classes that reach its end, expected a method that scores more; choose another"
        )
    known_classes = candidate_counts(config, dataset)
    wanted = min(keep, known_classes[0]) if known_classes else keep
    left = {"stages.keep": stages["keep"][:-1]}  # what the last stage is given, it scores
    left["prior.keep"] = [config["evaluations"][method].get("prior", {}).get("keep", wanted)]
    for where, counts in left.items():
        if min(counts, default=wanted) < wanted:
            raise InputError(
                f"{key}.keep: found {keep}, expected at most {min(counts)}, the classes that "
                f"`{method}` has scores of on `{dataset}` (evaluations.{method}.{where}); lower "
                "it, or choose another method"
            )
