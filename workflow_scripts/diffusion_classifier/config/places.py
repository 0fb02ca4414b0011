"""Where the paths of a config lead, and that results lie apart from all of them."""

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
        if _FORMATS.get(name) == BENCHMARK["format"] and key.startswith("datasets."):
            path = _benchmark(path)
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


def _benchmark(path: str) -> str:
    """The path of a description, which may be the name of a shipped one."""
    is_name = not path.endswith((".yaml", ".yml")) and os.path.basename(path) == path
    return f"{BENCHMARKS}/{path}.yaml" if is_name else path


def _leads(path: str) -> bool:
    return os.path.exists(path) or any(glob.iglob(path, recursive=True))


OWN = (
    *(".git", ".snakemake", ".venv", "config", "docs", "envs", "notebooks"),
    *("profiles", "report", "resources", "rules", "tests", "workflow_scripts"),
)
"""The folders beside the Snakefile that are the project's, or its tools'."""


def check_results(config: dict[str, Any], workflow: Path) -> None:
    """Raise InputError unless `results` is a folder for nothing but results, or can become one.

    `workflow` is the folder of the Snakefile. Results are many folders and files, which people
    delete as a whole: they may lie neither among what was there before nor around it.
    """
    results = config["results"]
    folder = Path(results).resolve()
    _check_apart(results, folder, workflow.resolve())
    for key, path in folders(config):
        _check_input(results, folder, key, path)
    _check_writable(results)


def _check_apart(results: str, folder: Path, workflow: Path) -> None:
    for around, what in ((Path.cwd(), "the working directory"), (workflow, "the project")):
        if around.is_relative_to(folder):
            itself = "is" if around == folder else "is around"
            raise InputError(
                f"results: found {results!r}, which {itself} {what}; expected a folder of its own, "
                "such as `results`; name one"
            )
    for own in (workflow / name for name in OWN):
        if folder.is_relative_to(own):
            raise InputError(
                f"results: found {results!r}, which lies in the project's own folder "
                f"{own.name!r}; expected a folder of its own, such as `results`; name one"
            )


def _check_input(results: str, folder: Path, key: str, path: Path) -> None:
    """That results lie apart from a folder of inputs; weights may be an earlier run's results."""
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
