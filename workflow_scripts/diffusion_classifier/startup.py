"""Importing libraries without what a job does not need of them.

diffusers, for a job that only runs a denoiser or a VAE: an eighth of the usual work. It imports
every transformer and every UNet it has to get one, its optional dependencies (transformers, peft,
SciPy) for what pipelines and adapters do with them, and PyTorch's compiler to mark functions for
it; and it reads the file lists of all that is installed, to know which package is whose.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any
from unittest import mock

UNUSED = ("peft", "transformers", "scipy")
"""Optional dependencies of diffusers that neither a denoiser nor a VAE uses."""
DEFERRED = (
    "diffusers.models.autoencoders",
    "diffusers.models.transformers",
    "diffusers.models.unets",
    "diffusers.hooks",
)
"""Packages that import all their modules, of which a model needs one."""
COMPILER = "torch._dynamo"


@contextmanager
def hidden(stand_ins: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Within, modules that are not imported yet are these instead, or (None) not installed."""
    ours = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(ours)
    try:
        yield
    finally:
        for name in ours:
            del sys.modules[name]


@contextmanager
def lean_diffusers() -> Iterator[None]:
    """What is imported of diffusers within is imported without what a denoiser or VAE can spare.

    For processes that need no pipeline, adapter or text encoder of diffusers afterwards: to
    diffusers the packages `UNUSED` are not installed from then on. Everybody else can still import
    them, and compile. Does nothing if diffusers has been imported.
    """
    if "diffusers" in sys.modules:
        yield
        return
    with hidden(dict.fromkeys(UNUSED) | {COMPILER: _NoCompiler(COMPILER)}):
        # without that map, diffusers takes a package to be called as its module is
        with mock.patch.object(importlib.metadata, "packages_distributions", dict):
            import diffusers  # noqa: F401

        for name in DEFERRED:
            _defer(name)
        yield


class _NoCompiler(ModuleType):
    """Stands for PyTorch's compiler: its decorators leave what they decorate as it is."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _undecorated


def _undecorated(function: Any = None, *_: Any, **__: Any) -> Any:
    """A decorator that does nothing, used as `@decorator` or as `@decorator(...)`."""
    return _undecorated if function is None else function


class _Deferred(ModuleType):
    """A package whose own code runs when a name is first asked of it, not when a module in it is.

    `importlib.util.LazyLoader` does not tell the two apart.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__class__ = ModuleType
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _defer(name: str) -> None:
    parent, _, child = name.rpartition(".")
    package = module_from_spec(find_spec(name))
    package.__class__ = _Deferred
    sys.modules[name] = package
    setattr(sys.modules[parent], child, package)
