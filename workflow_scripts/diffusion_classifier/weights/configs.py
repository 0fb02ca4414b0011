"""The configs in a model's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError


def read_config(root: Path, part: str, name: str = "config.json") -> dict[str, Any]:
    """The JSON object in `root`/`part`/`name`; InputError if there is none."""
    path = root / part / name
    try:
        config = read_json(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not JSON"
        raise InputError(
            f"{path}: cannot be read ({reason}), expected a part of the model; choose a "
            "whole model, or the family it is of"
        ) from None
    if not isinstance(config, dict):
        raise InputError(
            f"{path}: found no JSON object, expected a config; choose a whole model, or the "
            "family it is of"
        )
    return config
