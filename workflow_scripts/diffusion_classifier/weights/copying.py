"""Copy a folder of weights."""

from __future__ import annotations

import os
from pathlib import Path

from diffusion_classifier.files import atomic_folder

from .hub import link

UNREAD = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".msgpack", ".h5", ".onnx")
"""Ends of weights in formats that are never read."""


def copy_weights(folder: str | os.PathLike, target: str | os.PathLike) -> None:
    """Write the files of `folder` to `target`, atomically, as links where that is possible.

    Hidden files and weights in formats that are not read are left out.
    """
    folder = Path(folder)
    with atomic_folder(target) as temporary:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.is_file() and not hidden and path.suffix not in UNREAD:
                (temporary / inside).parent.mkdir(parents=True, exist_ok=True)
                link(path, temporary / inside)
