"""What shipped networks need: that they are there, and were trained as the config says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from diffusion_classifier.baselines.registry import baseline
from diffusion_classifier.messages import InputError

from ..methods import image_spec, is_shipped
from ..seeds import check_seeds, network_folder, network_seeds

_RECIPE = ("kind", "params", "preprocess", "optimisation", "augmentation")
"""The keys of a network's entry that decided its weights."""


def check_network(config: dict[str, Any], name: str, workflow: Path) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
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
    """That a network was trained as its entry says."""
    for part in _RECIPE:
        if spec.get(part) != recipe.get(part):
            raise InputError(
                f"{key}.{part}: found {spec.get(part)} with `weights: shipped`, expected "
                f"{recipe.get(part)}, as these weights were trained; correct it, or write "
                "`weights: train`"
            )


def _check_images(key: str, dataset: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """That a network was trained on the images that its entry names."""
    if found != expected:
        raise InputError(
            f"{key}: found `{dataset}`, which is {found}, with `weights: shipped`, expected the "
            f"images that these weights were trained on, {expected}; correct it, or write "
            "`weights: train`"
        )
