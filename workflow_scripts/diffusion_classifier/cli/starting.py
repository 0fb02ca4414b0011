"""`diffusion-classifier init`: a commented config for a folder of images and a model."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffusion_classifier import files
from diffusion_classifier.data.sources.folder import Folder, folder
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.denoisers.model_folders import (
    detect_family,
    input_size,
    train_timesteps,
    vae_scale_factor,
)
from diffusion_classifier.engine.pass_size import evaluations_per_pass
from diffusion_classifier.messages import InputError
from diffusion_classifier.names import printable
from diffusion_classifier.selection.schedules import most_timesteps
from diffusion_classifier.weights.inputs import latent_channels

if TYPE_CHECKING:
    import argparse

_CHANNELS = {"L": 1, "RGB": 3}
_TEMPLATE = """\
# How well does {label} recognise the images in {shown}?
#     {command}
# Written by `diffusion-classifier init`. Every key is explained in config/README.md.

results: {results}  # everything that is computed, and the tables

compute:
  device: auto  # a GPU if there is one; or cpu, cuda, cuda:1, mps

noise: {{seed: 0, size: {samples}}}  # the noises that all images and classes share

prompts:
  mine:
{prompts}

datasets:
  mine:
    label: {title}
    source: folder
    path: {path}  # {counts}
    prompts: mine
    # limit: 100  # only so many images, drawn at random

models:
  my-model:
    label: {label}
    family: {family}
    weights: {weights}
    latent_shape: {shape}
    # images are made {size} pixels wide and high; `crop: center` cuts out the middle, and
    # `crop: none` squeezes an image that is not square
    preprocess: {{mode: {mode}, size: {size}, crop: center}}

evaluations:
  my-evaluation:
    label: Diffusion Classifier
    model: my-model
    # a class leaves when it is 3 standard errors behind the best; most leave after a few of these
    # timesteps. Smaller numbers are faster and less exact. Learned timesteps cost less still:
    # see `calibration` in config/README.md
    stages: {{samples: [{samples}], keep: [1], race: {{z: 3, minimum: 3}}, loss: l2}}
    batch_size: {batch}  # lower it if the memory of the device is too small

baselines: {{}}  # other classifiers to compare with: see config/README.md

tables:
  accuracy:
    kind: accuracy
    datasets: [mine]
    methods: [my-evaluation]
    confusion: [mine]
"""


@dataclass(frozen=True)
class Started:
    """A config that was written, its text for a person: what was found, the costs, what to type."""

    path: Path
    text: str


def start(arguments: argparse.Namespace, model: str, workflow: Path) -> Started:
    """Write the config for `arguments.folder` and the model in the folder `model`.

    `arguments` also has `model` (what the user wrote), `revision`, `family`, `size` and `output`.
    Raises InputError for a folder without at least two classes of images, a model that cannot be
    used, a file that exists already, and for a config that would not pass the checks.
    """
    images = _images(arguments.folder)
    name = arguments.family or detect_family(model)
    slug = _slug(arguments.folder)
    output = Path(arguments.output or f"{slug}.yaml")
    extra: dict[Path, str] = {}
    prompts = _prompts(images.class_names, model, name, output, extra)
    for path in (output, *extra):
        if path.exists():
            raise InputError(
                f"{path}: found this file already, expected none, as it would be replaced; remove "
                "it, or name another with --output"
            )
    form = _form(model, name, arguments.size)
    command = _command(output, workflow)
    text = _TEMPLATE.format(
        label=_quoted(_model_label(arguments.model)),
        shown=printable(str(arguments.folder)),
        command=command,
        results=_quoted(f"results-{slug}"),
        samples=most_timesteps(train_timesteps(model)),
        prompts=prompts,
        title=_quoted(_title(arguments.folder)),
        path=_quoted(arguments.folder),
        counts=_counts(images),
        family=name,
        weights=_weights(arguments),
        **form,
    )
    for path, content in extra.items():
        files.write_text(content, path)
    try:
        costs = _checked(text, workflow)
    except InputError:
        for path in extra:
            path.unlink()
        raise
    files.write_text(text, output)
    return Started(output, _report(images, output, extra, costs, command))


def _images(path: str) -> Folder:
    """The folder's images; a message that suggests its only subfolder if that has the classes."""
    try:
        return folder(path)
    except InputError as error:
        inner = sorted(p for p in Path(path).glob("*") if p.is_dir() and p.name[0] != ".")
        if len(inner) == 1 and sum(p.is_dir() for p in inner[0].iterdir()) > 1:
            raise InputError(f"{error}. Or did you mean {inner[0]}?") from None
        raise


