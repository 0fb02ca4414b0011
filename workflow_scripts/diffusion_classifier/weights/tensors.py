"""Compare the tensors in a file with those that a network needs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from diffusion_classifier.messages import InputError

from .stored import Stored, note

if TYPE_CHECKING:
    from torch import nn

Shapes = dict[str, tuple[int, ...]]
"""The shape of each tensor, by its name."""

# Positions and masks are computed, not learned, and the count of batches serves training only.
# Some versions of the libraries store them and others do not; it changes no number.
_HARMLESS = re.compile(
    r"(^|\.)(position_ids|relative_position_index|attn_mask|rotary_emb\.inv_freq"
    r"|num_batches_tracked)$"
)


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
    other = [name for name in needed if name in found and not _same(needed[name], found[name])]
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


def shapes(network: nn.Module) -> Shapes:
    """The tensors of a network; a tensor with several names is listed under the first one."""
    state, seen = network.state_dict(keep_vars=True), set()
    first = {
        name: tensor
        for name, tensor in state.items()
        if not (id(tensor) in seen or seen.add(id(tensor)))
    }
    return {name: tuple(tensor.shape) for name, tensor in first.items()}


def stored_shapes(stored: Stored) -> Shapes:
    """The tensors in files of weights, from the files' headers; a variant is named in the log.

    Raises InputError for a file that is damaged, cut short, or of another format.
    """
    from safetensors import SafetensorError, safe_open

    if stored.variant is not None:
        only = f"found only weights of the variant {stored.variant}"
        note(f"{stored.file.parent}: {only}, which are loaded")
    found: Shapes = {}
    for path in stored.files:
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


def _same(needed: tuple[int, ...], found: tuple[int, ...]) -> bool:
    """Whether two shapes are equal; a single number may also be stored as a list of one."""
    return tuple(needed) == tuple(found) or {tuple(needed), tuple(found)} == {(), (1,)}


def _reason(path: Path, error: Exception) -> str:
    with open(path, "rb") as file:
        if file.read(40).startswith(b"version https://git-lfs"):
            return "it is a pointer of Git LFS; `git lfs pull` fetches the file itself"
    return " ".join(str(error).split())[:200]
