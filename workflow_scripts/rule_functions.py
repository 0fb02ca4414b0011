"""Functions for the rules: they turn functions of `plan` into functions of a job's wildcards.

Functions of `plan` take names, and Snakemake calls functions with a wildcards object.
`of_job(plan.evaluations.noise)` calls `noise` with those wildcards that have the names of its
parameters.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from diffusion_classifier.config.configuration import check_config, complete_config
from diffusion_classifier.files import check_keys
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.code.identity import Code

_NUMBERS = ("stage", "shard", "part")
"""Wildcards that are integers in `plan`."""


class Jobs:
    """Functions of a job's wildcards; `config_file` is named in messages, `workflow` is a folder.

    >>> from types import SimpleNamespace
    >>> question = Jobs("config.yaml", Path()).of_job(lambda dataset, shard: (dataset, shard))
    >>> question(SimpleNamespace(dataset="digits", shard="3", model="dit"))
    ('digits', 3)
    """

    def __init__(
        self,
        config_file: str,
        workflow: Path,
        results: str = "results",
        local: Callable[[str], str] = str,
        sent: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self._config_file = config_file
        self._code = Code(workflow / "workflow_scripts")
        self._results, self._local, self._sent = results, local, sent

    def of_job(self, function: Callable) -> Callable:
        """A function of wildcards that calls `function` with those named like its parameters.

        An InputError, which the user can correct, ends Snakemake with one line.
        """
        parameters = inspect.signature(function).parameters

        def at_wildcards(wildcards: Any) -> Any:
            values = {
                name: getattr(wildcards, name) for name in parameters if hasattr(wildcards, name)
            }
            with ending(self._config_file):
                return function(**{n: int(v) if n in _NUMBERS else v for n, v in values.items()})

        return at_wildcards

    def files_of(self, function: Callable) -> Callable:
        """`of_job` for inputs, with `files_in` of what `function` returns."""
        found = self.of_job(function)
        return lambda wildcards: self.files_in(found(wildcards))

    def files_in(self, paths: Any) -> Any:
        """`paths` (a path, a list, or a dictionary of both), with `local` of those not in results.

        With a store, Snakemake looks for every input there unless it is marked as local: the
        user's own files, and what is shipped with the workflow. A job on another machine gets
        files that are `sent` with the workflow; they are left out, as Snakemake would run a job
        with a local input where it runs itself.
        """
        if isinstance(paths, dict):
            return {key: self.files_in(inner) for key, inner in paths.items()}
        if isinstance(paths, list):
            return [self.files_in(path) for path in paths if not (path and self._leaves_out(path))]
        if self._leaves_out(paths):
            return []
        return paths if paths.startswith(f"{self._results}/") else self._local(paths)

    def _leaves_out(self, path: Any) -> bool:
        inside = not isinstance(path, str) or path.startswith(f"{self._results}/")
        return not inside and self._sent(path)

    def growing(self, amount: int | Callable) -> Callable:
        """A resource of a job: `amount` (or what this function of names returns) × attempt."""
        first = self.of_job(amount) if callable(amount) else lambda wildcards: amount
        return lambda wildcards, attempt: attempt * first(wildcards)

    def code(self, script: str, **functions: Callable) -> Callable:
        """A parameter of a rule that changes if the code behind its results changes.

        `functions` of names return the other arguments of `Code.identity`.
        """
        arguments = {key: self.of_job(function) for key, function in functions.items()}
        return lambda wildcards: self._code.identity(
            script, **{key: function(wildcards) for key, function in arguments.items()}
        )


@contextmanager
def ending(config_file: str) -> Iterator[None]:
    """An InputError in the block ends Snakemake with one line that begins with the config file.

    Snakemake would show an exception with a line of the Snakefile, where the mistake is not.
    """
    try:
        yield
    except InputError as error:
        sys.exit(f"{config_file}: {error}")


def checked(
    config: dict[str, Any],
    config_file: str,
    workflow: str | Path,
    parts: dict[str, dict[str, int]] | None = None,
) -> None:
    """Call `check_config`; a mistake ends Snakemake with one line.

    With `parts` (section → name → number), the config was checked where snakemake runs, and only
    `complete_config` is called.
    """
    for what, path in (("workflow", workflow), ("working directory", os.getcwd())):
        if re.search("[{}]", str(path)):
            sys.exit(
                f"the {what} is {path}; found a brace in this path, expected none, as Snakemake "
                "reads it as a variable; rename the folder or choose another"
            )
    with ending(config_file):
        if parts is None:
            check_config(config, workflow)
        else:
            complete_config(config, workflow, parts)


def check_files(paths: Iterable[str]) -> None:
    """End Snakemake with one line if a key of a config file stands in it twice.

    Snakemake has read the files and kept the last value of each key.
    """
    for path in paths:
        try:
            check_keys(path)
        except InputError as error:
            sys.exit(str(error))
        except yaml.YAMLError:
            pass  # JSON with tabs, which Snakemake reads


def arrays(workflow: Any) -> Callable[[str], bool]:
    """A function that says whether the SLURM profile submits the jobs of a rule as an array."""

    def is_array(rule: str) -> bool:
        named = getattr(workflow.executor_settings, "array_jobs", None) or ""
        return not {rule, "all"}.isdisjoint(re.split("[,; ]+", named))

    return is_array


def has_storage(workflow: Any) -> bool:
    """Whether inputs and outputs of rules are in a store instead of on a disk."""
    settings = getattr(workflow, "storage_settings", None)
    return getattr(settings, "default_storage_provider", None) is not None


def one_of(names: Iterable[str]) -> str:
    """A wildcard constraint that allows these names only."""
    return "|".join(map(re.escape, names)) or "(?!)"


def numbered(rule: str, number: int) -> str:
    """The name of one of several rules with the same script; the first is named like the script."""
    return rule if number == 1 else f"{rule}_{number}"
