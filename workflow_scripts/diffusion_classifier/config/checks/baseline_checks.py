"""Check `baselines`: their data sets, models and weights, and that they can answer all prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from diffusion_classifier.baselines.registry import BASELINES, baseline
from diffusion_classifier.data.sources.registry import has_own_captions
from diffusion_classifier.data.sources.sizes import class_count
from diffusion_classifier.messages import InputError, known

from ..image_counts import candidate_counts, prompt_class_count, prompt_rows
from ..methods import image_spec, is_shipped, models_for
from ..seeds import check_seeds, network_folder, network_seeds
from .model_checks import check_fetched

_CONDITION = "condition"  # column of prompts: the index of a class in class-conditional models


def check_old_spelling(config: dict[str, Any]) -> None:
    """Refuse a baseline with `train` instead of `tasks`, as in old configs.

    This check comes before all others, which read `tasks`; names may not exist yet.
    """
    for name, spec in config["baselines"].items():
        if "train" not in spec:
            continue
        found = f"baselines.{name}.train: found {spec['train']!r}, expected "
        if not baseline(spec["kind"]).learns:
            raise InputError(
                f"{found}no such key of kind {spec['kind']}, which is not trained; remove it"
            )
        if "tasks" in spec:
            raise InputError(
                f"{found}only `tasks`, with a data set for each set of prompts; remove `train`"
            )
        task = _written_task(spec["kind"], spec["train"])
        tasks = ", ".join(f"{prompts}: {task}" for prompts in _old_tasks(config, name))
        raise InputError(
            f"{found}a data set for each set of prompts; write `tasks: {{{tasks}}}` instead"
        )


def _written_task(kind: str, train: str = "DATASET") -> str:
    """A task in the spelling of a config."""
    return f"{{train: {train}{', validation: DATASET' if baseline(kind).validates else ''}}}"


def _old_tasks(config: dict[str, Any], name: str) -> list[str]:
    """The sets of prompts that a baseline with `train` has to answer."""
    datasets = [
        dataset
        for spec in config["tables"].values()
        if name in spec["methods"]
        for dataset in spec.get("datasets", [])
    ]
    for names in (datasets, [config["baselines"][name]["train"]]):
        entries = [config["datasets"].get(dataset, {}) for dataset in names]
        if prompts := [entry["prompts"] for entry in entries if "prompts" in entry]:
            return list(dict.fromkeys(prompts))
    return ["PROMPTS"]


def check_baseline(config: dict[str, Any], name: str, spec: dict[str, Any], workflow: Path) -> None:
    """Check the entry `spec` of a baseline."""
    key, kind = f"baselines.{name}", baseline(spec["kind"])
    for prompts, sets in spec.get("tasks", {}).items():
        known(f"{key}.tasks", prompts, config["prompts"], "set of prompts")
        for part, dataset in sets.items():
            known(f"{key}.tasks.{prompts}.{part}", dataset, config["datasets"], "data set")
            _check_classes(config, f"{key}.tasks.{prompts}.{part}", prompts, dataset)
        if kind.validates and "validation" not in sets:
            raise InputError(
                f"{key}.tasks.{prompts}: found `train` alone, expected `train` and `validation`, "
                f"on whose images {kind.validates}; add it"
            )
    check_network(config, name, workflow)
    if "weights" in spec and not kind.weights:
        raise InputError(
            f"{key}.weights: found {spec['weights']!r}, expected no such key of kind "
            f"{spec['kind']}, which is fitted in the run or uses a model; remove it"
        )
    if isinstance(spec.get("weights"), dict):
        check_fetched(f"{key}.weights", spec["weights"])
    if kind.model:
        known(f"{key}.model", spec["model"], models_for(config, kind.model), kind.model)
    kind.check(key, spec)


def _check_classes(config: dict[str, Any], key: str, prompts: str, dataset: str) -> None:
    """Check that a training set has as many classes as the prompts, if both are known."""
    data = config["datasets"][dataset]
    found = class_count(data) if "source" in data else None
    expected = prompt_class_count(config, prompts)
    if found and expected and found != expected:
        raise InputError(
            f"{key}: found `{dataset}` of {found} classes, expected {expected}, as many as "
            f"prompts.{prompts} names; choose another data set"
        )


def check_answers(config: dict[str, Any], name: str, dataset: str, user: str) -> None:
    """Check that the baseline `name` can answer the prompts of a data set.

    `user` is the key of the table or prior that needs the answers. Guesses and CLIPs, which read
    texts, answer all prompts.
    """
    spec, data = config["baselines"][name], config["datasets"][dataset]
    kind = baseline(spec["kind"])
    if kind.reads_texts:
        return
    if has_own_captions(data):
        kinds = [name for name in BASELINES if baseline(name).reads_texts]
        raise InputError(
            f"{user}: found `{name}` of kind {spec['kind']} for the data set `{dataset}`, "
            "whose images have captions of their own and no classes, expected baselines of kind "
            f"{' or '.join(kinds)} for it; remove one of the two"
        )
    if outputs := kind.outputs(spec):
        _check_outputs(config, name, dataset, user, outputs)
    elif kind.learns and data["prompts"] not in spec["tasks"]:
        raise InputError(
            f"baselines.{name}.tasks: found {', '.join(spec['tasks'])}, expected all sets of "
            f"prompts that {user} asks it about, but `{data['prompts']}` (of the data set "
            f"`{dataset}`) is missing; add `{data['prompts']}: {_written_task(spec['kind'])}`"
        )


def _check_outputs(
    config: dict[str, Any], name: str, dataset: str, user: str, outputs: int
) -> None:
    """Check that the prompts say which of a pretrained network's `outputs` each class is."""
    prompts, kind = config["datasets"][dataset]["prompts"], config["baselines"][name]["kind"]
    counts = candidate_counts(config, dataset)
    has_condition = any(_CONDITION in row for row in prompt_rows(config["prompts"][prompts]))
    if has_condition or counts is None or counts[0] == outputs:
        return
    raise InputError(
        f"{user}: found `{name}` of kind {kind} for the data set `{dataset}`, whose prompts "
        f"`{prompts}` have {counts[0]} classes, expected {outputs}, as many as the network has, or "
        f"a column `{_CONDITION}` with the network's index of each class (see config/README.md); "
        "add it to the prompts, or remove one of the two"
    )


