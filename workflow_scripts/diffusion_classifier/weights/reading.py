"""Read a model's folder, and report in one line that names it if that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError, one_line


def read_config(root: Path, part: str, name: str = "config.json") -> dict[str, Any]:
    """The JSON object in the file `root`/`part`/`name`; InputError if there is none."""
    path = root / part / name
    try:
        config = read_json(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not JSON"
        raise InputError(
            f"{path}: cannot be read ({reason}), expected a part of the model; choose a "
            "whole model, or name its own family"
        ) from None
    if not isinstance(config, dict):
        raise InputError(
            f"{path}: found no JSON object, expected a config; choose a whole model, or name its "
            "own family"
        )
    return config


@contextmanager
def reading(
    folder: str | os.PathLike, what: str, expected: str, remedy: str = "choose another"
) -> Iterator[None]:
    """Turn any error in the block into an InputError: `folder` cannot be read as `what`."""
    import torch

    try:
        yield
    except (InputError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged or incomplete folder leads to errors of any kind
        raise InputError(
            f"{folder}: cannot be read as {what} ({one_line(error)}), expected {expected}; "
            f"complete the folder or {remedy}"
        ) from None
