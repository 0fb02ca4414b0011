"""The interface of a diffusion model; each model family has an adapter that implements it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .forward_process import FlowMatching, ForwardProcess


@dataclass(frozen=True)
class Query:
    """The evaluations of one pass of the network; evaluations of the same input are neighbours.

    An input is a distinct (image, sample), a cell a distinct (timestep, prompt). Of the inputs:
    x_t `(input, c, h, w)` and timestep `(input,)`. Of the evaluations, `(batch,)` each: row, the
    number of the input; prompt; cell, the number of the cell. Of the cells, `(cell,)` each:
    cell_timestep and cell_prompt. All but x_t are int64.
    """

    x_t: Tensor
    timestep: Tensor
    row: Tensor
    prompt: Tensor
    cell: Tensor
    cell_timestep: Tensor
    cell_prompt: Tensor


class Denoiser(Protocol):
    """A conditional diffusion model ε_θ(x_t, t, c) on its device, in its dtype.

    A family may compute only once what several evaluations share. Its denoiser then has an
    attribute `shared` (None if this network cannot share) with the methods `prepare(conditions)`,
    which computes what depends on the prompts alone, and `compile()`. It also has a method
    `predict_shared(query, prepared)`, which returns what `predict` returns for the evaluations.

    `speed.accelerate` sets the attribute `compiled` to true if it compiled the network.
    """

    network: nn.Module
    """A UNet or transformer of diffusers."""

    process: ForwardProcess | FlowMatching
    """The forward process of its training, on the model's device."""

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """ε_θ and, where it is learned, the raw variance channels, `(batch, c, h, w)` each.

        `timestep` is `(batch,)` int64; `condition` holds rows of what the family's
        `encode_prompts` returned, one per x_t.
        """


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, compiled by PyTorch for any size of its tensors' first axes.

    All other sizes are constants, which makes loops over few channels or tokens much faster.
    PyTorch's check before each call that no module has changed is off: it takes as long as a block
    of a small network, and nothing here changes a module.
    """
    unchecked = torch.compiler.skip_guard_on_all_nn_modules_unsafe
    fixed = torch.compile(function, options={"guard_filter_fn": unchecked})

    def of_any_size(*arguments: Any, **named: Any) -> Any:
        for tensor in _tensors((arguments, named)):
            torch._dynamo.maybe_mark_dynamic(tensor, 0)
        return fixed(*arguments, **named)

    return of_any_size


def _tensors(found: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples, dictionaries and dataclasses."""
    found = vars(found) if is_dataclass(found) else found
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, (tuple, dict)):
        for part in found.values() if isinstance(found, dict) else found:
            yield from _tensors(part)


def prepare(denoiser: Denoiser, conditions: dict[str, Tensor]) -> Any:
    """Compute what depends on the prompts alone, for `predict_shared`."""
    shared = getattr(denoiser, "shared", None)
    return conditions if shared is None else shared.prepare(conditions)


def predict_shared(denoiser: Denoiser, query: Query, prepared: Any) -> tuple[Tensor, Tensor | None]:
    """`Denoiser.predict` of every evaluation of a query; shares work if the denoiser can.

    `prepared` is the result of `prepare`.
    """
    if getattr(denoiser, "shared", None) is not None:
        return denoiser.predict_shared(query, prepared)
    condition = {name: value[query.prompt] for name, value in prepared.items()}
    return denoiser.predict(query.x_t[query.row], query.timestep[query.row], condition)
