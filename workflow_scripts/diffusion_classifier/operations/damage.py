"""Find damaged results when a job fails, name them, and rename them so that they are made again.

A full disk, a quota, an interrupted copy or a bad disk can damage a file. Jobs write complete files
with checksums (`files`), so a file that cannot be read was damaged later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from diffusion_classifier import files
from diffusion_classifier.messages import one_line

SUFFIX = ".damaged"

Reader = Callable[[Path], object]
_READERS: dict[str, Reader] = {
    ".nc": files.read_dataset,
    ".parquet": files.read_parquet,
    ".safetensors": files.read_tensors,
    ".json": files.read_json,
}
# a model's weights may be larger than the memory, so only their headers are read
_WEIGHTS: dict[str, Reader] = {
    ".safetensors": files.read_text_metadata,
    ".json": files.read_json,
}


def _reason(path: Path, readers: dict[str, Reader]) -> str | None:
    """Why a file cannot be read; None if it can, or if the file is not the cause."""
    reader = readers.get(path.suffix)
    if reader is None:
        return None
    try:
        reader(path)
    except (MemoryError, FileNotFoundError, PermissionError):
        return None
    except Exception as error:  # damaged files lead to errors of any kind
        reason = one_line(error)
        if (isinstance(error, OSError) and error.errno is not None) or "alloc" in reason:
            return None  # the system: too many open files, no memory, an unreachable disk
        return reason
    return None


def found(inputs: Iterable[str], results: str) -> list[tuple[Path, str]]:
    """The damaged files among those inputs of a job that are in `results`, with the reasons.

    An input may be a model's folder; the reason then names a file in it. Inputs outside of
    `results` are not checked, as the workflow cannot make them again.
    """
    try:  # if the readers cannot be imported, for lack of memory, no file can be judged
        import h5netcdf  # noqa: F401
        import pyarrow.parquet  # noqa: F401
        import safetensors.torch  # noqa: F401
    except Exception:
        return []
    root, damaged = Path(results).resolve(), []
    for name in map(Path, inputs):
        if not name.resolve().is_relative_to(root):
            continue
        if name.is_dir():
            inside = ((file.name, _reason(file, _WEIGHTS)) for file in sorted(name.rglob("*")))
            reason = next((f"{file}: {why}" for file, why in inside if why), None)
        else:
            reason = _reason(name, _READERS)
        if reason:
            damaged.append((name, reason))
    return damaged


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder, so that no job uses it; return its new name."""
    aside = path.with_name(path.name + SUFFIX)
    try:
        if aside.is_dir() and not aside.is_symlink():
            aside = path.with_name(f"{path.name}.{os.getpid()}{SUFFIX}")
        os.replace(path, aside)
    except FileNotFoundError:
        pass  # another job has renamed it
    return aside