_RECIPE = ("kind", "params", "preprocess", "optimisation", "augmentation")
"""The keys of a network's entry that affect its weights."""


def check_network(config: dict[str, Any], name: str, workflow: Path) -> None:
    """Check the weights of a baseline that is a network; shipped ones against their recipe."""
    key, spec = f"baselines.{name}", config["baselines"][name]
    if baseline(spec["kind"]).weights != "trained" or "weights" not in spec:
        return
    if spec["weights"] not in ("shipped", "train"):
        raise InputError(
            f"{key}.weights: found {spec['weights']!r} with the kind {spec['kind']}, expected "
            "`shipped` or `train`; correct it, or choose the kind pretrained"
        )
    if not is_shipped(spec):
        return
    shipped = network_seeds(workflow, name)
    if not shipped:
        raise InputError(
            f"{key}.weights: found `shipped`, but no weights of that name come with the project, "
            "expected a name in resources/models; correct the name, or write `weights: train`"
        )
    check_seeds(key, spec, shipped)
    for seed in spec.get("seeds", [0]):
        for prompts, sets in spec["tasks"].items():
            folder = network_folder(workflow, name, seed, prompts)
            if not folder.is_dir():
                raise InputError(
                    f"{key}.tasks: found `{prompts}` with `weights: shipped`, expected sets of "
                    "prompts that the shipped weights answer; remove it, or write `weights: train`"
                )
            record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
            _check_recipe(key, spec, record["recipe"])
            images = image_spec(config, sets["train"])
            _check_images(f"{key}.tasks.{prompts}.train", sets["train"], images, record["data"])


def _check_recipe(key: str, spec: dict[str, Any], recipe: dict[str, Any]) -> None:
    """Check that a shipped network's recipe is that of its entry."""
    for part in _RECIPE:
        if spec.get(part) != recipe.get(part):
            raise InputError(
                f"{key}.{part}: found {spec.get(part)} with `weights: shipped`, expected "
                f"{recipe.get(part)}, as these weights were trained; correct it, or write "
                "`weights: train`"
            )


def _check_images(key: str, dataset: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check that a shipped network was trained on the images in its entry."""
    if found != expected:
        raise InputError(
            f"{key}: found `{dataset}`, which is {found}, with `weights: shipped`, expected the "
            f"images that these weights were trained on, {expected}; correct it, or write "
            "`weights: train`"
        )
