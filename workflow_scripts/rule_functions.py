"""What rules are written with: functions of a job's wildcards, made from those of `plan`.

`plan` takes names, Snakemake hands wildcards to functions: `of_job(plan.evaluations.noise)` passes
on to `noise` those wildcards that it has parameters for, by their names.
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

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.code.identity import Code

_NUMBERS = ("stage", "shard", "part")
"""Wildcards that `plan` takes as numbers."""


class Jobs:
    """Functions of a job's wildcards; `config_file` is named in messages, `workflow` is a folder.

    >>> from types import SimpleNamespace
    >>> question = Jobs("config.yaml", Path()).of_job(lambda dataset, shard: (dataset, shard))
    >>> question(SimpleNamespace(dataset="digits", shard="3", model="dit"))
    ('digits', 3)
    """

    def __init__(self, config_file: str, workflow: Path) -> None:
        self._config_file = config_file
        self._code = Code(workflow / "workflow_scripts")

    def of_job(self, function: Callable) -> Callable:
        """`function` of names as a function of wildcards, of which it gets those that it names.

        An InputError ends Snakemake with its message alone: it is the user's to act on.
        """
        parameters = inspect.signature(function).parameters

        def at_wildcards(wildcards: Any) -> Any:
            values = {
                name: getattr(wildcards, name) for name in parameters if hasattr(wildcards, name)
            }
            with ending(self._config_file):
                return function(**{n: int(v) if n in _NUMBERS else v for n, v in values.items()})

        return at_wildcards

    def growing(self, amount: int | Callable) -> Callable:
        """What a job asks for, once more with every attempt; or a function of names says it."""
        ask = self.of_job(amount) if callable(amount) else lambda wildcards: amount
        return lambda wildcards, attempt: attempt * ask(wildcards)

    def code(self, script: str, **functions: Callable) -> Callable:
        """A parameter by which results are made anew if the code that computes them changes.

        `functions` of names give what `Code.identity` is told of a job.
        """
        asked = {key: self.of_job(function) for key, function in functions.items()}
        return lambda wildcards: self._code.identity(
            script, **{key: function(wildcards) for key, function in asked.items()}
        )


@contextmanager
def ending(config_file: str) -> Iterator[None]:
    """Within, an InputError ends Snakemake in one line that begins with the config file.

    An exception would be shown with its place in the Snakefile, which is not where the mistake is.
    """
    try:
        yield
    except InputError as error:
        sys.exit(f"{config_file}: {error}")


def checked(config: dict[str, Any], config_file: str, workflow: str | Path) -> None:
    """Check the config as `check_config` does; end Snakemake in one line for what cannot work."""
    for what, path in (("workflow", workflow), ("working directory", os.getcwd())):
        if re.search("[{}]", str(path)):
            sys.exit(
                f"the {what} is {path}; found a brace in this path, expected none, as Snakemake "
                "reads it as a variable; rename the folder or choose another"
            )
    with ending(config_file):
        check_config(config, workflow)


def arrays(workflow: Any) -> Callable[[str], bool]:
    """Whether the jobs of a rule are submitted to SLURM as an array, as its profile says."""

    def is_array(rule: str) -> bool:
        named = getattr(workflow.executor_settings, "array_jobs", None) or ""
        return not {rule, "all"}.isdisjoint(re.split("[,; ]+", named))

    return is_array


def one_of(names: Iterable[str]) -> str:
    """A wildcard constraint: exactly these names (nothing at all if there are none)."""
    return "|".join(map(re.escape, names)) or "(?!)"


def numbered(rule: str, number: int) -> str:
    """The name of one of several rules that run the same script; the first has the script's."""
    return rule if number == 1 else f"{rule}_{number}"
