"""What weightings need: every error of an evaluation, and labels that leave some items over."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.data.sources.matching import has_effects
from diffusion_classifier.messages import InputError, known

from ..draws import weighting_draws
from ..image_counts import candidate_counts, image_count, item_count, prompt_class_count
from ..methods import method_names
from .table_checks import check_single_stage


def check_weightings(config: dict[str, Any]) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    names = [name for kind in method_names(config).values() for name in kind]
    for name, spec in config["weightings"].items():
        known(f"weightings.{name}.of", spec["of"], config["evaluations"], "evaluation")
        for own in {name, *weighting_draws(config, name, spec)}:
            if own in names:
                raise InputError(
                    f"weightings.{name}: found the name `{own}`, which an evaluation, a baseline "
                    "or another weighting has too, expected different names (a draw is called "
                    "<name>-draw<n>); rename one of them"
                )
            names.append(own)
    for table, entry in config["tables"].items():
        weighted = [name for name in entry["methods"] if name in config["weightings"]]
        if weighted and entry["kind"] not in ("accuracy", "matching"):
            kind = "accuracy or matching"
            if entry["kind"] == "compositional":
                kind = f"matching, which may have the data set `{entry['dataset']}` too"
            raise InputError(
                f"tables.{table}.methods: found `{weighted[0]}` of `weightings` in a table of the "
                f"kind {entry['kind']}, expected evaluations and baselines; name it in a table of "
                f"the kind {kind}"
            )
        check = _check_items if entry["kind"] == "matching" else _check_labelled
        for name in weighted:
            if entry["kind"] == "matching":
                _check_listed(config, name, table)
            for dataset in entry["datasets"]:
                _check_errors(config, name, dataset)
                check(config, name, dataset)


def _check_errors(config: dict[str, Any], name: str, dataset: str) -> None:
    """That all errors are measured, and that weights act on classes by their mean error."""
    key, of = f"weightings.{name}.of", config["weightings"][name]["of"]
    check_single_stage(config, key, [of], [dataset])
    counts = candidate_counts(config, dataset)
    several = counts is None or counts[1] != 1
    if several and config["evaluations"][of].get("combine", "mean") != "mean":
        raise InputError(
            f"{key}: found `{of}`, which takes the best of several prompts of a class on "
            f"`{dataset}` (`combine: best`), expected `combine: mean`, as weights of timesteps are "
            "learned for the mean error of a class; choose another evaluation"
        )


def _check_labelled(config: dict[str, Any], name: str, dataset: str) -> None:
    """That some images remain to be predicted, where it is known how many there are."""
    classes = prompt_class_count(config, config["datasets"][dataset]["prompts"]) or 1
    _check_left(config, name, dataset, image_count(config, dataset), classes, "images")


def _check_left(
    config: dict[str, Any], name: str, dataset: str, there: int | None, classes: int, what: str
) -> None:
    """That draws of labelled images or items leave some over, of those that are `there`."""
    spec = config["weightings"][name]
    draws = max(entry["draws"] for entry in weighting_draws(config, name, spec).values())
    if there is None:
        return
    key = "per_class" if "per_class" in spec else "fraction"
    each = spec[key] * classes if key == "per_class" else max(2, round(spec[key] * there))
    if each * draws >= there:
        raise InputError(
            f"weightings.{name}.{key}: found {spec[key]}, which with {draws} draw"
            f"{'s' * (draws > 1)} takes {each * draws} or more of the {there} {what} of "
            f"`{dataset}`, expected fewer, so that some remain to be predicted; lower it, or "
            "`draws`"
        )


def _check_listed(config: dict[str, Any], name: str, table: str) -> None:
    """That a table of matching tasks has the evaluation with equal weights too."""
    methods, of = config["tables"][table]["methods"], config["weightings"][name]["of"]
    if of not in methods:
        raise InputError(
            f"tables.{table}.methods: found `{name}` without `{of}`, expected the evaluation whose "
            f"errors it weights too, as the page compares both; add `{of}`"
        )


def _check_items(config: dict[str, Any], name: str, dataset: str) -> None:
    """That items have right answers, and some remain, where it is known how many there are."""
    if has_effects(config["datasets"][dataset]):
        raise InputError(
            f"weightings.{name}: found the data set `{dataset}` in its table, which is scored by "
            "effect sizes, expected items with a right answer to learn from; put it into another "
            "table"
        )
    _check_left(config, name, dataset, item_count(config, dataset), 1, "items")
