"""The paths of a config: find the inputs, and check that results have a folder of their own."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diffusion_classifier.data.sources.source import BELOW, BENCHMARK, PATH
from diffusion_classifier.messages import InputError

from .schema import source_keys

_FORMATS = {key: schema.get("format") for key, schema in source_keys().items()}
_OF_PATHS = (PATH["format"], BELOW["format"], BENCHMARK["format"])
_PATHS = tuple(key for key, form in _FORMATS.items() if form in _OF_PATHS)
BENCHMARKS = "resources/benchmarks"
"""The folder of the shipped descriptions of benchmarks."""
INPUTS: dict[str, tuple[str, ...]] = {
    "prompts": ("file", "groups.of"),
    "datasets": (*_PATHS, "indices", "ticked"),
    "models": ("weights", "lora.weights"),
    "baselines": ("weights",),
    "tables": ("published",),
}
"""The keys of each section's entries that are paths of inputs if their value is a text.

A data set's source declares which of its keys are paths by their JSON schema's `format`.
"""

_WORDS = ("shipped", "train")  # values of `weights` that are no paths


def resolve_paths(config: dict[str, Any], workflow: Path) -> None:
    """Expand `~` in every path of `config`, which fits the schema, and apply `find_path`.

    `workflow` is the folder of the Snakefile. The code that reads a path reports it if it does not
    exist. Raises InputError for `~NAME` if there is no such user.
    """
    config["results"] = os.path.normpath(_expanded("results", config["results"]))
    for key, entry, name in _inputs(config):
        path = _expanded(key, entry[name])
        if _FORMATS.get(name) == BENCHMARK["format"] and key.startswith("datasets."):
            path = _benchmark(path)
        below = key.startswith("datasets.") and _FORMATS.get(name) == BELOW["format"]
        entry[name] = path if below else find_path(path, workflow)


def workflow_folder() -> Path:
    """The folder of the Snakefile: the checkout of this library, or the working directory.

    Raises InputError if neither has a Snakefile.
    """
    for folder in (Path(__file__).resolve().parents[3], Path()):
        if (folder / "Snakefile").is_file():
            return folder
    raise InputError(
        "the working directory: found no Snakefile, expected the folder of the workflow, which the "
        "installed library does not contain; change to it, or write `pip install --editable .` "
        "there"
    )


def find_path(path: str, workflow: Path) -> str:
    """`path` if it exists, or else the path relative to `workflow` if that exists, or else `path`.

    The latter is written relative to the working directory, so that no file contains the project's
    place on this machine.
    """
    beside = os.path.join(os.path.relpath(workflow), path)
    in_workflow = path and not _exists(path) and _exists(beside)
    return os.path.normpath(beside) if in_workflow else path


def _inputs(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every path of an input: its full key, the mapping that contains it, and its key there."""
    for section, keys in INPUTS.items():
        for entry_name, spec in config[section].items():
            for key in keys:
                *parents, name = key.split(".")
                entry = spec
                for parent in parents:
                    entry = entry.get(parent, {})
                value = entry.get(name)
                if isinstance(value, str) and (key != "weights" or value not in _WORDS):
                    yield f"{section}.{entry_name}.{key}", entry, name


def _expanded(key: str, path: str) -> str:
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        raise InputError(
            f"{key}: found {path!r}, but there is no home folder of that name; expected a path; "
            "write it in full, or ./ before it if the name begins with ~"
        )
    return expanded


def _benchmark(path: str) -> str:
    """The path of a description, which may be the name of a shipped one."""
    is_name = not path.endswith((".yaml", ".yml")) and os.path.basename(path) == path
    return f"{BENCHMARKS}/{path}.yaml" if is_name else path


def _exists(path: str) -> bool:
    """Whether a path, or a file that matches it as a pattern, exists."""
    return os.path.exists(path) or any(glob.iglob(path, recursive=True))


PROJECT_FOLDERS = (
    *(".git", ".snakemake", ".venv", "config", "docs", "envs", "notebooks"),
    *("profiles", "report", "resources", "rules", "tests", "workflow_scripts"),
)
"""The folders beside the Snakefile that belong to the project or its tools."""


def check_results(config: dict[str, Any], workflow: Path) -> None:
    """Raise InputError unless `results` is a writable folder apart from all other files.

    `workflow` is the folder of the Snakefile. Users delete the results folder as a whole, so it may
    neither contain other files of the user or the project, nor lie among them.
    """
    results = config["results"]
    folder = Path(results).resolve()
    _check_apart(results, folder, workflow.resolve())
    for key, entry, name in _inputs(config):
        if Path(entry[name]).is_dir():
            _check_input(results, folder, key, Path(entry[name]))
    _check_writable(results)


def _check_apart(results: str, folder: Path, workflow: Path) -> None:
    for around, what in ((Path.cwd(), "the working directory"), (workflow, "the project")):
        if around.is_relative_to(folder):
            itself = "is" if around == folder else "is around"
            raise InputError(
                f"results: found {results!r}, which {itself} {what}; expected a folder of its own, "
                "such as `results`; name one"
            )
    for name in PROJECT_FOLDERS:
        if folder.is_relative_to(workflow / name):
            raise InputError(
                f"results: found {results!r}, which lies in the project's own folder "
                f"{name!r}; expected a folder of its own, such as `results`; name one"
            )


def _check_input(results: str, folder: Path, key: str, path: Path) -> None:
    """Check that results lie apart from a folder of inputs; weights may be results themselves."""
    given = path.resolve()
    around = given.is_relative_to(folder) and key.startswith("datasets.")
    if folder.is_relative_to(given) or around:
        how = "is" if folder == given else "lies in" if not around else "is around"
        raise InputError(
            f"results: found {results!r}, which {how} the folder {str(path)!r} that {key} names; "
            "expected a folder of its own, such as `results`; name one, or move the other"
        )


def _check_writable(results: str) -> None:
    folder = Path(results).absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir():
        raise InputError(
            f"results: found {results!r}, but {existing.name!r} on its path is a file; expected a "
            "folder; choose another `results`"
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(
            f"results: found {results!r}, which cannot be written to; expected a writable folder; "
            "change its permissions or choose another `results`"
        )
