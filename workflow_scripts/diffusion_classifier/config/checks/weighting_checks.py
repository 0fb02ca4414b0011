"""What weightings need: every error of an evaluation, and labelled images that leave some over."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.messages import InputError, known

from ..draws import weighting_draws
from ..image_counts import candidate_counts, image_count, prompt_class_count
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
        if weighted and entry["kind"] != "accuracy":
            raise InputError(
                f"tables.{table}.methods: found `{weighted[0]}` of `weightings` in a table of the "
                f"kind {entry['kind']}, expected evaluations and baselines; name it in a table of "
                "the kind accuracy"
            )
        for name in weighted:
            for dataset in entry["datasets"]:
                _check_errors(config, name, dataset)
                _check_labelled(config, name, dataset)


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
    spec, images = config["weightings"][name], image_count(config, dataset)
    draws = max(entry["draws"] for entry in weighting_draws(config, name, spec).values())
    if images is None:
        return
    if "per_class" in spec:
        classes = prompt_class_count(config, config["datasets"][dataset]["prompts"]) or 1
        key, used = "per_class", spec["per_class"] * draws * classes
    else:
        key, used = "fraction", max(2, round(spec["fraction"] * images)) * draws
    if used >= images:
        raise InputError(
            f"weightings.{name}.{key}: found {spec[key]}, which with {draws} draw"
            f"{'s' * (draws > 1)} takes {used} or more of the {images} images of `{dataset}`, "
            "expected fewer, so that some remain to be predicted; lower it, or `draws`"
        )
