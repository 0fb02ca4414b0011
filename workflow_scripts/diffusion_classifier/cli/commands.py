"""The commands `diffusion-classifier classify`, `init`, `costs`, `status` and `verify`.

Heavy imports happen inside the functions, so that `--help` and most mistakes are answered at once.
A mistake is one line on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffusion_classifier.files import check_keys
from diffusion_classifier.messages import InputError, one_line, without_home
from diffusion_classifier.names import printable

from . import command_inputs
from .options import COMMANDS, parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, 2 for a mistake in the input, 1 for another failure.

    `verify` also gives 1 if a number is not the expected one.
    """
    argv = sys.argv[1:] if argv is None else argv
    command = next((name for name in COMMANDS if name in argv[:1]), "classify")
    try:
        arguments = parser().parse_args(argv)
        if arguments.command == "status":
            return _status(arguments.configfile)
        if arguments.command == "costs":
            return _costs(arguments.configfile)
        if arguments.command == "verify":
            return _verify(arguments)
        if arguments.command == "init":
            return _init(arguments)
        with command_inputs.model_folder(arguments.model, arguments.revision) as arguments.model:
            return _classify(arguments)
    except InputError as error:
        return _failed(command, error, 2)
    except (FloatingPointError, MemoryError) as error:
        return _failed(command, error, 1)
    except KeyboardInterrupt:
        return _failed(command, "interrupted", 130)
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported yet
            return _failed(command, "too little memory on the device; lower --batch-size", 1)
        # a mistake in the program: the traceback is needed, but not the path of the home folder
        print(without_home(traceback.format_exc()), file=sys.stderr)
        return 1


def _status(paths: Sequence[str]) -> int:
    import time

    from diffusion_classifier.operations.status import progress, render, troubles

    config = _read_config(paths)
    print(render(progress(config), list(troubles(config["results"], time.time()))))
    return 0


def _costs(paths: Sequence[str]) -> int:
    from diffusion_classifier.operations.costs import estimate, render

    config = _read_config(paths)
    print(render(estimate(config), config["compute"]))
    return 0


def _read_config(paths: Sequence[str]) -> dict[str, Any]:
    """The checked config of a run, merged from several files as Snakemake merges them."""
    import yaml
    from snakemake.utils import update_config

    from diffusion_classifier.config.configuration import check_config
    from diffusion_classifier.config.places import find_path, workflow_folder

    config: dict[str, Any] = {}
    workflow = workflow_folder()
    for path in paths:
        try:
            found = Path(find_path(path, workflow))
            update_config(config, yaml.safe_load(found.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError):
            raise InputError(
                f"--configfile: {path} cannot be read, expected the YAML of a run; correct the path"
            ) from None
        check_keys(found)
    check_config(config, workflow)
    return config


def _init(arguments: argparse.Namespace) -> int:
    from diffusion_classifier.config.places import workflow_folder

    from .starting import start

    with command_inputs.model_configs(arguments.model, arguments.revision) as folder:
        print(without_home(start(arguments, folder, workflow_folder()).text))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from diffusion_classifier.config.places import find_path, workflow_folder
    from diffusion_classifier.operations.expected import compare, render, write_expected

    expected = find_path(arguments.expected, workflow_folder())
    if arguments.write:
        written = write_expected(arguments.results, expected)
        print("\n".join(f"written: {without_home(str(path))}" for path in written))
    comparison = compare(arguments.results, expected)
    print(render(comparison))
    return 0 if comparison.equal else 1


def _classify(arguments: argparse.Namespace) -> int:
    # mistakes that can be found without reading weights are reported first
    family = command_inputs.checked_family(arguments)
    command_inputs.check_samples(arguments)
    prompts = command_inputs.read_prompts(arguments, family)
    images = [command_inputs.read_image(path) for path in arguments.images]
    _silence_libraries()
    from .output import as_json, as_text

    table = command_inputs.read_classifier(arguments, family).rank(images, prompts)
    paths = [printable(without_home(path)) for path in arguments.images]
    print(as_json(table, paths) if arguments.json else as_text(table, paths))
    return 0


def _silence_libraries() -> None:
    """Turn off the libraries' messages and network access, as all files are on disk."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "critical")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _failed(command: str, error: object, status: int) -> int:
    print(f"{command}: {one_line(error, 10_000)}", file=sys.stderr)
    return status
