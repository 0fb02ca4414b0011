"""Find the files of a network's weights, and compare their tensors with those that it needs.

Weights are one file or shards, plain or of a variant such as fp16.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError, note, one_line

if TYPE_CHECKING:
    from torch import nn

STEMS = {"diffusers": ("diffusion_pytorch_model",), "transformers": ("model",)}
"""The beginning of the names of weight files, by the library that saves them."""

_PICKLES = (".bin", ".ckpt", ".pt", ".pth")

Shapes = dict[str, tuple[int, ...]]
"""The shape of each tensor, by its name."""

# Positions and masks are computed, not learned, and the count of batches serves training only.
# Some versions of the libraries store them and others do not; it changes no number.
_HARMLESS = re.compile(
    r"(^|\.)(position_ids|relative_position_index|attn_mask|rotary_emb\.inv_freq"
    r"|num_batches_tracked)$"
)


@dataclass(frozen=True)
class WeightFiles:
    """The safetensors files of one network.

    `file` is the single file, or the index of the shards; `files` are all files with tensors.
    `variant` is the word before `.safetensors` in their names, or None for plain weights.
    """

    file: Path
    files: tuple[Path, ...]
    variant: str | None

    def shapes(self) -> Shapes:
        """The tensors in the files, from the files' headers; a variant is named in the log.

        Raises InputError for a file that is damaged, cut short, or of another format.
        """
        from safetensors import SafetensorError, safe_open

        if self.variant is not None:
            only = f"found only weights of the variant {self.variant}"
            note(f"{self.file.parent}: {only}, which are loaded")
        found: Shapes = {}
        for path in self.files:
            try:
                with safe_open(path, "pt") as file:
                    names = file.keys()
                    found |= {name: tuple(file.get_slice(name).get_shape()) for name in names}
            except (SafetensorError, OSError) as error:
                raise InputError(
                    f"{path}: cannot be read as safetensors ({_reason(path, error)}), expected the "
                    "weights of a network; fetch the file again"
                ) from None
        return found


def find_weights(folder: str | os.PathLike, stems: Sequence[str]) -> WeightFiles:
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
            return _files(folder, found[variant], variant)
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


def _files(folder: Path, name: str, variant: str | None) -> WeightFiles:
    file = folder / name
    if not name.endswith(".json"):
        return WeightFiles(file, (file,), variant)
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
    return WeightFiles(file, tuple(folder / shard for shard in shards), variant)


def _other_files(names: Sequence[str]) -> str:
    """A remark about the files of a folder without weights; empty if none of them is close."""
    pickles = [name for name in names if name.endswith(_PICKLES)]
    if pickles:
        return f" (and not {pickles[0]}: a pickle is never opened)"
    shards = [name for name in names if "-of-" in name and name.endswith(".safetensors")]
    return f" (and the index of shards such as {shards[0]})" if shards else ""


def account_for(
    file: str | os.PathLike,
    network: str,
    needed: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    remedy: str = "fetch the file again, or the config.json that it was saved with",
) -> None:
    """Raise InputError unless `found` has all tensors that `network` needs, each in its shape.

    `found` are the tensors in `file`, under the network's names for them. Tensors that the network
    does not need are reported in the log, once. Tensors that change no number, such as
    `position_ids`, may be missing or superfluous.
    """
    needed = {name: shape for name, shape in needed.items() if not _HARMLESS.search(name)}
    missing = [name for name in needed if name not in found]
    other = [name for name in needed if name in found and not _equal(needed[name], found[name])]
    total, faults = f"of the {len(needed)} tensors of {network}", []
    if missing:
        faults.append(f"{len(missing)} {total} missing, the first {missing[0]}")
    if other:
        first = f"{other[0]}: {list(found[other[0]])} instead of {list(needed[other[0]])}"
        faults.append(f"{len(other)} {total} in another shape, the first {first}")
    if faults:
        raise InputError(f"{file}: found {', and '.join(faults)}, expected every one; {remedy}")
    extra = sorted(name for name in found if name not in needed and not _HARMLESS.search(name))
    if extra:
        note(
            f"{file}: {len(extra)} of its tensors are not used, as {network} has none of their "
            f"names, the first {extra[0]}"
        )


def network_shapes(network: nn.Module) -> Shapes:
    """The tensors of a network; a tensor with several names is listed under the first one."""
    state, seen = network.state_dict(keep_vars=True), set()
    first = {
        name: tensor
        for name, tensor in state.items()
        if not (id(tensor) in seen or seen.add(id(tensor)))
    }
    return {name: tuple(tensor.shape) for name, tensor in first.items()}


def _equal(needed: tuple[int, ...], found: tuple[int, ...]) -> bool:
    """Whether two shapes are equal; a single number may also be stored as a list of one."""
    return tuple(needed) == tuple(found) or {tuple(needed), tuple(found)} == {(), (1,)}


def _reason(path: Path, error: Exception) -> str:
    with open(path, "rb") as file:
        if file.read(40).startswith(b"version https://git-lfs"):
            return "it is a pointer of Git LFS; `git lfs pull` fetches the file itself"
    return one_line(error, 200)
