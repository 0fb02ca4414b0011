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

from diffusion_classifier.data.sources.source import BELOW, PATH
from diffusion_classifier.messages import InputError

from .schema import source_keys

_FORMATS = {key: schema.get("format") for key, schema in source_keys().items()}
_PATHS = tuple(key for key, form in _FORMATS.items() if form in (PATH["format"], BELOW["format"]))
INPUTS: dict[str, tuple[str, ...]] = {
    "prompts": ("file", "groups.of"),
    "datasets": (*_PATHS, "indices"),
    "models": ("weights", "lora.weights"),
    "baselines": ("weights",),
    "tables": ("published",),
}
"""The keys of each section's entries whose values, where they are texts, are paths of inputs.

Those of a data set's source are paths by the format that the source gives them.
"""

_WORDS = ("shipped", "train")  # which stand for weights


def place(config: dict[str, Any], workflow: Path) -> None:
    """Replace every path in `config`, which fits the schema, by where it leads.

    `workflow` is the folder of the Snakefile. A path that leads nowhere stays as it is: whatever
    reads it says so. Raises InputError for the home folder of somebody who has none.
    """
    config["results"] = os.path.normpath(_expanded("results", config["results"]))
    for key, entry, name in _inputs(config):
        path = _expanded(key, entry[name])
        below = key.startswith("datasets.") and _FORMATS.get(name) == BELOW["format"]
        entry[name] = path if below else found(path, workflow)


def workflow_folder() -> Path:
    """The folder of the Snakefile: the checkout that this library lies in, or the working folder.

    Raises InputError if neither has a Snakefile.
    """
    for folder in (Path(__file__).resolve().parents[3], Path()):
        if (folder / "Snakefile").is_file():
            return folder
    raise InputError(
        "the working directory: found no Snakefile, expected the folder of the workflow, which the "
        "installed library is no part of; change to it, or write `pip install --editable .` there"
    )


def found(path: str, workflow: Path) -> str:
    """`path` as it is if it leads to something, or else relative to `workflow` if that does.

    What lies beside the workflow is named relative to the working directory, so that no file tells
    where on a machine the project lies.
    """
    beside = os.path.join(os.path.relpath(workflow), path)
    shipped = path and not _leads(path) and _leads(beside)
    return os.path.normpath(beside) if shipped else path


def folders(config: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """Key and path of every folder that a config names as an input."""
    for key, entry, name in _inputs(config):
        if Path(entry[name]).is_dir():
            yield key, Path(entry[name])


def _inputs(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every path of an input: its key, and the mapping and the name that it is the value of."""
    words = {("models", "weights"): _WORDS, ("baselines", "weights"): _WORDS}
    for section, keys in INPUTS.items():
        for own, spec in config[section].items():
            for key in keys:
                *parents, name = key.split(".")
                entry = spec
                for parent in parents:
                    entry = entry.get(parent, {})
                value = entry.get(name)
                if isinstance(value, str) and value not in words.get((section, key), ()):
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
