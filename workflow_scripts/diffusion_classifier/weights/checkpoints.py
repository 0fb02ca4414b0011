"""PyTorch's pickled checkpoints, read as weights only: nothing in the file is ever called.

A zip-format checkpoint (`torch.save` since PyTorch 1.6) is a zip of `data.pkl`, a pickle program
that says how to build the state dict, and one uncompressed entry of raw numbers per storage. A
pickle can name any function and call it; `torch.load(weights_only=True)` builds tensors and plain
values alone. Used only where a repository or a release has no safetensors.
"""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion_classifier.files import atomic
from diffusion_classifier.messages import InputError


class RefusedError(Exception):
    """What a checkpoint contains that a state dict does not; the message names it."""


def read_checkpoint(path: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a PyTorch zip-format checkpoint, on the CPU.

    Names within nested dicts are joined by dots; what is no tensor (an epoch, a learning rate) is
    left out. The tensors are views of the memory-mapped file, strides and sharing as saved, and
    private to this process. Raises InputError if the file is missing, damaged, of another format,
    or holds anything but tensors, plain values and containers of them.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise InputError(
                f"{path}: cannot be read (it is empty), expected a checkpoint; name one"
            )
        with zipfile.ZipFile(path) as archive:
            sizes = _entry_sizes(archive)
        tensors = _named(_load(path))
        _check_storages(tensors, sizes)
    except zipfile.BadZipFile:
        raise InputError(f"{path}: {_not_a_zip(path)}") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}), expected a checkpoint; name one"
        ) from None
    except RefusedError as error:
        found = " ".join(str(error).split())[:300]  # may quote the file, which others wrote
        raise InputError(
            f"{path}: found {found}; expected tensors only; use a .safetensors file"
        ) from None
    if not tensors:
        raise InputError(f"{path}: found no tensor, expected a state dict; name another file")
    return tensors


def convert(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Write the tensors of the checkpoint `source` as the safetensors file `target`, atomically.

    Every tensor is stored whole and under its own name, also where `source` shared one storage
    between names. The same checkpoint makes the same bytes. Raises InputError as `read_checkpoint`
    does.
    """
    seen: set[int] = set()
    tensors = {}
    for name, tensor in read_checkpoint(source).items():
        storage = tensor.untyped_storage().data_ptr()
        # safetensors refuses tensors that overlap: the first keeps the memory, others get a copy
        tensors[name] = (tensor.clone() if storage in seen else tensor).contiguous()
        seen.add(storage)
    with atomic(target) as temporary:
        # as save_pretrained writes; safetensors orders several strings anew each time
        save_file(tensors, temporary, {"format": "pt"})


def _entry_sizes(archive: zipfile.ZipFile) -> Counter[int]:
    """How many entries of raw numbers there are of each size in bytes; all checksums are right.

    Raises RefusedError for a damaged entry, or one that cannot be mapped to memory.
    """
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise RefusedError(f"the compressed or encrypted entry {entry.filename!r}")
    damaged = archive.testzip()
    if damaged is not None:
        raise RefusedError(f"the damaged entry {damaged!r} (its checksum differs)")
    return Counter(entry.file_size for entry in archive.infolist() if "/data/" in entry.filename)


def _load(path: Path) -> Any:
    """What PyTorch's reader of weights builds of the file; RefusedError says what it does not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is refused below
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # a damaged or hostile program leads to errors of any kind
        raise RefusedError(_reason(error)) from None


def _reason(error: Exception) -> str:
    """What was refused, without PyTorch's advice to allow it."""
    text = " ".join(str(error).split())
    if match := re.search(r"GLOBAL ([\w.]+)", text):
        return f"the global {match[1]}"
    if "Unsupported operand" in text:
        return "a pickle of another protocol than 2, which torch.save writes by default"
    reason = type(error).__name__ if "weights_only" in text else text or type(error).__name__
    return f"a damaged checkpoint ({reason[:150]})"


def _check_storages(tensors: dict[str, Tensor], sizes: Counter[int]) -> None:
    """Raise RefusedError unless each storage is an entry of the zip: no size is checked before."""
    storages = {
        storage.data_ptr(): storage.nbytes()
        for storage in (tensor.untyped_storage() for tensor in tensors.values())
        if storage.nbytes()
    }
    for size in Counter(storages.values()) - sizes:
        raise RefusedError(f"a storage of {size} bytes, which no entry of the zip has")


def _named(value: Any) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, tensor in _leaves(value, ()):
        if name in tensors:
            raise RefusedError(f"two tensors named {name!r}")
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_conj():
            raise RefusedError(f"the sparse, quantized or conjugated tensor {name!r}")
        tensors[name] = tensor
    return tensors


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield ".".join(path) or "tensor", value.detach()
    elif isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str | int):
                raise RefusedError(f"a dict's key of type {type(key).__name__}")
            yield from _leaves(part, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _leaves(part, (*path, str(index)))


def _not_a_zip(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(4)
    if start.startswith(b"PK"):
        return "found a damaged or truncated zip, expected a whole checkpoint; fetch it again"
    if start.startswith(b"\x80"):
        return (
            "found PyTorch's legacy checkpoint format (before 1.6), expected its zip format; "
            "use a .safetensors file, or save it again with a current PyTorch where you trust it"
        )
    return "found no PyTorch checkpoint, expected its zip format (.bin, .pth); name another file"
