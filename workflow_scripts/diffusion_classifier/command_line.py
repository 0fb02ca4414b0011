"""The command `python -m diffusion_classifier classify`; what it prints is made in `reports`.

Heavy imports happen only once they are needed, so that `--help` and most mistakes are answered at
once. A mistake is one line on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .denoisers import FAMILIES
from .messages import InputError, known

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from PIL.Image import Image

    from .classify import Evaluation, Model

LOSSES = ("l1", "l2", "huber", "vlb", "l2+vlb")

_EPILOG = """\
For every image, a table of the prompts, best first:
  mean error   the loss between true and predicted noise, mean over the latent's D values and
               the (timestep, noise) samples; the least wins
  difference   to the best prompt's error, mean over the samples both were measured at, ± its
               standard error: standard deviation of the paired differences / √samples
  posterior    exp(-E‖ε - ε_θ‖²) / Σ exp(-E‖ε - ε_θ‖²), the norm a sum over the D values (Li et al.
               2023, section 3.2), so a softmax of -D · mean error; uniform prior, unweighted
               ELBO; another --loss takes the norm's place. Sharp, not calibrated
  samples      how many it was measured at: fewer for those that --keep left behind
A prompts file is a CSV with the columns prompt,classname,classidx; prompts of one class are
averaged. A class-conditional model (dit) is told the class index alone, not the text: name all
its classes in order, or give a prompts file.

examples:
  ... classify scene.png --model resources/models/scenes-sd --prompts "a red circle" "a blue square"
  ... classify *.png --model resources/models/scenes-sd --classes red,green,blue \\
      --template "a {} thing" --samples 5 25 --keep 2 1 --json
  ... classify digit.png --model resources/models/digits-dit --classes 0,1,2,3,4,5,6,7,8,9 \\
      --pad 2 --interpolation box
"""


class _Parser(argparse.ArgumentParser):
    """Says a mistake in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, 2 for a mistake in the input, 1 for another failure."""
    try:
        return _classify(parser().parse_args(argv))
    except InputError as error:
        return _failed(error, 2)
    except (FloatingPointError, MemoryError) as error:
        return _failed(error, 1)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":
            raise
        return _failed("the device has too little memory; lower --batch-size or use --dtype", 1)
    except KeyboardInterrupt:
        return _failed("interrupted", 130)


def parser() -> argparse.ArgumentParser:
    """All options of the command."""
    main_parser = _Parser(prog="python -m diffusion_classifier", allow_abbrev=False)
    command = main_parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "classify",
        allow_abbrev=False,
        help="classify images among prompts with a diffusion model",
        description="Classify images among prompts with a diffusion model.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("images", nargs="+", metavar="IMAGE", help="an image file")
    add("--model", required=True, metavar="FOLDER", help="a model in the diffusers layout")
    add("--family", help=f"one of {', '.join(FAMILIES)} (default: what the folder says)")
    add("--json", action="store_true", help="print one JSON array, a row per image and prompt")
    _add_prompts(command.add_argument_group("prompts, in one of three ways"))
    _add_preprocess(command.add_argument_group("how an image becomes the model's input"))
    _add_evaluation(command.add_argument_group("what is measured, and where"))
    return main_parser


def _add_prompts(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--prompts", nargs="+", metavar="TEXT", help="the prompts, one per class")
    add("--classes", metavar="NAME,NAME,...", help="class names, to be put into --template")
    add("--prompts-file", metavar="CSV", help="prompts of classes: prompt,classname,classidx")
    add("--template", nargs="+", metavar="TEXT", help="with {} for the class name (default: {})")
    add("--truncate-prompts", action="store_true", help="cut too long prompts (`truncate_prompts`)")


def _add_preprocess(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--size", type=_positive, help="edge in pixels (default: the model's)")
    add("--mode", choices=("L", "RGB"), help="greyscale or colour (default: the model's)")
    add("--interpolation", choices=("box", "bilinear", "bicubic"), default="bicubic")
    add("--crop", choices=("none", "center", "adm"), default="none", help="(default: none)")
    add("--pad", type=_natural, default=0, help="black pixels added on each side first")


def _add_evaluation(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    samples = "timesteps, evenly spaced, of each stage (default: 20)"
    add("--samples", type=_positive, nargs="+", default=[20], metavar="N", help=samples)
    keep = "prompts to keep after each stage, the last 1 (default: 1)"
    add("--keep", type=_positive, nargs="+", default=[1], metavar="N", help=keep)
    add("--grid", type=_positive, metavar="N", help="timesteps all stages choose from")
    add("--loss", choices=LOSSES, default="l2", help="(default: l2)")
    add("--seed", type=_natural, default=0, help="of the noises (default: 0)")
    add("--batch-size", type=_positive, default=32, metavar="N", help="(default: 32)")
    add("--device", default="auto", help="cpu, cuda, mps ... (default: a GPU if there is one)")
    dtypes = ("float32", "float16", "bfloat16")
    add("--dtype", choices=dtypes, default="float32", help="of the networks (default: float32)")


def _classify(arguments: argparse.Namespace) -> int:
    from .model_folders import detect_family

    # what can be said without reading weights is said first
    name = arguments.family or detect_family(arguments.model)
    known("--family", name, FAMILIES, "model family")
    if not Path(arguments.model).is_dir():
        raise InputError(f"--model: found no folder {arguments.model}; correct the path")
    _check_samples(arguments)
    prompts = _prompts(arguments, name)
    images = [_image(path) for path in arguments.images]
    _be_quiet()
    from .classify import classify
    from .reports import as_json, as_text

    table = classify(_model(arguments, name), images, prompts, _evaluation(arguments))
    text = (as_json if arguments.json else as_text)(table, list(map(_shown, arguments.images)))
    print(text)
    return 0


def _check_samples(arguments: argparse.Namespace) -> None:
    """Raise InputError if the stages make no sense or do not divide the model's timesteps."""
    from .model_folders import train_timesteps
    from .schedules import check_stages, stage_samples

    samples, timesteps = arguments.samples, train_timesteps(arguments.model)
    most = arguments.grid or max(samples)
    if most > timesteps:
        raise InputError(
            f"--samples: found {most} timesteps, expected at most the model's {timesteps}; take "
            "fewer"
        )
    needed = sum(map(len, stage_samples(samples, 1, max(most, *samples), timesteps)))
    try:
        check_stages(samples, arguments.keep, 1, arguments.grid, needed, timesteps)
    except ValueError as error:
        raise InputError(f"--{error}") from None


