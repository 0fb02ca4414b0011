"""Saying in one line that a folder is not the model it was taken for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from diffusion_classifier.messages import InputError


@contextmanager
def reading(
    folder: str | os.PathLike, what: str, expected: str, remedy: str = "choose another"
) -> Iterator[None]:
    """Raise InputError naming `folder` whatever fails in the block: it cannot be read as `what`."""
    import torch

    try:
        yield
    except (InputError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged or incomplete folder leads to errors of any kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{folder}: cannot be read as {what} ({reason[:300]}), expected {expected}; complete "
            f"the folder or {remedy}"
        ) from None
