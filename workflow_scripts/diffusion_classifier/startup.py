"""Importing libraries without what a job does not need of them.

diffusers, for a job that only runs a denoiser or a VAE: an eighth of the usual work. It imports
every transformer and every UNet it has to get one, its optional dependencies (transformers, peft,
SciPy) for what pipelines and adapters do with them, and PyTorch's compiler to mark functions for
it; and it reads the file lists of all that is installed, to know which package is whose.

transformers, for a job that runs one model on one device: a quarter of the usual work. To define
any model it imports what several devices, detectors, compiled masks and downloads would need.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType, SimpleNamespace
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
COMPILER = ("torch._dynamo", "torch._dynamo._trace_wrapped_higher_order_op")
DISTRIBUTED = "torch.distributed.tensor"
SPARED = ("accelerate", "scipy", "sklearn", "torchvision")
"""Optional dependencies of transformers that a text encoder or a small classifier does not use."""
SWITCHES = ("is_torch_distributed_available", "is_torch_flex_attn_available")
"""What transformers asks about PyTorch before it imports parts of it."""


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
    with hidden(dict.fromkeys(UNUSED) | _no_compiler()):
        # without that map, diffusers takes a package to be called as its module is
        with mock.patch.object(importlib.metadata, "packages_distributions", dict):
            import diffusers  # noqa: F401

        for name in DEFERRED:
            _defer(name)
        yield


@contextmanager
def lean_transformers() -> Iterator[None]:
    """transformers without what its models can spare, and within also without a compiler.

    For processes that run its models whole, on one device, and compile none within (PyTorch asks
    for the compiler to draw weights, even of models that are read, and to train). Unless it has
    been imported, to transformers the packages `SPARED` are not installed from then on, nor
    PyTorch's distributed and flexible attention. Everybody else can still import them.
    """
    with hidden(_no_compiler() | {DISTRIBUTED: None}):
        if "transformers" not in sys.modules:
            _import_transformers()
        yield


def _import_transformers() -> None:
    with hidden(dict.fromkeys(SPARED)):
        from transformers import utils

        for module in (utils, utils.import_utils):
            for name in SWITCHES:
                setattr(module, name, _no)
        # a list of all models like that of the package above, which is the one that is asked
        with mock.patch.object(utils.import_utils, "define_import_structure", _nothing):
            import transformers.models
        import transformers.masking_utils
        import transformers.modeling_utils  # noqa: F401


def _no() -> bool:
    return False


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


def _no_compiler() -> dict[str, ModuleType]:
    return {name: _NoCompiler(name) for name in COMPILER}


class _NoCompiler(ModuleType):
    """Stands for PyTorch's compiler: its decorators leave what they decorate as it is."""

    eval_frame = SimpleNamespace(OptimizedModule=type("OptimizedModule", (), {}))  # of none

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
