"""Damaged results: found when a job fails, named, and set aside so that they are made again.

A file is cut short by a full disk, a quota or a copy that broke off, or changed by a bad disk. Jobs
write whole files with checksums (`files`), so what cannot be read was spoilt by something else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from diffusion_classifier import files

SUFFIX = ".damaged"

Reader = Callable[[Path], object]
_READERS: dict[str, Reader] = {
    ".nc": files.read_dataset,
    ".parquet": files.read_parquet,
    ".safetensors": files.read_tensors,
    ".json": files.read_json,
}
# a model's weights may be larger than the memory: whether they are whole is enough
_WEIGHTS: dict[str, Reader] = {
    ".safetensors": files.read_text_metadata,
    ".json": files.read_json,
}


def _reason(path: Path, readers: dict[str, Reader]) -> str | None:
    """Why a file cannot be read; None if it can, or if that is not the file's fault."""
    reader = readers.get(path.suffix)
    if reader is None:
        return None
    try:
        reader(path)
    except (MemoryError, FileNotFoundError, PermissionError):
        return None
    except Exception as error:  # a damaged file leads to errors of any kind
        said = " ".join(str(error).split()) or type(error).__name__
        if (isinstance(error, OSError) and error.errno is not None) or "alloc" in said:
            return None  # the system's: too many open files, no memory, a disk that does not answer
        return said
    return None


def found(inputs: Iterable[str], results: str) -> list[tuple[Path, str]]:
    """The damaged ones among a job's inputs that lie in the `results`: each with the reason.

    Inputs may be folders, of models; the reason then names a file in it. What is not in the results
    was not made here and cannot be made again.
    """
    try:  # what reads them: where that fails, as for want of memory, nothing is said of any file
        import h5netcdf  # noqa: F401
        import pyarrow.parquet  # noqa: F401
        import safetensors.torch  # noqa: F401
    except Exception:
        return []
    root, spoilt = Path(results).resolve(), []
    for name in map(Path, inputs):
        if not name.resolve().is_relative_to(root):
            continue
        if name.is_dir():
            inside = ((file.name, _reason(file, _WEIGHTS)) for file in sorted(name.rglob("*")))
            reason = next((f"{file}: {why}" for file, why in inside if why), None)
        else:
            reason = _reason(name, _READERS)
        if reason:
            spoilt.append((name, reason))
    return spoilt


def set_aside(path: Path) -> Path:
    """Rename a file or folder, so that nobody believes it; its new name."""
    aside = path.with_name(path.name + SUFFIX)
    try:
        if aside.is_dir() and not aside.is_symlink():
            aside = path.with_name(f"{path.name}.{os.getpid()}{SUFFIX}")
        os.replace(path, aside)
    except FileNotFoundError:
        pass  # another job that reads it was first
    return aside
