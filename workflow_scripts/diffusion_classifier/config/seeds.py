"""Several trainings of a model: an entry of `models` with `seeds` becomes one entry per seed."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

_METHODS = ("evaluations", "baselines")
"""Sections of the config whose entries are methods."""
SHIPPED = Path("resources") / "models"
"""The folder of shipped weights, relative to the Snakefile."""


def shipped_folder(workflow: Path, name: str, seed: int = 0) -> Path:
    """The folder of a shipped model: NAME for seed 0, NAME-seedN for another seed N."""
    return workflow / SHIPPED / (name if seed == 0 else f"{name}-seed{seed}")


def shipped_seeds(workflow: Path, name: str) -> list[int]:
    """The seeds of a model's shipped trainings."""
    first = [0] if shipped_folder(workflow, name).is_dir() else []
    return first + _numbers((workflow / SHIPPED).glob(f"{glob.escape(name)}-seed*"))


def network_folder(workflow: Path, name: str, seed: int, prompts: str) -> Path:
    """The folder of a shipped network, which was trained for one set of prompts."""
    return workflow / SHIPPED / name / f"seed{seed}" / prompts


def network_seeds(workflow: Path, name: str) -> list[int]:
    """The seeds of a baseline network's shipped trainings."""
    return _numbers((workflow / SHIPPED / name).glob("seed*"))


def _numbers(folders: Iterable[Path]) -> list[int]:
    """The numbers at the end of the folders' names, after `seed`, sorted."""
    found = (folder.name.rpartition("seed")[2] for folder in folders)
    return sorted(int(number) for number in found if number.isdigit())


def check_seeds(key: str, spec: dict[str, Any], shipped: Iterable[int]) -> None:
    """Raise InputError if the entry `spec` at `key` has shipped weights without one of its seeds.

    `shipped` are the seeds of the shipped weights.
    """
    if spec.get("weights") != "shipped":
        return
    missing = [seed for seed in spec.get("seeds", [0]) if seed not in set(shipped)]
    if missing:
        there = ", ".join(map(str, shipped)) or "none"
        raise InputError(
            f"{key}.seeds: found {missing[0]} with `weights: shipped`, expected seeds of trainings "
            f"that are shipped ({there}); correct it, or write `weights: train`"
        )


def expand_seeds(config: dict[str, Any], workflow: Path) -> None:
    """Replace every model with `seeds`, and every method that uses it, by one entry per seed.

    The new entries are called NAME-seedN and have the same label; their `group` is NAME. Tables
    list all of them. Keys that name a single model or method (curves, sampled images, priors, the
    text encoder of a training) get the first. Raises InputError if another entry has such a name.
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
    config["models"] = _expanded(config["models"], models, partial(_model_entry, workflow))
    for section in _METHODS:
        config[section] = _expanded(config[section], methods, _method_entry)
    seeds_by_key = dict.fromkeys(("model", "text_encoder"), models)
    seeds_by_key |= dict.fromkeys(("method", "methods", "evaluation"), methods)
    for section, entries in config.items():
        config[section] = _resolved(entries, seeds_by_key)


def _check_names(section: str, seeds: dict[str, list[int]], entries: dict[str, Any]) -> None:
    taken = [name for name in _names(seeds) if name in entries]
    if taken:
        raise InputError(
            f"{section}: found the name `{taken[0]}`, which a training of a model with `seeds` has "
            "too (<name>-seed<n>), expected different names; rename one of them"
        )


def _names(seeds: dict[str, list[int]]) -> list[str]:
    return [f"{name}-seed{number}" for name in seeds for number in seeds[name]]


def _resolved(entry: Any, seeds_by_key: dict[str, dict[str, list[int]]], key: str = "") -> Any:
    """`entry`, the value of `key`, with the names of entries with seeds replaced.

    `seeds_by_key[key]` maps the names with seeds that may be a value of `key` to their seeds.
    """
    if isinstance(entry, dict):
        return {name: _resolved(value, seeds_by_key, name) for name, value in entry.items()}
    seeds = seeds_by_key.get(key, {})
    if isinstance(entry, list):
        if key != "methods":
            return [_resolved(value, seeds_by_key) for value in entry]
        names = (_names({name: seeds[name]}) if name in seeds else [name] for name in entry)
        return list(chain.from_iterable(names))
    has_seeds = isinstance(entry, str) and entry in seeds
    return f"{entry}-seed{seeds[entry][0]}" if has_seeds else entry


def _expanded(
    entries: dict[str, Any],
    seeds: dict[str, list[int]],
    make: Callable[[str, dict[str, Any], int], dict[str, Any]],
) -> dict[str, Any]:
    """`entries` with every name in `seeds` replaced by its trainings, in the same order."""
    found = {}
    for name, spec in entries.items():
        if name in seeds:
            found |= {f"{name}-seed{n}": make(name, spec, n) for n in seeds[name]}
        else:
            found[name] = spec
    return found


def _model_entry(workflow: Path, name: str, spec: dict[str, Any], seed: int) -> dict[str, Any]:
    """The entry of a model's training with `seed`."""
    entry = deepcopy({key: value for key, value in spec.items() if key != "seeds"})
    entry["group"] = name
    if spec["weights"] == "shipped":
        folder = shipped_folder(Path(os.path.relpath(workflow)), name, seed)
        return entry | {"weights": str(folder)}
    for key in entry["training"]:
        if key.endswith("optimisation"):
            entry["training"][key]["seed"] = seed
    return entry


def _method_entry(name: str, spec: dict[str, Any], seed: int) -> dict[str, Any]:
    """The entry of a method that uses a model's training with `seed`."""
    return deepcopy(spec) | {"model": f"{spec['model']}-seed{seed}", "group": name}
