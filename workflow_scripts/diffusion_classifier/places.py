"""Where the paths that a config names lead.

`~` is a home folder. A relative path is below the working directory, as Snakemake has it; an input
that is not there is looked for beside the workflow, where lies what the shipped configs name.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .messages import InputError

INPUTS: dict[str, tuple[str, ...]] = {
    "prompts": ("file", "groups.of"),
    "datasets": ("path", "root", "file", "metadata", "data_files", "data_dir", "indices"),
    "models": ("weights", "lora.weights"),
    "baselines": ("weights",),
    "tables": ("published",),
}
"""The keys of each section's entries whose values, where they are texts, are paths of inputs."""

_NO_PATHS = {"weights": ("shipped", "train")}
_IN_THEIR_FOLDER = ("metadata",)  # a file of the folder `path`, unless it is an absolute path


def place(config: dict[str, Any], workflow: Path) -> None:
    """Replace every path in `config`, which fits the schema, by where it leads.

    `workflow` is the folder of the Snakefile. A path that leads nowhere stays as it is: whatever
    reads it says so. Raises InputError for the home folder of somebody who has none.
    """
    config["results"] = os.path.normpath(_expanded("results", config["results"]))
    for key, entry, name in _inputs(config):
        if entry[name] in _NO_PATHS.get(name, ()):
            continue
        path = _expanded(key, entry[name])
        entry[name] = path if name in _IN_THEIR_FOLDER else found(path, workflow)


def found(path: str, workflow: Path) -> str:
    """`path` as it is if it leads to something, or else relative to `workflow` if that does.

    What lies beside the workflow is named relative to the working directory, so that no file tells
    where on a machine the project lies.
    """
    beside = os.path.join(os.path.relpath(workflow), path)
    return path if _leads(path) or not _leads(beside) else os.path.normpath(beside)


def folders(config: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """Key and path of every folder that a config names as an input."""
    for key, entry, name in _inputs(config):
        if entry[name] not in _NO_PATHS.get(name, ()) and Path(entry[name]).is_dir():
            yield key, Path(entry[name])


def _inputs(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every path of an input: its key, and the mapping and the name that it is the value of."""
    for section, keys in INPUTS.items():
        for own, spec in config[section].items():
            for key in keys:
                *parents, name = key.split(".")
                entry = spec
                for parent in parents:
                    entry = entry.get(parent, {})
                if isinstance(entry.get(name), str):
                    yield f"{section}.{own}.{key}", entry, name


def _expanded(key: str, path: str) -> str:
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        raise InputError(
            f"{key}: found {path!r}, but there is no home folder of that name; expected a path; "
            "write it in full, or ./ before it if the name begins with ~"
        )
    return expanded


def _leads(path: str) -> bool:
    return os.path.exists(path) or any(glob.iglob(path, recursive=True))
