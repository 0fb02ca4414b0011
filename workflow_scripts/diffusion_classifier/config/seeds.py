"""Several trainings of a model: the `seeds` of an entry of `models` become one entry each."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

_METHODS = ("evaluations", "baselines")
"""Sections of the config whose entries are methods."""
SHIPPED = Path("resources") / "models"
"""Where the weights that come with the project lie, below the folder of the Snakefile."""


def shipped_folder(workflow: Path, name: str, seed: int = 0) -> Path:
    """The folder of a shipped model: the first training in NAME, another in NAME-seedN."""
    return workflow / SHIPPED / (name if seed == 0 else f"{name}-seed{seed}")


def shipped_seeds(workflow: Path, name: str) -> list[int]:
    """The seeds of the trainings of a model that are shipped."""
    first = [0] if shipped_folder(workflow, name).is_dir() else []
    return first + _numbers((workflow / SHIPPED).glob(f"{glob.escape(name)}-seed*"))


def network_folder(workflow: Path, name: str, seed: int, prompts: str) -> Path:
    """The folder of a shipped network: a baseline's training that answers one set of prompts."""
    return workflow / SHIPPED / name / f"seed{seed}" / prompts


def network_seeds(workflow: Path, name: str) -> list[int]:
    """The seeds of the trainings of a baseline network that are shipped."""
    return _numbers((workflow / SHIPPED / name).glob("seed*"))


def _numbers(folders: Iterable[Path]) -> list[int]:
    """The numbers after `seed` at the end of folders' names, sorted."""
    found = (folder.name.rpartition("seed")[2] for folder in folders)
    return sorted(int(number) for number in found if number.isdigit())


def check_seeds(key: str, spec: dict[str, Any], shipped: Iterable[int]) -> None:
    """Raise InputError for `seeds` of a model or network, at `key`, that cannot be had.

    `shipped` are the seeds whose weights come with the project.
    """
    seeds = spec.get("seeds", [0])
    if spec.get("weights") != "shipped":
        return
    missing = [seed for seed in seeds if seed not in set(shipped)]
    if missing:
        there = ", ".join(map(str, shipped)) or "none"
        raise InputError(
            f"{key}.seeds: found {missing[0]} with `weights: shipped`, expected seeds of trainings "
            f"that are shipped ({there}); correct it, or write `weights: train`"
        )


def expand_seeds(config: dict[str, Any], workflow: Path) -> None:
    """Replace every model with `seeds`, and every method that uses it, by one entry per seed.

    The entries are called NAME-seedN, have the same label and say by `group` what they are
    trainings of. Tables ask all of them. What can use one model only (curves, sampled images,
    priors, the start of another training) gets the first. Raises InputError if another entry has
    such a name.
    """
    models = {name: spec["seeds"] for name, spec in config["models"].items() if "seeds" in spec}
    if not models:
        return
    methods = {
        name: models[spec["model"]]
        for section in _METHODS
        for name, spec in config[section].items()
        if spec.get("model") in models
    }
    for section, seeds in (("models", models), *((section, methods) for section in _METHODS)):
        _check_names(section, seeds, config[section])
    config["models"] = _expanded(config["models"], models, lambda *at: _training(workflow, *at))
    for section in _METHODS:
        config[section] = _expanded(config[section], methods, _of_training)
    of_key = dict.fromkeys(("model", "text_encoder"), models)
    of_key |= dict.fromkeys(("method", "methods", "evaluation", "judge"), methods)
    for section, entries in config.items():
        config[section] = _resolved(entries, of_key)


def _check_names(section: str, seeds: dict[str, list[int]], entries: dict[str, Any]) -> None:
    taken = [name for name in _names(seeds) if name in entries]
    if taken:
        raise InputError(
            f"{section}: found the name `{taken[0]}`, which a training of a model with `seeds` has "
            "too (<name>-seed<n>), expected different names; rename one of them"
        )


def _names(seeds: dict[str, list[int]]) -> list[str]:
    return [f"{name}-seed{number}" for name in seeds for number in seeds[name]]


def _first(name: str, seeds: dict[str, list[int]]) -> str:
    """The first training of what is called `name`, or this itself if it has no seeds."""
    return f"{name}-seed{seeds[name][0]}" if name in seeds else name


def _resolved(entry: Any, of_key: dict[str, dict[str, list[int]]], key: str = "") -> Any:
    """`entry`, the value of `key`, with the names of what has several trainings replaced.

    `of_key` says what a key names: name -> seeds.
    """
    if isinstance(entry, dict):
        return {name: _resolved(value, of_key, name) for name, value in entry.items()}
    if isinstance(entry, list):
        if key != "methods":
            return [_resolved(value, of_key) for value in entry]
        seeds = of_key[key]
        return [one for n in entry for one in (_names({n: seeds[n]}) if n in seeds else [n])]
    return _first(entry, of_key.get(key, {})) if isinstance(entry, str) else entry


def _expanded(entries: dict[str, Any], seeds: dict[str, list[int]], make: Any) -> dict[str, Any]:
    """`entries` with every name in `seeds` replaced by its trainings, in place."""
    found = {}
    for name, spec in entries.items():
        if name in seeds:
            found |= {f"{name}-seed{n}": make(name, spec, n) for n in seeds[name]}
        else:
            found[name] = spec
    return found


def _training(workflow: Path, name: str, spec: dict[str, Any], seed: int) -> dict[str, Any]:
    """The entry of a model's training from `seed`."""
    own = deepcopy({key: value for key, value in spec.items() if key != "seeds"}) | {"group": name}
    if spec["weights"] == "shipped":
        folder = shipped_folder(Path(os.path.relpath(workflow)), name, seed)
        return own | {"weights": str(folder)}
    for key in own["training"]:
        if key.endswith("optimisation"):
            own["training"][key]["seed"] = seed
    return own


def _of_training(name: str, spec: dict[str, Any], seed: int) -> dict[str, Any]:
    """The entry of a method that uses a model's training from `seed`."""
    return deepcopy(spec) | {"model": f"{spec['model']}-seed{seed}", "group": name}
