"""What baselines need: parts that exist, and something to answer each set of prompts with."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from diffusion_classifier.data import class_lists
from diffusion_classifier.data.sources.registry import EXAMPLES
from diffusion_classifier.data.sources.sizes import class_count
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.weights.model_parts import check_classifier_folder

from ..image_counts import candidate_counts, prompt_class_count
from ..methods import LEARNED, NETWORKS, clip_names, text_to_image_names
from .model_checks import check_fetched
from .network_checks import check_network

IMAGENET_CLASSES = 1000
_CONDITION = "condition"


def check_spelling(config: dict[str, Any]) -> None:
    """Raise InputError, saying what to write instead, for a baseline with `train`.

    The other checks rely on `tasks`, so this one comes first: names need not exist yet.
    """
    for name, spec in config["baselines"].items():
        if "train" not in spec:
            continue
        found = f"baselines.{name}.train: found {spec['train']!r}, expected "
        if spec["kind"] not in LEARNED:
            raise InputError(
                f"{found}no such key of kind {spec['kind']}, which is not trained; remove it"
            )
        if "tasks" in spec:
            raise InputError(
                f"{found}`tasks` alone, which say it of each set of prompts; remove `train`"
            )
        sets = _sets(spec["kind"], spec["train"])
        tasks = ", ".join(f"{prompts}: {sets}" for prompts in _asked_prompts(config, name))
        raise InputError(
            f"{found}a data set for each set of prompts; write `tasks: {{{tasks}}}` instead"
        )


def _sets(kind: str, train: str = "DATASET") -> str:
    """A task as it is written in a config."""
    return f"{{train: {train}{', validation: DATASET' if kind == 'probe' else ''}}}"


def _asked_prompts(config: dict[str, Any], name: str) -> list[str]:
    """The sets of prompts that a baseline with `train` was meant to answer."""
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
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    key = f"baselines.{name}"
    for prompts, sets in spec.get("tasks", {}).items():
        known(f"{key}.tasks", prompts, config["prompts"], "set of prompts")
        for part, dataset in sets.items():
            known(f"{key}.tasks.{prompts}.{part}", dataset, config["datasets"], "data set")
            _check_classes(config, f"{key}.tasks.{prompts}.{part}", prompts, dataset)
        if spec["kind"] == "probe" and "validation" not in sets:
            raise InputError(
                f"{key}.tasks.{prompts}: found `train` alone, expected `train` and `validation`, "
                "on whose images a probe chooses its layer and timestep; add it"
            )
    check_network(config, name, workflow)
    if spec["kind"] == "clip":
        known(f"{key}.model", spec["model"], clip_names(config), "CLIP model")
    if "weights" in spec and spec["kind"] not in (*NETWORKS, "pretrained"):
        raise InputError(
            f"{key}.weights: found {spec['weights']!r}, expected no such key of kind "
            f"{spec['kind']}, which is fitted in the run or uses a model; remove it"
        )
    if isinstance(spec.get("weights"), dict):
        check_fetched(f"{key}.weights", spec["weights"])
    elif spec["kind"] == "pretrained" and not Path(spec["weights"]).is_dir():
        raise InputError(
            f"{key}.weights: found {spec['weights']!r}, but there is no such folder; expected one, "
            "or `hub` and `revision`, or `torchvision`; correct it"
        )
    elif spec["kind"] == "pretrained":
        try:
            check_classifier_folder(spec["weights"])
        except InputError as error:
            raise InputError(f"{key}.weights: {error}") from None
    if spec["kind"] == "probe":
        known(f"{key}.model", spec["model"], text_to_image_names(config), "text-to-image model")


def _check_classes(config: dict[str, Any], key: str, prompts: str, dataset: str) -> None:
    """That the classes of the images learned from are as many as the prompts name."""
    data = config["datasets"][dataset]
    found = class_count(data) if "source" in data else None
    expected = prompt_class_count(config, prompts)
    if found and expected and found != expected:
        raise InputError(
            f"{key}: found `{dataset}` of {found} classes, expected {expected}, as many as "
            f"prompts.{prompts} names; choose another data set"
        )


def check_answers(config: dict[str, Any], name: str, dataset: str, asked_by: str) -> None:
    """Raise InputError unless a baseline can answer the prompts of a data set.

    `name` is its entry in the config; `asked_by` is the key of the table or prior that asks it.
    Guesses and CLIPs, which read texts, answer all prompts.
    """
    spec, data = config["baselines"][name], config["datasets"][dataset]
    if spec["kind"] in ("clip", "chance"):
        return
    if data.get("source") in EXAMPLES:
        raise InputError(
            f"{asked_by}: found `{name}` of kind {spec['kind']} for the data set `{dataset}`, "
            "whose images have captions of their own and no classes, expected baselines of kind "
            "clip or chance for it; remove one of the two"
        )
    if spec["kind"] == "pretrained":
        _check_imagenet(config, name, dataset, asked_by)
    elif data["prompts"] not in spec["tasks"]:
        raise InputError(
            f"baselines.{name}.tasks: found {', '.join(spec['tasks'])}, expected all sets of "
            f"prompts that {asked_by} asks it about, but `{data['prompts']}` (of the data set "
            f"`{dataset}`) is missing; add `{data['prompts']}: {_sets(spec['kind'])}`"
        )


def _check_imagenet(config: dict[str, Any], name: str, dataset: str, asked_by: str) -> None:
    """That a network which others trained is told which of its classes the prompts mean."""
    prompts, outputs = config["datasets"][dataset]["prompts"], _outputs(config["baselines"][name])
    counted = candidate_counts(config, dataset)
    if _has_condition(config["prompts"][prompts]) or counted is None or counted[0] == outputs:
        return
    raise InputError(
        f"{asked_by}: found `{name}` of kind pretrained for the data set `{dataset}`, whose "
        f"prompts `{prompts}` name {counted[0]} classes, expected the network's {outputs}, or a "
        f"`{_CONDITION}`, which of those a class is (see config/README.md); add it to the prompts, "
        "or remove one of the two"
    )


def _outputs(spec: dict[str, Any]) -> int:
    """How many classes a pretrained network has: ImageNet's, unless its folder says another."""
    if isinstance(spec["weights"], str):
        with suppress(OSError, ValueError, AttributeError):
            said = json.loads((Path(spec["weights"]) / "config.json").read_text(encoding="utf-8"))
            if isinstance(count := said.get("num_classes"), int):
                return count
    return IMAGENET_CLASSES


def _has_condition(prompts: dict[str, Any]) -> bool:
    """Whether an entry of `prompts` says by which index a class-conditional model knows a class."""
    if "file" in prompts:
        with (
            suppress(OSError, ValueError, csv.Error),  # the job that reads it says what is wrong
            open(prompts["file"], encoding="utf-8-sig", newline="") as file,
        ):
            return _CONDITION in next(csv.reader(file), [])
    listed = prompts.get("classes")
    return isinstance(listed, str) and _CONDITION in class_lists.class_rows(listed)[0]
