"""Find the files of a network's weights: one file or shards, plain or of a variant such as fp16."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError, without_home

STEMS = {"diffusers": ("diffusion_pytorch_model",), "transformers": ("model",)}
"""The beginning of the names of weight files, by the library that saves them."""

_PICKLES = (".bin", ".ckpt", ".pt", ".pth")


@dataclass(frozen=True)
class Stored:
    """The safetensors files of one network.

    `file` is the single file, or the index of the shards; `files` are all files with tensors.
    `variant` is the word before `.safetensors` in their names, or None for plain weights.
    """

    file: Path
    files: tuple[Path, ...]
    variant: str | None


def find_weights(folder: str | os.PathLike, stems: Sequence[str]) -> Stored:
    """The weights in `folder` whose names begin with the first of `stems` that occurs there.

    Plain weights are preferred to those of a variant. Raises InputError if there are no weights,
    several variants but no plain weights, or if a shard is missing. Only the index of shards is
    read.
    """
    folder = Path(folder)
    names = sorted(path.name for path in folder.glob("*") if path.is_file())
    for stem in stems:
        found = _by_variant(names, stem)
        if len(found) > 1 and None not in found:
            raise InputError(
                f"{folder}: found weights of the variants {', '.join(sorted(found))} and no plain "
                f"ones, expected {stem}.safetensors or one variant; remove the other variants"
            )
        if found:
            variant = None if None in found else next(iter(found))
            return _stored(folder, found[variant], variant)
    raise InputError(
        f"{folder}: found no {stems[0]}.safetensors, expected the weights of a network in that "
        f"format{_other_files(names)}; add them, or choose a whole model"
    )


def _by_variant(names: Sequence[str], stem: str) -> dict[str | None, str]:
    """The file of weights, or the index of shards, of each variant among `names`."""
    patterns = [
        rf"{stem}(?:\.(?P<variant>\w+))?\.safetensors",
        rf"{stem}\.safetensors\.index(?:\.(?P<variant>\w+))?\.json",
    ]
    # if a folder has both, the last match counts: diffusers prefers shards, transformers one file
    if stem not in STEMS["diffusers"]:
        patterns.reverse()
    matches = [match for p in patterns for name in names if (match := re.fullmatch(p, name))]
    return {match["variant"]: match[0] for match in matches}


def _stored(folder: Path, name: str, variant: str | None) -> Stored:
    file = folder / name
    if not name.endswith(".json"):
        return Stored(file, (file,), variant)
    try:
        shards = sorted(set(read_json(file)["weight_map"].values()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise InputError(
            f"{file}: cannot be read as an index of shards, expected a weight_map; fetch it again"
        ) from None
    missing = [shard for shard in shards if not (folder / shard).is_file()]
    if missing:
        raise InputError(
            f"{file}: found {len(missing)} of its {len(shards)} shards missing, the first "
            f"{missing[0]}, expected all of them beside it; fetch them too"
        )
    return Stored(file, tuple(folder / shard for shard in shards), variant)


def _other_files(names: Sequence[str]) -> str:
    """A remark about the files of a folder without weights; empty if none of them is close."""
    pickles = [name for name in names if name.endswith(_PICKLES)]
    if pickles:
        return f" (and not {pickles[0]}: a pickle is never opened)"
    shards = [name for name in names if "-of-" in name and name.endswith(".safetensors")]
    return f" (and the index of shards such as {shards[0]})" if shards else ""


@cache
def note(line: str) -> None:
    """Write a line to the log, but only once in a process."""
    print(without_home(line), file=sys.stderr)
