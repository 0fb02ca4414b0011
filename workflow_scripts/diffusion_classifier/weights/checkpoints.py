"""PyTorch's pickled checkpoints read as data: nothing in the file is ever called.

A zip-format checkpoint (`torch.save` since PyTorch 1.6) is a zip of `data.pkl`, a pickle program
that says how to build the state dict, and one uncompressed entry of raw numbers per storage. A
pickle can name any function and call it; here the program is only disassembled (`pickletools`),
and the few instructions that a dict of tensors needs are carried out by hand.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffusion_classifier.files import write_tensors
from diffusion_classifier.messages import InputError

from .pickles import RefusedError, run

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # of a zip entry: signature, lengths of name and extra


def read_checkpoint(path: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a PyTorch zip-format checkpoint, on the CPU, without unpickling it.

    Names within nested dicts are joined by dots; what is no tensor (an epoch, a learning rate) is
    left out. The tensors are views of the memory-mapped file, strides and sharing as saved, and
    private to this process. Raises InputError if the file is missing, damaged, of another format,
    or holds anything but tensors, plain values and containers of them.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            with zipfile.ZipFile(file) as archive:
                entries = {entry.filename: entry for entry in archive.infolist()}
    except zipfile.BadZipFile:
        raise InputError(f"{path}: {_not_a_zip(path)}") from None
    except (OSError, ValueError) as error:  # mmap refuses an empty file with a ValueError
        reason = getattr(error, "strerror", None) or "it is empty"
        raise InputError(
            f"{path}: cannot be read ({reason}), expected a checkpoint; name one"
        ) from None
    try:
        storages = _Storages(mapped, entries)
        tensors = _named(run(storages.program(), storages))
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
    between names. Raises InputError as `read_checkpoint` does.
    """
    seen: set[int] = set()
    tensors = {}
    for name, tensor in read_checkpoint(source).items():
        storage = tensor.untyped_storage().data_ptr()
        # safetensors refuses tensors that overlap: the first keeps the memory, others get a copy
        tensors[name] = tensor.clone() if storage in seen else tensor
        seen.add(storage)
    write_tensors(tensors, target, {"format": "pt"})


class _Storages:
    """The entries of a checkpoint's zip: the pickle program, and storages by their key."""

    def __init__(self, mapped: mmap.mmap, entries: dict[str, zipfile.ZipInfo]) -> None:
        self.mapped, self.entries = mapped, entries
        self.cache: dict[str, Tensor] = {}
        programs = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(programs) != 1:
            raise RefusedError(f"a zip with {len(programs)} entries `data.pkl`")
        self.folder = programs[0].removesuffix("data.pkl")
        order = f"{self.folder}byteorder"
        if order in entries and (found := self._bytes(order).tobytes()) != b"little":
            raise RefusedError(f"the byte order {found.decode(errors='replace')!r}")

    def program(self) -> bytes:
        return self._bytes(f"{self.folder}data.pkl").tobytes()

    def storage(self, key: str, kind: str, count: int) -> Tensor:
        """All numbers of one storage, `(count,)`, as a view of the file."""
        if kind not in _DTYPES:
            raise RefusedError(f"the storage torch.{kind}")
        dtype = _DTYPES[kind]
        if key not in self.cache:
            data = self._bytes(f"{self.folder}data/{key}")
            # a view of an empty buffer is refused by torch
            self.cache[key] = torch.frombuffer(data, dtype=torch.uint8) if len(data) else None
        raw = self.cache[key]
        if raw is None:
            raw = torch.empty(0, dtype=torch.uint8)
        if len(raw) != count * dtype.itemsize:
            raise RefusedError(f"{len(raw)} bytes in storage {key!r} of {count} {dtype} numbers")
        if raw.data_ptr() % dtype.itemsize:  # torch aligns its entries, other writers may not
            raw = self.cache[key] = raw.clone()
        return raw.view(dtype)

    def tensor(self, storage: Tensor, offset: int, shape: tuple, stride: tuple) -> Tensor:
        """A tensor of `shape` laid over `storage`; refused where it would reach beyond."""
        numbers = (offset, *shape, *stride)
        whole = all(type(number) is int and number >= 0 for number in numbers)
        if not whole or len(shape) != len(stride):
            raise RefusedError(f"a tensor of shape {shape}, strides {stride} and offset {offset}")
        reach = sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        if math.prod(shape) and offset + reach >= len(storage):
            raise RefusedError(f"a tensor of shape {shape} that reaches beyond its storage")
        return storage.as_strided(shape, stride, offset)

    def _bytes(self, name: str) -> memoryview:
        """The content of one zip entry, not copied, checked against the zip's checksum."""
        entry = self.entries.get(name)
        if entry is None:
            raise RefusedError(f"no entry {name!r}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise RefusedError(f"the compressed or encrypted entry {name!r}")
        start = entry.header_offset
        header = self.mapped[start : start + _LOCAL_HEADER.size]
        if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
            raise RefusedError(f"the damaged entry {name!r}")
        _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        start += _LOCAL_HEADER.size + name_length + extra_length
        data = memoryview(self.mapped)[start : start + entry.file_size]
        if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
            raise RefusedError(f"the damaged entry {name!r} (its checksum differs)")
        return data


def _named(value: Any) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, tensor in _leaves(value, ()):
        if name in tensors:
            raise RefusedError(f"two tensors named {name!r}")
        tensors[name] = tensor
    return tensors


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield ".".join(path) or "tensor", value
    elif isinstance(value, dict):
        for key, part in value.items():
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
