"""What every rule script starts with: the rule's log, its threads, device and error messages."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from diffusion_classifier import network_time
from diffusion_classifier.messages import FAILED, InputError, without_home
from diffusion_classifier.operations.stored_files import placed

if TYPE_CHECKING:
    import torch

    from diffusion_classifier.engine.engine import Inputs
    from diffusion_classifier.selection.searches import Search

SEEN = ("input", "output", "wildcards", "threads", "resources", "config", "log", "rule")
"""What scripts read of the object that Snakemake gives them, besides `params`."""


@contextmanager
def job(snakemake: Any) -> Iterator[Any]:
    """Within the block, write output to `snakemake.log` and use `snakemake.threads` threads.

    Gives `snakemake` with paths in its `params` where the files are: with a store, Snakemake keeps
    copies elsewhere.
    The user can act on an InputError, FloatingPointError or MemoryError, so the job ends with its
    message alone; the same holds for damaged inputs, which are renamed. Any other error is a
    mistake in the program and keeps its traceback, with `~` for the home folder.
    """
    with open(snakemake.log[0], "w", encoding="utf-8", buffering=1) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    warnings.formatwarning = _without_path
    # numpy and torch read these when they are first imported, which scripts do in the block
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(snakemake.threads)
    try:
        yield _placed(snakemake)
        print(network_time.log_line(), file=sys.stderr)
    except Exception as error:
        memory = _is_memory_error(error)
        lines = [] if memory else _damage(snakemake)
        if not lines and (memory or isinstance(error, (InputError, FloatingPointError))):
            lines = [" ".join(str(error).split()) or "there is too little memory"]
        for line in lines:
            print(f"{FAILED}{snakemake.rule}: {line}", file=sys.stderr)
        if lines:
            raise SystemExit(1) from None
        # users may publish a log, which should not contain the name of their home folder
        trace = f"{traceback.format_exc()}{FAILED}{snakemake.rule}: {type(error).__name__}: {error}"
        print(without_home(trace), file=sys.stderr)
        raise SystemExit(1) from None


def _placed(snakemake: Any) -> Any:
    """`snakemake` with the paths in its `params` where the job finds or writes these files."""
    results = getattr(snakemake, "config", {}).get("results", "")
    if str(snakemake.output[0]).startswith(f"{results}/") or not results:
        return snakemake
    files = [*map(str, snakemake.input), *map(str, snakemake.output)]
    found = placed(dict(snakemake.params.items()), files, results)
    seen = {name: getattr(snakemake, name) for name in SEEN}
    # what Snakemake gives is read-only, so a script gets what it reads of it
    return SimpleNamespace(**seen, params=type(snakemake.params)(fromdict=found))


def _is_memory_error(error: Exception) -> bool:
    """Whether `error` means too little memory; PyTorch raises errors of its own."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or "can't allocate memory" in str(error)  # a RuntimeError, of the host's


def _damage(snakemake: Any) -> list[str]:
    """Messages on the job's inputs that are missing, or damaged and now renamed."""
    from diffusion_classifier.operations import damage

    gone = [
        f"{path}: is gone, probably because another job found it damaged; run snakemake again, "
        "which makes it anew"
        for path in map(str, snakemake.input)
        if not os.path.exists(path)
    ]
    return gone + [
        f"{path}: is damaged ({reason}), now {damage.set_aside(path).name}; run snakemake again, "
        "which makes it anew"
        for path, reason in damage.found(map(str, snakemake.input), snakemake.config["results"])
    ]


def _without_path(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> str:
    """A library's warning without the path of its file, which may contain the user's name."""
    return f"{category.__name__}: {message}\n"


def compute(snakemake: Any) -> tuple[torch.device, torch.dtype]:
    """The device and dtype in a rule's params; `auto` is a GPU if there is one."""
    import torch

    from diffusion_classifier.denoisers.speed import precision

    torch.set_num_threads(snakemake.threads)
    name = snakemake.params.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    return device, precision(snakemake.params.dtype, device)


def engine_inputs(given: Any) -> Inputs:
    """The tensors that the engine reads, from the files `latents`, `conditions`, `noise` of a job.

    `given` are the inputs of the job; `latents` is one file or several shards in order.
    """
    from diffusion_classifier.engine.encoders import read_latents
    from diffusion_classifier.engine.engine import Inputs
    from diffusion_classifier.files import read_tensors

    shards = [given.latents] if isinstance(given.latents, str) else given.latents
    conditions, noise = read_tensors(given.conditions), read_tensors(given.noise)["noise"]
    return Inputs(*read_latents(shards), conditions, noise)


def opened_search(
    snakemake: Any, prompts: Any, denoiser: Any, device: torch.device, dtype: torch.dtype
) -> Search:
    """The search in a job's params, with the job's latents, conditions, noise and timesteps.

    A job without the input `learned` opens a search that has learned nothing.
    """
    import pandas as pd

    from diffusion_classifier.selection.searches import learned_values, open_search

    params, given = snakemake.params, snakemake.input
    densities = pd.read_csv(given.timesteps) if given.timesteps else None
    learned, inputs = learned_values(given.get("learned", [])), engine_inputs(given)
    size = params.batch_size
    return open_search(
        params.search, denoiser, inputs, prompts, densities, size, device, dtype, learned
    )