def _prompts(arguments: argparse.Namespace, family: str) -> pd.DataFrame:
    """The prompts asked for; the unconditional one of a file is no class to choose."""
    from .prompts import from_templates, named_prompts, read_prompts

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
    texts = arguments.prompts or [text.strip() for text in (arguments.classes or "").split(",")]
    if not all(text.strip() for text in texts):
        raise InputError(f"{given[0]}: found an empty text, expected one per class; fill it in")
    twice = [text for text in texts if texts.count(text) > 1]
    if twice:
        raise InputError(f"{given[0]}: found {twice[0]!r} twice, expected each once; remove one")
    _check_class_count(len(texts), arguments.model, family, given[0])
    return _several(from_templates(texts, templates), given[0])


def _several(prompts: pd.DataFrame, where: str) -> pd.DataFrame:
    count = prompts["classidx"].nunique()
    if count < 2:
        raise InputError(
            f"{where}: found {count} class(es), expected at least two to choose from; add some"
        )
    return prompts


def _check_class_count(count: int, folder: str, family: str, where: str) -> None:
    """A class-conditional model knows numbers only: some of its classes would be the first ones."""
    from .model_folders import class_count

    classes = class_count(folder, family)
    if classes not in (None, count):
        raise InputError(
            f"{where}: found {count} texts for a model that is told the index of one of its "
            f"{classes} classes, not the text; name all of them in order, or choose some by their "
            "`classidx` in a --prompts-file"
        )


def _image(path: str) -> Image:
    """Raises InputError if the file is not there or not an image."""
    from .images import load_image

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}), expected an image file; correct the path"
        ) from None
    return load_image(data, path)


def _model(arguments: argparse.Namespace, family: str) -> Model:
    import torch

    from .classify import Model
    from .model_folders import input_form
    from .preprocess import Preprocess

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
        raise InputError(f"--mode: found {arguments.mode}, but the model takes {mode}; leave it out")
    form = Preprocess(mode, arguments.pad, size, arguments.interpolation, arguments.crop)
    dtype = getattr(torch, arguments.dtype)
    device = _device(arguments.device)
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
        os.environ.setdefault(name, "error")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _positive(text: str) -> int:
    return _at_least(1, text)


def _natural(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    if not text.isdecimal() or not least <= int(text) < 2**63:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from {least} on")
    return int(text)


def _shown(text: object) -> str:
    """One line of text that does not tell whose home the project lies in."""
    return " ".join(str(text).split()).replace(str(Path.home()), "~")


def _failed(error: object, status: int) -> int:
    print(f"classify: {_shown(error)}", file=sys.stderr)
    return status
