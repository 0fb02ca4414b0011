"""Load networks of diffusers and transformers, and check that the files have every tensor."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from diffusion_classifier.messages import InputError

from .reading import reading
from .weight_files import STEMS, Shapes, WeightFiles, account_for, find_weights, network_shapes

Network = TypeVar("Network", bound=nn.Module)

# their warnings about missing tensors, superfluous tensors and variants repeat our own messages
_LOGGERS = ("diffusers.models.modeling_utils", "transformers.modeling_utils")


def load_network(
    kind: type[Network],
    folder: str | os.PathLike,
    part: str = "",
    dtype: torch.dtype = torch.float32,
) -> Network:
    """The network of the class `kind` in `folder`/`part`, in `dtype` on the CPU, for evaluation.

    `kind` is a class of diffusers or transformers that has `from_pretrained`. Weights are read
    from safetensors only, in one file or in shards; those of a variant (`*.fp16.safetensors`) are
    used if there are no plain ones. Nothing is downloaded. Raises InputError if a file is missing
    or damaged, or if a tensor is missing or has another shape.
    """
    where = Path(folder, part)
    library = kind.__module__.partition(".")[0]
    if not (where / "config.json").is_file():
        raise InputError(
            f"{where}: found no config.json, expected that of a {kind.__name__} and its weights; "
            "complete the folder, or choose a whole model"
        )
    stored = find_weights(where, STEMS[library])
    found = stored.shapes()
    with _quiet(), reading(where, f"a {kind.__name__}", "its config.json and weights"):
        if library == "diffusers":
            network, report = _load_diffusers(kind, where, stored, found, dtype)
        else:
            network, report = kind.from_pretrained(
                str(where), dtype=dtype, ignore_mismatched_sizes=True, **_options(stored)
            )
    needed = network_shapes(network)
    # for shards, diffusers reports the names in their index, which the shards may not contain
    if library != "diffusers" or len(stored.files) == 1:
        found = _reported(report, needed)
    account_for(stored.file, type(network).__name__, needed, found)
    return network.eval()


def _load_diffusers(
    kind: type[Network], where: Path, stored: WeightFiles, found: Shapes, dtype: torch.dtype
) -> tuple[Network, dict[str, Any]]:
    """The network and diffusers' report, which translates diffusers' older names of tensors.

    diffusers stops at the first tensor of another shape. Then the shapes in the files are compared
    here, to count all such tensors.
    """
    try:
        return kind.from_pretrained(str(where), torch_dtype=dtype, **_options(stored))
    except ValueError:
        from accelerate import init_empty_weights

        with init_empty_weights():
            network = kind.from_config(kind.load_config(str(where)))
        account_for(stored.file, kind.__name__, network_shapes(network), found)
        raise


def _options(stored: WeightFiles) -> dict[str, Any]:
    return {
        "variant": stored.variant,
        "use_safetensors": True,
        "local_files_only": True,
        "output_loading_info": True,
    }


def _reported(report: dict[str, Any], needed: Shapes) -> Shapes:
    """The tensors in the files under the network's names, according to the library's report."""
    missing = set(report["missing_keys"])
    found = {name: shape for name, shape in needed.items() if name not in missing}
    found |= {name: tuple(shape) for name, shape, _ in report["mismatched_keys"]}
    return found | {name: () for name in report["unexpected_keys"]}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' warnings about a loaded network out of the log."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(_is_error)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_error)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
