"""Whether a network may share work: a list of known options, and a comparison on one batch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from diffusion_classifier.messages import note

from ..denoiser import Denoiser, Query

ANY = object()
"""Any value of an option of a config."""
TOLERANCE = {
    torch.float64: 1e-12,
    torch.float32: 5e-5,
    torch.float16: 1e-2,
    torch.bfloat16: 8e-2,
}
"""The largest deviation that rounding explains, as a fraction of the output (root mean square).

It is about ten times the measured deviation, in half precision six times.
"""


def only_known(config: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether all options of `config` are in `known`, with the same value or `ANY` there."""
    options = {key: value for key, value in config.items() if not key.startswith("_")}
    return all(
        key in known and (known[key] is ANY or known[key] == value)
        for key, value in options.items()
    )


@torch.inference_mode()
def same_as_plain(
    denoiser: Denoiser,
    conditions: dict[str, Tensor],
    shape: Sequence[int],
    folder: str | os.PathLike,
) -> bool:
    """Whether `predict_shared` and `predict` of a denoiser that shares agree on one batch.

    The batch is three evaluations of two random inputs `(c, h, w)` = `shape` and the two prompts of
    `conditions`, on the network's device and in its dtype. If they differ by more than rounding
    explains, or sharing fails, a line in the log says so for the model in `folder`. If the output
    of `predict` is not finite, nothing can be compared and the result is True.
    """
    query = _query(denoiser, shape)
    conditions = {name: value.to(query.x_t.device) for name, value in conditions.items()}
    condition = {name: value[query.prompt] for name, value in conditions.items()}
    expected, _ = denoiser.predict(query.x_t[query.row], query.timestep[query.row], condition)
    if not expected.isfinite().all():
        return True
    try:
        found, _ = denoiser.predict_shared(query, denoiser.shared.prepare(conditions))
        deviation = ((found - expected).double().norm() / expected.double().norm()).item()
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # modules that this project does not know fail in any way
        reason = f"fails ({type(error).__name__}: {' '.join(str(error).split())[:150]})"
    else:
        if deviation <= _tolerance(query.x_t):
            return True
        reason = f"differs from the network's output by {deviation:.1e} of it"
    note(
        f"{folder}: what is computed once for several evaluations {reason}; the network itself "
        "computes each of them, which takes longer"
    )
    return False


def _query(denoiser: Denoiser, shape: Sequence[int]) -> Query:
    """Two inputs at two timesteps: the first with both prompts, the second with one."""
    parameter = next(denoiser.network.parameters())
    early, late = denoiser.process.timesteps // 10, 7 * denoiser.process.timesteps // 10
    noise = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    on = {"device": parameter.device}
    return Query(
        x_t=noise.to(parameter.device, parameter.dtype),
        timestep=torch.tensor([early, late], **on),
        row=torch.tensor([0, 0, 1], **on),
        prompt=torch.tensor([0, 1, 1], **on),
        cell=torch.tensor([0, 1, 2], **on),
        cell_timestep=torch.tensor([early, early, late], **on),
        cell_prompt=torch.tensor([0, 1, 1], **on),
    )


def _tolerance(x: Tensor) -> float:
    """TOLERANCE of the dtype; that of float16 if a GPU may compute float32 in TF32.

    Both have 10 bits of mantissa.
    """
    may_be_tf32 = torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32
    if x.is_cuda and x.dtype == torch.float32 and may_be_tf32:
        return TOLERANCE[torch.float16]
    return TOLERANCE[x.dtype]
