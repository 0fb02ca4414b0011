"""Jobs that start in an empty folder of another machine (Snakemake's `--shared-fs-usage none`).

Snakemake sends them the files that git tracks in the working folder; results and weights lie in a
store. The user's own images and texts stay where snakemake runs, and so do the jobs that read them.
A job reads the config again, and cannot look at these files: `tell` puts into an environment
variable, which Snakemake passes on, what it has to know of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

VARIABLE = "DIFFUSION_CLASSIFIER_PARTS"
"""The environment variable from which such a job learns the config's numbers of parts."""
LARGEST = 10_000_000
"""Bytes of a file that Snakemake sends; it leaves out a larger one."""


def in_job(workflow: Any) -> bool:
    """Whether this process is such a job, or a step of one."""
    mode = getattr(getattr(workflow, "workflow_settings", None), "exec_mode", None)
    return VARIABLE in os.environ and getattr(mode, "name", "DEFAULT") != "DEFAULT"


def without_disk(workflow: Any) -> bool:
    """Whether jobs cannot read the disk of the machine where snakemake runs."""
    settings = getattr(workflow, "storage_settings", None)
    usage = getattr(settings, "shared_fs_usage", None)
    # without the second, Snakemake would run all jobs with a local input where it runs itself
    shared = usage is None or {"SOURCES", "INPUT_OUTPUT"} <= {use.name for use in usage}
    return in_job(workflow) or not shared


def tell(config: dict[str, Any]) -> None:
    """Put the numbers of parts of a checked `config` into VARIABLE, for jobs."""
    found = {
        section: {name: spec[key] for name, spec in config[section].items() if key in spec}
        for section, key in (("datasets", "shards"), ("evaluations", "class_parts"))
    }
    os.environ[VARIABLE] = json.dumps(found)


def told() -> dict[str, dict[str, int]]:
    """What `tell` put into VARIABLE: section → name → number."""
    return json.loads(os.environ[VARIABLE])


def travelling(workflow: Any, folder: Path) -> Callable[[str], bool]:
    """A function that says whether Snakemake sends a file to jobs; `folder` has the Snakefile.

    A user's mistake, after which nothing would be sent, ends Snakemake with one line.
    """
    if in_job(workflow):
        return lambda path: not os.path.isabs(path) and os.path.exists(path)
    if arrays := getattr(workflow.executor_settings, "array_jobs", None):
        sys.exit(
            f"--slurm-array-jobs: found {arrays!r} with `--shared-fs-usage none`, expected none, "
            "as all jobs of an array would look for the output of the first; leave it out, as in "
            "profiles/slurm-s3"
        )
    if folder.resolve() != Path.cwd().resolve():
        _end(f"another folder than that of the Snakefile ({os.path.relpath(folder)})")
    listed = subprocess.run(["git", "ls-files", "-z", "."], capture_output=True, text=True)
    if listed.returncode:
        _end("no git checkout")
    tracked = set(listed.stdout.split("\0"))
    return lambda path: (
        os.path.normpath(path) in tracked
        and os.path.exists(path)
        and os.path.getsize(path) <= LARGEST
    )


def _end(found: str) -> None:
    sys.exit(
        f"--shared-fs-usage: found `none` and as working folder {found}; expected a git checkout "
        "of the workflow, whose tracked files Snakemake sends to its jobs; change to it"
    )
