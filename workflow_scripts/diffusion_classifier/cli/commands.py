"""The commands `diffusion-classifier classify`, `costs`, `status` and `verify`.

Its options are in `command_options`, what it prints in `command_output`.

Heavy imports happen only once they are needed, so that `--help` and most mistakes are answered at
once. A mistake is one line on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.names import check_line, checked_name, printable

from .options import COMMANDS, parser

_REPOSITORY = r"[\w.-]+/[\w.-]+"

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from PIL.Image import Image

    from .classify import Evaluation, Model


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
        with _folder(arguments.model, arguments.revision) as arguments.model:
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
        # ours to mend: with its traceback, which need not tell whose home the project lies in
        print(_without_home(traceback.format_exc()), file=sys.stderr)
        return 1


def _status(paths: Sequence[str]) -> int:
    import time

    from diffusion_classifier.operations.status import progress, render, troubles

    config = _read_config(paths)
    print(render(progress(config), list(troubles(config["results"], time.time()))))
    return 0


def _costs(paths: Sequence[str]) -> int:
    from diffusion_classifier.operations.costs import estimate, render

    print(render(estimate(_read_config(paths))))
    return 0


def _read_config(paths: Sequence[str]) -> dict[str, Any]:
    """The checked config of a run, from files that add to each other as Snakemake's do."""
    import yaml
    from snakemake.utils import update_config

    from diffusion_classifier.config.configuration import check_config
    from diffusion_classifier.config.places import found, workflow_folder

    config: dict[str, Any] = {}
    workflow = workflow_folder()
    for path in paths:
        try:
            text = Path(found(path, workflow)).read_text(encoding="utf-8")
            update_config(config, yaml.safe_load(text))
        except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError):
            raise InputError(
                f"--configfile: {path} cannot be read, expected the YAML of a run; correct the path"
            ) from None
    check_config(config, workflow)
    return config


def _verify(arguments: argparse.Namespace) -> int:
    from diffusion_classifier.config.places import found, workflow_folder
    from diffusion_classifier.operations.expected import compare, render, write_expected

    expected = found(arguments.expected, workflow_folder())
    if arguments.write:
        written = write_expected(arguments.results, expected)
        print("\n".join(f"written: {_without_home(str(path))}" for path in written))
    comparison = compare(arguments.results, expected)
    print(render(comparison))
    return 0 if comparison.equal else 1


def _classify(arguments: argparse.Namespace) -> int:
    from diffusion_classifier.denoisers.model_folders import detect_family
    from diffusion_classifier.weights.model_parts import check_model_folder

    # what can be said without reading weights is said first
    name = arguments.family or detect_family(arguments.model)
    known("--family", name, FAMILIES, "model family")
    if not Path(arguments.model).is_dir():
        raise InputError(f"--model: found no folder {arguments.model}; correct the path")
    check_model_folder(arguments.model, FAMILIES[name])
    _check_samples(arguments)
    prompts = _prompts(arguments, name)
    images = [_image(path) for path in arguments.images]
    _be_quiet()
    from .classify import classify
    from .output import as_json, as_text

    table = classify(_model(arguments, name), images, prompts, _evaluation(arguments))
    paths = [printable(_without_home(path)) for path in arguments.images]
    print(as_json(table, paths) if arguments.json else as_text(table, paths))
    return 0


@contextmanager
def _folder(model: str, revision: str | None) -> Iterator[str]:
    """The folder of `model`; a repository of the hub is laid out in one for as long."""
    if revision is None or Path(model).is_dir():
        if revision is None and not Path(model).exists() and re.fullmatch(_REPOSITORY, model):
            raise InputError(
                f"--model: found no folder {model}; correct the path, or, if it is a repository of "
                "the Hugging Face hub, give its --revision (a commit) too"
            )
        yield model
        return
    from diffusion_classifier.weights.hub import fetch

    with TemporaryDirectory() as folder:
        fetch(model, revision, Path(folder) / "model")
        yield str(Path(folder) / "model")


def _check_samples(arguments: argparse.Namespace) -> None:
    """Raise InputError if the stages make no sense or do not divide the model's timesteps."""
    from diffusion_classifier.denoisers.model_folders import train_timesteps
    from diffusion_classifier.selection.schedules import check_stages

    samples, timesteps = arguments.samples, train_timesteps(arguments.model)
    most = max(*samples, arguments.grid or 0)
    if most > timesteps:
        raise InputError(
            f"--samples: found {most} timesteps, expected at most the model's {timesteps}; take "
            "fewer"
        )
    try:
        # one noise per timestep: the bank is never too small
        check_stages(samples, arguments.keep, 1, arguments.grid, timesteps, timesteps)
    except ValueError as error:
        raise InputError(f"--{error}") from None


