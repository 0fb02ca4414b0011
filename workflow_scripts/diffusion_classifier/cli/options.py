"""The command line of `diffusion-classifier` with its commands and their options."""

from __future__ import annotations

import argparse
from typing import NoReturn

from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.engine.loss_names import LOSSES
from diffusion_classifier.messages import InputError

COMMANDS = ("classify", "init", "costs", "status", "verify")

_EPILOG = """\
For every image, a table of the prompts, best first:
  mean error   the loss between true and predicted noise, mean over the latent's D values and
               the (timestep, noise) samples; the lowest wins
  difference   to the best prompt's error, mean over the samples both were measured at, ± its
               standard error: standard deviation of the paired differences / √samples
  posterior    exp(-E‖ε - ε_θ‖²) / Σ exp(-E‖ε - ε_θ‖²), the norm a sum over the D values (Li et al.
               2023, section 3.2), so a softmax of -D · mean error; uniform prior, unweighted
               ELBO; another --loss replaces the norm. Sharp, not calibrated
  samples      number of evaluated samples: fewer for prompts that left the race (--race) or that
               --keep removed, whose mean error belongs to other timesteps and whose other numbers
               are less precise
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
    """Reports a mistake in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    main_parser = _Parser(prog="diffusion-classifier", allow_abbrev=False)
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_classify(commands)
    _add_init(commands)
    _add_with_config(
        commands,
        "costs",
        help="estimate the costs of a config before anything runs",
        description="Estimate the costs of a config's tables before anything runs: images, "
        "prompts, network evaluations and jobs of every method and data set, and, where the config "
        "states a rate, the time of a device.",
    )
    _add_with_config(
        commands,
        "status",
        help="show the progress of a run of the workflow",
        description="Show the progress of a run of the workflow: the finished part of every table, "
        "the rate, the remaining time, and failed jobs. Run it in the folder of the run.",
    )
    _add_verify(commands)
    return main_parser


def _add_with_config(commands: argparse._SubParsersAction, name: str, **texts: str) -> None:
    """Add a command whose only option is the config."""
    command = commands.add_parser(name, allow_abbrev=False, **texts)
    command.add_argument(
        "--configfile",
        nargs="+",
        default=["config.yaml"],
        metavar="FILE",
        help="one or more, as snakemake's (default: config.yaml)",
    )


def _add_init(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "init",
        allow_abbrev=False,
        help="write a config for a folder of images",
        description="Write a commented config for a folder of images, which has a subfolder for "
        "each class. Prints what was found, what the run costs, and the command that starts it.",
    )
    add = command.add_argument
    add("folder", metavar="FOLDER", help="of images, with a subfolder for each class")
    add("--model", required=True, help="a folder in the diffusers layout, or OWNER/NAME on the hub")
    add("--revision", metavar="COMMIT", help="of the hub's repository: what pins its weights")
    add("--family", choices=FAMILIES, help="(default: what the folder says)")
    add("--size", type=_positive, help="edge of an image in pixels (default: the model's)")
    add("--output", metavar="FILE", help="the config (default: the folder's name, .yaml)")


def _add_verify(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "verify",
        allow_abbrev=False,
        help="compare the tables of a run with the expected numbers",
        description="Compare every number in the tables of a run of the default config with the "
        "expected one. Prints what differs; the exit status is 0 if nothing does, 1 if something "
        "does and 2 if a file is missing or cannot be read.",
    )
    add = command.add_argument
    add("--results", default="results", metavar="FOLDER", help="of the run (default: results)")
    folder = "resources/expected"
    add("--expected", default=folder, metavar="FOLDER", help=f"of CSV files (default: {folder})")
    add("--write", action="store_true", help="make the run's numbers the expected ones")


def _add_classify(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "classify",
        allow_abbrev=False,
        help="classify images among prompts with a diffusion model",
        description="Classify images among prompts with a diffusion model.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("images", nargs="+", metavar="IMAGE", help="an image file")
    add("--model", required=True, help="a folder in the diffusers layout, or OWNER/NAME on the hub")
    add("--revision", metavar="COMMIT", help="of the hub's repository: what pins its weights")
    add("--family", help=f"one of {', '.join(FAMILIES)} (default: what the folder says)")
    add("--json", action="store_true", help="print one JSON array, a row per image and prompt")
    _add_prompts(command.add_argument_group("prompts, in one of three ways"))
    _add_preprocess(command.add_argument_group("how an image becomes the model's input"))
    _add_evaluation(command.add_argument_group("what is measured, and where"))


def _add_prompts(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--prompts", nargs="+", metavar="TEXT", help="the prompts, one per class")
    add("--classes", metavar="NAME,...", help="names for --template; with a comma in quotes")
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
    samples = "most timesteps, evenly spaced, of each stage (default: 250, of which few are used)"
    add("--samples", type=_positive, nargs="+", metavar="N", help=samples)
    keep = "prompts to keep after each stage, the last 1 (default: 1)"
    add("--keep", type=_positive, nargs="+", default=[1], metavar="N", help=keep)
    race = "standard errors behind the best at which a prompt leaves; 0: never (default: 3)"
    add("--race", type=_number, default=3.0, metavar="Z", help=race)
    add("--grid", type=_positive, metavar="N", help="timesteps all stages choose from")
    add("--loss", choices=LOSSES, default="l2", help="(default: l2)")
    add("--seed", type=_natural, default=0, help="of the noises (default: 0)")
    size = "evaluations in a pass (default: 128, fewer for large latents)"
    add("--batch-size", type=_positive, metavar="N", help=size)
    add("--guidance", type=_number, metavar="SCALE", help="of a model distilled from guidance")
    add("--device", default="auto", help="cpu, cuda, mps ... (default: a GPU if there is one)")
    dtypes = ("auto", "float32", "float16", "bfloat16")
    add("--dtype", choices=dtypes, default="float32", help="of the networks (default: float32)")


def _positive(text: str) -> int:
    return _at_least(1, text)


def _natural(text: str) -> int:
    return _at_least(0, text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:  # false for NaN too
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number from 0 on")
    return value


def _at_least(least: int, text: str) -> int:
    if not text.isdecimal() or not least <= int(text) < 2**63:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from {least} on")
    return int(text)
