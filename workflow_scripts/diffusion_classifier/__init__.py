"""How well a diffusion model recognises things: the library, and its Python interface.

`DiffusionClassifier` classifies images; see `cli.classifier`. It is imported when it is first used,
as rules that only move tables must not import PyTorch.
"""

from importlib import import_module
from typing import Any

__all__ = ["DiffusionClassifier"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.cli.classifier"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
