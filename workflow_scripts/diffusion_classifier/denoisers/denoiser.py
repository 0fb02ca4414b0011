"""What the engine asks of a diffusion model; one adapter per model family provides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .forward_process import FlowMatching, ForwardProcess


@dataclass(frozen=True)
class Query:
    """A pass of the network: evaluations of inputs, each of them noised once for all its prompts.

    x_t: `(input, c, h, w)`, the distinct (image, sample); timestep: theirs, `(input,)` int64.
    row and prompt: of every evaluation the input and the prompt, `(batch,)` int64; cell: which of
    the distinct (timestep, prompt) it asks about, `(batch,)`; cell_timestep, cell_prompt: what
    these are, `(cell,)`. Evaluations of one input sit together.
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

    A family may compute what evaluations have in common only once. It then has an attribute
    `shared`, None where the model at hand cannot, with a method `prepare(conditions)` for what
    depends on the prompts alone and one to `compile` it, and itself a
    `predict_shared(query, prepared)`, which returns what `predict` returns for the query's
    evaluations.

    Where it was compiled, `speed.accelerate` gives it an attribute `compiled` that is true.
    """

    network: nn.Module
    """What does the work: a UNet or transformer of diffusers."""

    process: ForwardProcess | FlowMatching
    """The forward process it was trained for, on the model's device."""

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """ε_θ and, where it is learned, the raw variance channels, `(batch, c, h, w)` each.

        `timestep` is `(batch,)` int64; `condition` holds rows of what the family's
        `encode_prompts` returned, one per x_t.
        """


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as PyTorch compiles it, for passes of any size: of its tensors' first axes.

    All other sizes are constants to it, which makes loops over few channels or tokens much faster.
    It does not check before each pass that no module has changed since, which takes as long as a
    block of a small network does: nothing here changes one.
    """
    unchecked = torch.compiler.skip_guard_on_all_nn_modules_unsafe
    fixed = torch.compile(function, options={"guard_filter_fn": unchecked})

    def of_any_size(*arguments: Any, **named: Any) -> Any:
        for tensor in _tensors((arguments, named)):
            torch._dynamo.maybe_mark_dynamic(tensor, 0)
        return fixed(*arguments, **named)

    return of_any_size


def _tensors(found: Any) -> Iterator[Tensor]:
    """The tensors in tuples, dictionaries, queries and batches."""
    found = vars(found) if is_dataclass(found) else found
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, (tuple, dict)):
        for part in found.values() if isinstance(found, dict) else found:
            yield from _tensors(part)


def prepare(denoiser: Denoiser, conditions: dict[str, Tensor]) -> Any:
    """What of a denoiser's work depends on the prompts alone, for `predict_shared`."""
    shared = getattr(denoiser, "shared", None)
    return conditions if shared is None else shared.prepare(conditions)


def predict_shared(denoiser: Denoiser, query: Query, prepared: Any) -> tuple[Tensor, Tensor | None]:
    """`Denoiser.predict` of every evaluation of a query, what they share computed once if it can.

    `prepared` is what `prepare` returned.
    """
    if getattr(denoiser, "shared", None) is not None:
        return denoiser.predict_shared(query, prepared)
    condition = {name: value[query.prompt] for name, value in prepared.items()}
    return denoiser.predict(query.x_t[query.row], query.timestep[query.row], condition)
