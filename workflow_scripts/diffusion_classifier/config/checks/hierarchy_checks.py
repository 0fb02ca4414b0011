"""What hierarchies need: groups of all classes, with prompts that the model can read."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.data.sources.registry import has_examples
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.messages import InputError, known

from ..methods import groups_of, questions
from .dataset_checks import prompt_classes

TIMESTEPS = 1000


def check_groups(config: dict[str, Any], name: str) -> None:
    """Raise InputError unless the `groups` of a set of prompts, if it has any, can be asked about.

    Names key, value, expectation and remedy.
    """
    key, spec = f"prompts.{name}.groups", config["prompts"][name]
    if "groups" not in spec:
        return
    others = [other for other in config["prompts"] if other != name]
    known(f"{key}.prompts", spec["groups"]["prompts"], others, "other set of prompts")
    groups = _classes(config["prompts"][spec["groups"]["prompts"]])
    if groups is None:
        raise InputError(
            f"{key}.prompts: found `{spec['groups']['prompts']}`, which is made of a data set's "
            "captions, expected a set of prompts with `classes` or a `file`; choose another"
        )
    captioned = config["datasets"].get(spec.get("captions"), {})
    if has_examples(captioned):
        raise InputError(
            f"{key}: found beside the captions of `{spec['captions']}`, of which every image has "
            "its own, so there are no classes to group; leave it out"
        )
    # pandas takes half a second to import, which only who has groups should wait for
    from diffusion_classifier.selection import hierarchy

    group_of = hierarchy.read_groups(spec["groups"]["of"], f"{key}.of")
    hierarchy.check_groups(group_of, _classes(spec), groups, f"{key}.of")


def check_hierarchies(config: dict[str, Any]) -> None:
    """Raise InputError for an evaluation whose stage of groups cannot work or would do nothing."""
    asked = list(
        dict.fromkeys(pair for table in config["tables"] for pair in questions(config, table))
    )
    for name, spec in config["evaluations"].items():
        if "hierarchy" in spec:
            _check_samples(config, f"evaluations.{name}.hierarchy", spec)
            _check_datasets(config, name, [data for own, data in asked if own == name])


def _check_samples(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    samples, noises = spec["hierarchy"]["samples"], config["noise"]["size"]
    family = FAMILIES[config["models"][spec["model"]]["family"]]
    if family.class_conditional:
        raise InputError(
            f"{key}: found with `{spec['model']}`, a model of the family {family.name}, which is "
            "told class indices and knows none of a group; expected a model that reads prompts; "
            "leave it out"
        )
    if TIMESTEPS % samples:
        raise InputError(
            f"{key}.samples: found {samples}, expected a divisor of {TIMESTEPS}, the model's "
            "timesteps, to space them evenly; choose one"
        )
    if samples > noises:
        raise InputError(
            f"{key}.samples: found {samples}, but the noise bank has {noises}, expected one noise "
            f"each; set `noise: size` to at least {samples} or take fewer samples"
        )


def _check_datasets(config: dict[str, Any], name: str, datasets: list[str]) -> None:
    key, spec = f"evaluations.{name}.hierarchy", config["evaluations"][name]["hierarchy"]
    found = {data: groups for data in datasets if (groups := groups_of(config, name, data))}
    if datasets and not found:
        prompts = sorted({config["datasets"][data]["prompts"] for data in datasets})
        raise InputError(
            f"{key}: found for {', '.join(datasets)}, but the prompts of none of them "
            f"({', '.join(prompts)}) have `groups`; add `groups` to those or leave it out"
        )
    for data, groups in found.items():
        count = _classes(config["prompts"][groups["prompts"]])
        if spec["keep"] >= count:
            own = config["datasets"][data]["prompts"]
            raise InputError(
                f"{key}.keep: found {spec['keep']}, expected less than {count}, all groups of the "
                f"prompts `{own}` (data set {data}), of which none would be left out; lower it, or "
                "take `groups` from those prompts"
            )


def _classes(spec: dict[str, Any]) -> int | None:
    """How many classes a set of prompts has; None if only the data it is made of can say."""
    if "classes" in spec:
        return prompt_classes(spec)
    if "captions" in spec:
        return None
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts

    return int(named_prompts(read_prompts(spec["file"]))["classidx"].max()) + 1