def _prompts(arguments: argparse.Namespace, family: str) -> pd.DataFrame:
    """The prompts asked for; the unconditional one of a file is no class to choose."""
    from diffusion_classifier.data.prompt_sets import from_templates, named_prompts, read_prompts

    ways = ("prompts", "classes", "prompts_file")
    given = [f"--{way.replace('_', '-')}" for way in ways if getattr(arguments, way) is not None]
    if len(given) != 1:
        raise InputError(
            f"prompts: found {' and '.join(given) or 'none'}, expected one of --prompts, "
            "--classes and --prompts-file; give exactly one"
        )
    templates = arguments.template or ["{}"]
    if arguments.template and not arguments.classes:
        raise InputError(f"--template: found beside {given[0]}, expected --classes; leave one out")
    if any("{}" not in template for template in templates):
        raise InputError("--template: found one without {}, where the class name goes; add it")
    if arguments.prompts_file:
        return _several(named_prompts(read_prompts(arguments.prompts_file)), given[0])
    texts = arguments.prompts or _comma_separated(arguments.classes)
    texts = [checked_name(text, given[0], "the text") for text in texts]
    if not all(text.strip() for text in texts):
        raise InputError(f"{given[0]}: found an empty text, expected one per class; fill it in")
    twice = [text for text in texts if texts.count(text) > 1]
    if twice:
        raise InputError(f"{given[0]}: found {twice[0]!r} twice, expected each once; remove one")
    _check_class_count(len(texts), arguments.model, family, given[0])
    return _several(from_templates(texts, templates), given[0])


def _comma_separated(names: str) -> list[str]:
    """The names in a line of CSV, where a comma in a name is possible too: in double quotes."""
    check_line(names, "--classes", "the text")
    found = [name.strip() for row in csv.reader([names], skipinitialspace=True) for name in row]
    return found or [""]


def _several(prompts: pd.DataFrame, where: str) -> pd.DataFrame:
    count = prompts["classidx"].nunique()
    if count < 2:
        raise InputError(
            f"{where}: found {count} class(es), expected at least two to choose from; add some"
        )
    return prompts


def _check_class_count(count: int, folder: str, family: str, where: str) -> None:
    """A class-conditional model knows numbers only: some of its classes would be the first ones."""
    from diffusion_classifier.denoisers.model_folders import class_count

    classes = class_count(folder, family)
    if classes not in (None, count):
        raise InputError(
            f"{where}: found {count} texts for a model that is told the index of one of its "
            f"{classes} classes, not the text; name all of them in order, or choose some by their "
            "`classidx` in a --prompts-file"
        )


def _image(path: str) -> Image:
    """Raises InputError if the file is not there or not an image."""
    from diffusion_classifier.data.images import load_image

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}), expected an image file; correct the path"
        ) from None
    return load_image(data, path)


def _model(arguments: argparse.Namespace, family: str) -> Model:
    from diffusion_classifier.data.preprocess import Preprocess
    from diffusion_classifier.denoisers.model_folders import input_form
    from diffusion_classifier.denoisers.speed import precision

    from .classify import Model

    edge, mode, multiple = input_form(arguments.model, family)
    size = arguments.size or edge
    if size is None:
        raise InputError("--size: the model's folder does not say it; give the edge in pixels")
    if size % multiple:
        raise InputError(
            f"--size: found {size}, expected a multiple of {multiple}, as the model works on "
            "patches of so many pixels; change it"
        )
    if arguments.mode not in (None, mode):
        raise InputError(
            f"--mode: found {arguments.mode}, but the model takes {mode}; leave it out"
        )
    form = Preprocess(mode, arguments.pad, size, arguments.interpolation, arguments.crop)
    device = _device(arguments.device)
    dtype = precision(arguments.dtype, device)
    return Model(arguments.model, family, form, device, dtype, arguments.truncate_prompts)


def _evaluation(arguments: argparse.Namespace) -> Evaluation:
    from .classify import Evaluation

    names = ("samples", "keep", "grid", "loss", "seed", "batch_size")
    return Evaluation(**{name: getattr(arguments, name) for name in names})


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):  # PyTorch built without it asserts
        raise InputError(
            f"--device: found {name!r}, which is not on this machine; use cpu, or leave it out"
        ) from None


def _be_quiet() -> None:
    """No word from the libraries, and no network: all that is read is on disk."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "critical")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _without_home(text: str) -> str:
    """What is printed may be shown to others: the home folder is written as `~`."""
    home = str(Path.home())
    return text if home == os.sep else text.replace(home, "~")


def _failed(command: str, error: object, status: int) -> int:
    line = " ".join(str(error).split())
    print(f"{command}: {_without_home(line)}", file=sys.stderr)
    return status
