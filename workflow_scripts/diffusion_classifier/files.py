"""Read and write results, atomically and only in formats that cannot run code.

Files are written with checksums, and reading fails if a checksum is wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .messages import InputError

if TYPE_CHECKING:  # imported in functions, as rules that only read tables do not need torch
    import pandas as pd
    import xarray as xr
    from torch import Tensor


_DIGEST = "sha256"


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to `path` when the block ends without error.

    The name is unique, so two jobs that write the same result do not share a temporary file. The
    content is flushed to disk before the rename, so `path` is either absent, old or complete.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: str | os.PathLike) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(value: Any, path: str | os.PathLike) -> None:
    write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", path)


def read_json(path: str | os.PathLike) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def check_keys(path: str | os.PathLike) -> None:
    """Raise InputError if a mapping in a YAML file has a key twice.

    YAML's readers keep the last of its values and drop the others without a word. Raises OSError,
    UnicodeDecodeError or yaml.YAMLError for a file that cannot be read.
    """
    import yaml

    text = Path(path).read_text(encoding="utf-8")
    todo, seen = [("", yaml.compose(text, yaml.SafeLoader))], set()
    while todo:
        where, node = todo.pop(0)
        if id(node) in seen:  # an alias of a node, which may lie inside of it
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += [(where, item) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            _check_once(path, where, [key for key, _ in node.value])
            todo += [(f"{where}.{key.value}".lstrip("."), item) for key, item in node.value]


def _check_once(path: str | os.PathLike, where: str, keys: list[Any]) -> None:
    """Raise InputError if two keys of a mapping, nodes of a YAML document, are equal."""
    lines: dict[tuple[str, str], int] = {}
    for key in keys:
        name, line = (key.tag, str(key.value)), key.start_mark.line + 1
        # a mapping may be merged with several others
        if name in lines and key.value != "<<":
            inside = f" of `{where}`" if where else ""
            raise InputError(
                f"{path}: found the key `{key.value}`{inside} in line {lines[name]} and again in "
                f"line {line}, expected it once, as only the last would count; remove or rename one"
            )
        lines[name] = line


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike) -> None:
    with atomic(path) as temporary:
        frame.to_parquet(temporary, index=False, write_page_checksum=True)


def write_parquet_pieces(
    pieces: Iterable[pd.DataFrame],
    path: str | os.PathLike,
    metadata: Callable[[], dict[str, str]] = dict,
) -> None:
    """Write one or more tables with the same columns to one file, with one of them in memory.

    Each table becomes one or more row groups, with the column types of the first table. The file
    gets the strings that `metadata` returns after the last piece.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic(path) as temporary, ExitStack() as stack:
        writer = None
        for piece in pieces:
            schema = writer.schema if writer else None
            table = pa.Table.from_pandas(piece, schema, preserve_index=False)
            if writer is None:
                writer = stack.enter_context(
                    pq.ParquetWriter(temporary, table.schema, write_page_checksum=True)
                )
            writer.write_table(table)
        if writer and (strings := metadata()):
            writer.add_key_value_metadata(strings)


def read_parquet(path: str | os.PathLike, columns: list[str] | None = None) -> pd.DataFrame:
    """Read one file, with its checksums; `pandas.read_parquet` takes 0.1 s longer."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read(columns=columns).to_pandas()


def write_csv(frame: pd.DataFrame, path: str | os.PathLike) -> None:
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False)


def read_csv(path: str | os.PathLike, texts: Iterable[str] = ()) -> pd.DataFrame:
    """A CSV of numbers, and of texts in the columns `texts`, which may look like numbers or NA."""
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    numbers = frame.columns.difference(list(texts))
    return frame.assign(**{name: pd.to_numeric(frame[name]) for name in numbers})


def write_tensors(
    tensors: dict[str, Tensor], path: str | os.PathLike, metadata: dict[str, str] | None = None
) -> None:
    """Write named tensors as safetensors, with string `metadata` and their digest in its header.

    Without `metadata` the same tensors make the same bytes; with it, safetensors writes several
    strings in another order each time.
    """
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic(path) as temporary:
        save_file(contiguous, temporary, (metadata or {}) | {_DIGEST: _digest(contiguous)})


def read_tensors(path: str | os.PathLike) -> dict[str, Tensor]:
    """All tensors of a safetensors file; ValueError if they do not match their digest."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    if read_text_metadata(path).get(_DIGEST, found := _digest(tensors)) != found:
        raise ValueError(f"{path}: its tensors are not those that were written")
    return tensors


def read_text_metadata(path: str | os.PathLike) -> dict[str, str]:
    """The strings in the header of a safetensors file."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return file.metadata() or {}


def _digest(tensors: dict[str, Tensor]) -> str:
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def write_dataset(dataset: xr.Dataset, path: str | os.PathLike) -> None:
    """Write an xarray dataset as compressed NetCDF-4; float variables keep their dtype."""
    encoding = {
        name: {"zlib": True, "complevel": 1, "fletcher32": True}
        for name, variable in dataset.variables.items()
        if variable.ndim and variable.dtype.kind in "biuf"  # arrays of numbers
    }
    with atomic(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def read_dataset(path: str | os.PathLike) -> xr.Dataset:
    """Read a whole NetCDF file into memory."""
    import xarray as xr

    return xr.load_dataset(path, engine="h5netcdf")


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to `path` when the block ends without error.

    It replaces an older folder of that name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
