"""Where results go: to a folder of their own, that can be written to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

from ..places import folders

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
