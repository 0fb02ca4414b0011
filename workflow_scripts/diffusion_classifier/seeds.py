"""Several trainings of a model: the `seeds` of an entry of `models` become one entry each."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from .messages import InputError

_ONE = ("model", "text_encoder", "evaluation", "method")
"""Keys whose value is the name of one model or method."""
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
    priors, the start of another training) gets the first.
    """
    seeds = {name: spec["seeds"] for name, spec in config["models"].items() if "seeds" in spec}
    if not seeds:
        return
    config["models"] = _expanded(config["models"], seeds, lambda *at: _training(workflow, *at))
    groups = dict(seeds)
    for section in ("evaluations", "baselines"):
        own = {name: seeds.get(spec.get("model"), []) for name, spec in config[section].items()}
        own = {name: numbers for name, numbers in own.items() if numbers}
        config[section] = _expanded(config[section], own, _of_training)
        groups |= own
    for section, entries in config.items():
        config[section] = _resolved(entries, groups)


def _resolved(entry: Any, seeds: dict[str, list[int]], key: str = "") -> Any:
    """`entry`, the value of `key`, with the names of what has several trainings replaced."""
    if isinstance(entry, dict):
        # under `policies` each data set maps labels, which may be any text, to evaluations
        inner = "evaluations" if key == "policies" else None
        as_key = "evaluation" if key == "evaluations" else None
        return {n: _resolved(value, seeds, inner or as_key or n) for n, value in entry.items()}
    if isinstance(entry, list) and key == "methods":
        return [
            name
            for method in entry
            for name in ([f"{method}-seed{n}" for n in seeds.get(method, [])] or [method])
        ]
    if isinstance(entry, list):
        return [_resolved(value, seeds) for value in entry]
    one = key in _ONE and isinstance(entry, str) and entry in seeds
    return f"{entry}-seed{seeds[entry][0]}" if one else entry


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
