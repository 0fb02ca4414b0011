"""Check that noise, latents, images and weights fit into the memory, and arguments of networks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from math import isfinite, prod
from pathlib import Path
from typing import Any

from diffusion_classifier.baselines.registry import baseline
from diffusion_classifier.messages import InputError

FLOAT = 4  # bytes of a float32
TRAINED = 4  # numbers per trained weight: itself, its gradient and AdamW's two moments
LARGEST = 1_000_000
"""The largest integer among the arguments of a network."""
DEEPEST = 1_000
"""The most layers, blocks or stages of a network."""

_MEGABYTE = 10**6
# keys with arguments of other libraries, which the schema does not know
_ARGUMENTS = ("architecture", "scheduler", "params")
_WIDTHS = ("hidden_size", "intermediate_size", "projection_dim", "cross_attention_dim", "width")
_WIDTHS += ("block_out_channels",)
_DEPTHS = ("layers", "num_layers", "num_hidden_layers", "layers_per_block", "stages", "depth")
_COUNTS = (*_WIDTHS, *_DEPTHS, "num_attention_heads", "attention_head_dim", "heads", "patch")
_COUNTS += ("patch_size", "sample_size", "in_channels", "out_channels", "latent_channels")
_COUNTS += ("norm_num_groups", "num_embeds_ada_norm", "num_train_timesteps", "n_neighbors")
_COUNTS += ("max_iter",)
_SHARES = ("beta_start", "beta_end")


def check_sizes(config: dict[str, Any]) -> None:
    """Check that every part of a run fits into memory.

    The memory is that of this machine or, if it is more, a model's `mem_mb`, which describes the
    nodes of a cluster.
    """
    for name, spec in config["models"].items():
        key, memory = f"models.{name}", _memory(spec)
        _check_pixels(key, spec, memory)
        _check_trained(f"{key}.training", spec.get("training", {}), spec["preprocess"], memory)
        if "latent_shape" in spec:
            _check_latents(key, spec, memory)
            _check_noise(config, key, spec, memory)
    for name, spec in config["evaluations"].items():
        _check_batch(config, f"evaluations.{name}.batch_size", spec)
    for name, spec in config["baselines"].items():
        if "preprocess" in spec:
            _check_pixels(f"baselines.{name}", spec, _memory({}))
        _check_trained(f"baselines.{name}", spec, spec.get("preprocess"), _memory({}))
        for param, (most, why) in baseline(spec["kind"]).limits.items():
            found = spec.get("params", {}).get(param)
            if isinstance(found, int) and found > most:
                raise InputError(
                    f"baselines.{name}.params.{param}: found {found}, {why}, expected at most "
                    f"{most}; lower it"
                )


def _memory(spec: dict[str, Any]) -> int:
    """Bytes of main memory for the jobs of a model."""
    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(here, spec.get("mem_mb", 0) * _MEGABYTE)


def readable(count: float) -> str:
    """A number of bytes as text: `4.2 GB`."""
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} EB"


def _refuse(key: str, value: Any, what: str, count: int, memory: int, remedy: str) -> None:
    if count > memory:
        raise InputError(
            f"{key}: found {value}, {what} of {readable(count)}, expected at most "
            f"{readable(memory)}, the available memory; {remedy}"
        )


def _check_latents(key: str, spec: dict[str, Any], memory: int) -> None:
    shape, where = spec["latent_shape"], f"{key}.latent_shape"
    _refuse(where, shape, "a single latent", FLOAT * prod(shape), memory, "correct it")


def _check_noise(config: dict[str, Any], key: str, spec: dict[str, Any], memory: int) -> None:
    """Check that the bank of noises fits into memory and on the disk."""
    size, shape = config["noise"]["size"], spec["latent_shape"]
    count = FLOAT * size * prod(shape)
    what = f"with {key}.latent_shape {shape} a bank"
    remedy = f"lower it, or say what a cluster's nodes have in {key}.mem_mb"
    _refuse("noise.size", size, what, count, memory, remedy)
    folder = Path(config["results"]).absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free = shutil.disk_usage(existing).free
    name = f"{'x'.join(map(str, shape))}-seed{config['noise']['seed']}.safetensors"
    if count > free and not (folder / "noise" / name).exists():
        raise InputError(
            f"noise.size: found {size}, {what} of {readable(count)}, expected at most "
            f"{readable(free)}, the free space on the disk of `results`; lower it, or choose "
            "other `results`"
        )


def _check_batch(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    model = config["models"][spec["model"]]
    if isinstance(size := spec.get("batch_size"), int):
        count = FLOAT * size * prod(model["latent_shape"])
        _refuse(key, size, "a pass", count, _memory(model), "lower it, or use `auto`")


def _check_pixels(key: str, spec: dict[str, Any], memory: int) -> None:
    """Check that a single image fits into memory, at the resolution of its augmentation."""
    form = spec["preprocess"]
    augmentation = spec.get("training", {}).get("augmentation", {})
    oversample = augmentation.get("oversample", 1) if spec.get("weights") == "train" else 1
    for name, edge in (("size", form["size"] * oversample), ("pad", 2 * form.get("pad", 0))):
        count = FLOAT * _channels(form) * edge**2
        where = f"{key}.preprocess.{name}"
        _refuse(where, form.get(name), "a single image", count, memory, "lower it")


def _channels(form: dict[str, Any]) -> int:
    return 1 if form.get("mode") == "L" else 3


def _check_trained(key: str, spec: dict[str, Any], form: dict | None, memory: int) -> None:
    """Check that the network of a training can be built, and a batch of images fits into memory."""
    for name in ("optimisation", "vae_optimisation"):
        if form and name in spec:
            size = spec[name]["batch_size"]
            count = FLOAT * size * _channels(form) * form["size"] ** 2
            where = f"{key}.{name}.batch_size"
            _refuse(where, size, "a batch of images", count, memory, "lower it")
    for part in _ARGUMENTS:
        for where, name, value in _numbers(f"{key}.{part}", part, spec.get(part, {})):
            _check_argument(where, name, value, memory)


def _check_argument(where: str, name: str, value: float, memory: int) -> None:
    """Check a number among the arguments of a network against what any network has."""
    most = DEEPEST if name in _DEPTHS else LARGEST
    whole = isinstance(value, int)
    if not -most <= value <= most if whole else not isfinite(value):
        found = f"{float(value):.3g}" if abs(value) < 1e300 else "a number that no computer has"
        raise InputError(f"{where}: found {found}, expected at most {most:,}; correct it")
    if name in _COUNTS and not (whole and value >= 1):
        raise InputError(f"{where}: found {value}, expected a whole number from 1 on; correct it")
    if name in _SHARES and not 0 < value < 1:
        raise InputError(f"{where}: found {value}, expected more than 0, less than 1; correct it")
    if name in _WIDTHS:
        count = TRAINED * FLOAT * int(value) ** 2
        _refuse(where, value, "a single layer", count, memory, "lower it")


def _numbers(key: str, name: str, value: Any) -> Iterator[tuple[str, str, float]]:
    """All numbers in arguments, as (full key, name, number); in a list, `name` is the list's."""
    if isinstance(value, dict):
        for inner_name, inner in value.items():
            yield from _numbers(f"{key}.{inner_name}", str(inner_name), inner)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _numbers(f"{key}.{position}", name, inner)
    elif type(value) in (int, float):
        yield key, name, value
