"""Turn the command line of `diffusion-classifier classify` into images, prompts and a model.

Heavy imports happen inside the functions, so that most mistakes are reported at once.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.names import check_line, checked_name

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    from .classifier import DiffusionClassifier

REPOSITORY = r"[\w.-]+/[\w.-]+"
"""What the name of a repository on the hub looks like."""


@contextmanager
def model_folder(model: str, revision: str | None) -> Iterator[str]:
    """The folder of `model`; a repository of the hub is downloaded into a temporary folder."""
    if not _is_repository(model, revision):
        yield model
        return
    from diffusion_classifier.weights.hub import fetch

    with TemporaryDirectory() as folder:
        fetch(model, revision, Path(folder) / "model")
        yield str(Path(folder) / "model")


@contextmanager
def model_configs(model: str, revision: str | None) -> Iterator[str]:
    """A folder with the configs of `model`; of a repository of the hub, no weights are fetched."""
    if not _is_repository(model, revision):
        yield model
        return
    import huggingface_hub as hub

    from diffusion_classifier.weights.hub import explained_errors

    with explained_errors(model, revision):
        folder = hub.snapshot_download(model, revision=revision, allow_patterns=["*.json"])
    yield folder


def _is_repository(model: str, revision: str | None) -> bool:
    """Whether `model` is on the hub; raises InputError for one that seems so without a revision."""
    if revision is None and not Path(model).exists() and re.fullmatch(REPOSITORY, model):
        raise InputError(
            f"--model: found no folder {model}; correct the path, or, if it is a repository of "
            "the Hugging Face hub, give its --revision (a commit) too"
        )
    return revision is not None and not Path(model).is_dir()


def checked_family(arguments: argparse.Namespace) -> str:
    """The model's family; raises InputError if its folder lacks files that the family needs."""
    from diffusion_classifier.denoisers.model_folders import detect_family
    from diffusion_classifier.weights.model_parts import check_model_folder

    name = arguments.family or detect_family(arguments.model)
    known("--family", name, FAMILIES, "model family")
    if not Path(arguments.model).is_dir():
        raise InputError(f"--model: found no folder {arguments.model}; correct the path")
    check_model_folder(arguments.model, FAMILIES[name])
    return name


def check_samples(arguments: argparse.Namespace) -> None:
    """Raise InputError if the stages make no sense or do not divide the model's timesteps."""
    from diffusion_classifier.denoisers.model_folders import train_timesteps
    from diffusion_classifier.selection.schedules import check_stages

    samples, timesteps = arguments.samples, train_timesteps(arguments.model)
    if samples is None:  # the classifier chooses
        if arguments.grid or arguments.keep != [1]:
            option = "grid" if arguments.grid else "keep"
            raise InputError(
                f"--{option}: found without --samples, expected the timesteps of each stage; give "
                "them, or leave it out"
            )
        return
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


def read_prompts(arguments: argparse.Namespace, family: str) -> pd.DataFrame:
    """The prompts of at least two classes; the unconditional prompt of a file is left out."""
    from diffusion_classifier.data import prompt_sets

    ways = ("prompts", "classes", "prompts_file")
    given = [f"--{way.replace('_', '-')}" for way in ways if getattr(arguments, way) is not None]
    if len(given) != 1:
        raise InputError(
            f"prompts: found {' and '.join(given) or 'none'}, expected one of --prompts, "
            "--classes and --prompts-file; give exactly one"
        )
    templates = arguments.template or ["{}"]
    if arguments.template and not arguments.classes:
        raise InputError(f"--template: found with {given[0]}, expected --classes; leave one out")
    if any("{}" not in template for template in templates):
        raise InputError("--template: found one without {}, where the class name goes; add it")
    if arguments.prompts_file:
        prompts = prompt_sets.named_prompts(prompt_sets.read_prompts(arguments.prompts_file))
    else:
        texts = _checked_texts(arguments, given[0])
        _check_class_count(len(texts), arguments.model, family, given[0])
        prompts = prompt_sets.from_templates(texts, templates)
    count = prompts["classidx"].nunique()
    if count < 2:
        raise InputError(
            f"{given[0]}: found {count} class(es), expected at least two to choose from; add some"
        )
    return prompts


def _checked_texts(arguments: argparse.Namespace, option: str) -> list[str]:
    """The texts of --prompts or --classes; raises InputError for an empty or repeated one."""
    texts = arguments.prompts or _comma_separated(arguments.classes)
    texts = [checked_name(text, option, "the text") for text in texts]
    if not all(text.strip() for text in texts):
        raise InputError(f"{option}: found an empty text, expected one per class; fill it in")
    twice = [text for text in texts if texts.count(text) > 1]
    if twice:
        raise InputError(f"{option}: found {twice[0]!r} twice, expected each once; remove one")
    return texts


def _comma_separated(names: str) -> list[str]:
    """The names in a line of CSV; a name in double quotes may contain commas."""
    check_line(names, "--classes", "the text")
    found = [name.strip() for row in csv.reader([names], skipinitialspace=True) for name in row]
    return found or [""]


def _check_class_count(count: int, folder: str, family: str, option: str) -> None:
    """Check that a class-conditional model gets a text for each of its classes.

    Such a model knows classes by their index only, so fewer texts would mean its first classes.
    """
    from diffusion_classifier.denoisers.model_folders import class_count

    classes = class_count(folder, family)
    if classes not in (None, count):
        raise InputError(
            f"{option}: found {count} texts for a model that is told the index of one of its "
            f"{classes} classes, not the text; name all of them in order, or choose some by their "
            "`classidx` in a --prompts-file"
        )


def read_image(path: str) -> Image:
    """The image in a file; raises InputError if it cannot be read."""
    from diffusion_classifier.data.image_files.images import load_image

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}), expected an image file; correct the path"
        ) from None
    return load_image(data, path)


def read_classifier(arguments: argparse.Namespace, family: str) -> DiffusionClassifier:
    """The classifier that the options describe; raises InputError, naming the option."""
    from .classifier import DiffusionClassifier

    form = {name: getattr(arguments, name) for name in ("size", "mode", "pad", "interpolation")}
    form = {key: value for key, value in form.items() if value is not None}
    settings = {name: getattr(arguments, name) for name in ("loss", "seed", "race")}
    if arguments.samples:
        stages = {"samples": arguments.samples, "keep": arguments.keep}
        settings["stages"] = stages | ({"grid": arguments.grid} if arguments.grid else {})
    with _options():
        return DiffusionClassifier.from_pretrained(
            arguments.model,
            family=family,
            preprocess={**form, "crop": arguments.crop},
            guidance=arguments.guidance,
            truncate_prompts=arguments.truncate_prompts,
            device=arguments.device,
            dtype=arguments.dtype,
            batch_size=arguments.batch_size,
            **settings,
        )


@contextmanager
def _options() -> Iterator[None]:
    """Put two dashes before the name of a mistaken option of the Python interface."""
    try:
        yield
    except InputError as error:
        name, _, rest = str(error).partition(":")
        known_names = ("size", "mode", "device", "guidance", "loss", "race")
        raise InputError(f"--{name}:{rest}" if name in known_names else str(error)) from None
