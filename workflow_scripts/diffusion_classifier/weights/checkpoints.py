"""Read PyTorch's pickled checkpoints without running any code that they contain.

A checkpoint in zip format (`torch.save` since PyTorch 1.6) holds `data.pkl`, a pickle program that
builds the state dict, and one uncompressed entry of raw numbers per storage. A pickle can call any
function; `torch.load(weights_only=True)` builds only tensors and plain values. The module is used
only for repositories and releases without safetensors.
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
from diffusion_classifier.messages import InputError, one_line


class RefusedError(Exception):
    """A checkpoint has content that no state dict has; the message names it."""


def read_checkpoint(path: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a PyTorch zip-format checkpoint, on the CPU.

    The keys of nested dicts are joined by dots; plain values (an epoch, a learning rate) are left
    out. The tensors are private views of the memory-mapped file with the saved strides and sharing.
    Raises InputError if the file is missing, damaged, of another format, or has anything but
    tensors, plain values and containers of them.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise InputError(
                f"{path}: cannot be read (it is empty), expected a checkpoint; name one"
            )
        with zipfile.ZipFile(path) as archive:
            sizes = _entry_sizes(archive)
        tensors = _tensors_by_name(_load(path))
        _check_storages(tensors, sizes)
    except zipfile.BadZipFile:
        raise InputError(f"{path}: {_not_a_zip(path)}") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}), expected a checkpoint; name one"
        ) from None
    except RefusedError as error:
        found = one_line(error)  # may quote the file, which others wrote
        raise InputError(
            f"{path}: found {found}; expected tensors only; use a .safetensors file"
        ) from None
    if not tensors:
        raise InputError(f"{path}: found no tensor, expected a state dict; name another file")
    return tensors


def convert(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Write the tensors of the checkpoint `source` as the safetensors file `target`, atomically.

    Every tensor is stored whole under its own name, even if several names share one storage in
    `source`. The same checkpoint gives the same bytes. Raises InputError as `read_checkpoint` does.
    """
    seen: set[int] = set()
    tensors = {}
    for name, tensor in read_checkpoint(source).items():
        storage = tensor.untyped_storage().data_ptr()
        # safetensors refuses tensors that overlap: the first keeps the memory, others get a copy
        tensors[name] = (tensor.clone() if storage in seen else tensor).contiguous()
        seen.add(storage)
    with atomic(target) as temporary:
        # the metadata of save_pretrained; with several entries their order would vary
        save_file(tensors, temporary, {"format": "pt"})


def _entry_sizes(archive: zipfile.ZipFile) -> Counter[int]:
    """The number of entries of raw numbers for each size in bytes, after a test of all checksums.

    Raises RefusedError for a damaged entry and for one that cannot be mapped to memory.
    """
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise RefusedError(f"the compressed or encrypted entry {entry.filename!r}")
    damaged = archive.testzip()
    if damaged is not None:
        raise RefusedError(f"the damaged entry {damaged!r} (its checksum differs)")
    return Counter(entry.file_size for entry in archive.infolist() if "/data/" in entry.filename)


def _load(path: Path) -> Any:
    """The object that PyTorch builds from the file; RefusedError names content that it refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # `_tensors_by_name` refuses the tensors that it warns about
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # a damaged or hostile program leads to errors of any kind
        raise RefusedError(_reason(error)) from None


def _reason(error: Exception) -> str:
    """The refused content, without PyTorch's advice to allow it."""
    text = one_line(error, 1000)
    if match := re.search(r"GLOBAL ([\w.]+)", text):
        return f"the global {match[1]}"
    if "Unsupported operand" in text:
        return "a pickle of another protocol than 2, which torch.save writes by default"
    reason = type(error).__name__ if "weights_only" in text else text
    return f"a damaged checkpoint ({reason[:150]})"


def _check_storages(tensors: dict[str, Tensor], sizes: Counter[int]) -> None:
    """Raise RefusedError for a storage whose size no zip entry has; PyTorch does not check it."""
    storages = {
        storage.data_ptr(): storage.nbytes()
        for storage in (tensor.untyped_storage() for tensor in tensors.values())
        if storage.nbytes()
    }
    for size in Counter(storages.values()) - sizes:
        raise RefusedError(f"a storage of {size} bytes, which no entry of the zip has")


def _tensors_by_name(value: Any) -> dict[str, Tensor]:
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