def _prompts(
    names: Sequence[str], model: str, family: str, output: Path, extra: dict[Path, str]
) -> str:
    """The lines of the prompts' entry; for a class-conditional model, a CSV is put into `extra`."""
    if FAMILIES[family].class_conditional:
        from .labels import class_names, label_prompts

        table = label_prompts(names, "{}", class_names(model, family))
        rows = [["prompt", "classname", "classidx", "condition"]]
        rows += [
            [n, n, k, c] for k, (n, c) in enumerate(zip(names, table["classidx"], strict=True))
        ]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        path = output.with_name(f"{output.stem}-prompts.csv")
        extra[path] = text.getvalue()
        return f"    file: {_quoted(str(path))}  # which class of the model each folder is"
    template = '    templates: ["a photo of a {}."]  # {} is the name; several are averaged'
    spoken = [_spoken(name) for name in names]
    if spoken == list(names) or len(set(spoken)) < len(names):
        return f"    captions: mine  # the names of the folders\n{template}"
    listed = "\n".join(f"      - {_quoted(name)}" for name in spoken)
    return (
        "    classes:  # in the order of the folders' names; write what a caption would say\n"
        f"{listed}\n{template}"
    )


def _spoken(name: str) -> str:
    """A folder's name as words: without underscores and a number in front (001.Maine_coon)."""
    return " ".join(re.sub(r"^\d+[._ -]+(?=\D)", "", name).replace("_", " ").split()) or name


def _form(model: str, family: str, size: int | None) -> dict[str, Any]:
    """Size, mode and latent shape of the model, and the evaluations in a pass."""
    size, mode = input_size(model, family, size, "--size: ", "give the edge in pixels")
    channels = latent_channels(Path(model))
    side = size if channels is None else size // vae_scale_factor(model)
    shape = [channels or _CHANNELS[mode], side, side]
    batch = evaluations_per_pass(shape[0] * side * side)
    return {"mode": mode, "size": size, "shape": shape, "batch": batch}


def _weights(arguments: argparse.Namespace) -> str:
    if arguments.revision and not Path(arguments.model).is_dir():
        hub, revision = _quoted(arguments.model), _quoted(arguments.revision)
        return f"{{hub: {hub}, revision: {revision}}}"
    return _quoted(arguments.model)


def _checked(text: str, workflow: Path) -> str:
    """What the config `text` costs, after every check of a config."""
    import yaml

    from diffusion_classifier.config.configuration import check_config
    from diffusion_classifier.operations.costs import estimate, render

    config = deepcopy(yaml.safe_load(text))
    check_config(config, workflow)
    return render(estimate(config))


def _report(images: Folder, output: Path, extra: dict[Path, str], costs: str, command: str) -> str:
    lines = [f"found: {_counts(images)}"]
    if images.left_out:
        reasons: dict[str, list[str]] = {}
        for file, why in images.left_out.items():
            reasons.setdefault(why, []).append(file)
        for why, found in reasons.items():
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            lines.append(f"left out ({why}): {printable(found[0])}{more}")
    lines += [f"written: {printable(str(path))}" for path in (output, *extra)]
    return "\n".join([*lines, "", costs, "", f"next: {command}"])


def _counts(images: Folder) -> str:
    names = [printable(name) for name in images.class_names]
    listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"{len(images)} images of {len(names)} classes ({listed})"


def _command(output: Path, workflow: Path) -> str:
    import shlex

    here = workflow.resolve() == Path().resolve()
    snakefile = "" if here else f" --snakefile {shlex.quote(os.path.relpath(workflow))}/Snakefile"
    return f"snakemake{snakefile} --configfile {shlex.quote(str(output))}"


def _model_label(model: str) -> str:
    return Path(model).resolve().name if Path(model).is_dir() else model


def _title(path: str) -> str:
    return " ".join(printable(unicodedata.normalize("NFC", Path(path).resolve().name)).split())


def _slug(path: str) -> str:
    """A plain file name made of the folder's: `Fotos für Oma` becomes `fotos-fur-oma`."""
    plain = unicodedata.normalize("NFKD", Path(path).resolve().name).encode("ascii", "ignore")
    return re.sub("[^a-z0-9]+", "-", plain.decode().lower()).strip("-")[:50] or "my-images"


def _quoted(text: str) -> str:
    """`text` as YAML: JSON's quotes are YAML's."""
    return text if re.fullmatch(r"[A-Za-z][\w./-]*", text, re.ASCII) and text.lower() not in (
        "yes", "no", "true", "false", "null", "on", "off", "y", "n"
    ) else json.dumps(text, ensure_ascii=False)  # fmt: skip
