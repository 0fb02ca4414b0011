"""One training loop for every miniature model: AdamW, warm-up, cosine decay, EMA, a loss curve.

`training_record` describes a finished training; the record is stored beside the weights.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from diffusion_classifier.machine import processor
from diffusion_classifier.network_time import in_network
from diffusion_classifier.progress import Progress


@dataclass(frozen=True)
class Optimisation:
    """The settings of a training; every field is a key of `optimisation` in the config.

    The rate rises to `learning_rate` over `warmup` steps and then follows half a cosine to zero.
    `ema` is the decay of the exponential moving average of the weights, which is saved (0: off).
    """

    steps: int
    batch_size: int
    learning_rate: float
    beta2: float = 0.99
    weight_decay: float = 0.0
    warmup: int = 500
    ema: float = 0.999
    clip_norm: float = 1.0
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Learning rate at `step`, as a fraction of `learning_rate`."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@in_network()
def fit(
    model: nn.Module,
    batch_loss: Callable[[Tensor], Tensor],
    images: int,
    optimisation: Optimisation,
    log_every: int = 200,
) -> list[dict[str, float]]:
    """Minimise `batch_loss(indices)` and leave the averaged weights in `model`.

    `indices` are `(batch,)` int64 positions in 0..images-1; each epoch is a new permutation.
    Returns the loss curve: one row `step, loss, learning_rate` per `log_every` steps, with the
    mean loss of these steps. Raises FloatingPointError if the loss is no longer finite.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=optimisation.learning_rate,
        betas=(0.9, optimisation.beta2),
        weight_decay=optimisation.weight_decay,
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, optimisation.rate_at)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(optimisation.ema))
    curve, since_log = [], torch.zeros(())
    progress = Progress(optimisation.steps, "steps")
    for step, indices in enumerate(_batches(images, optimisation)):
        loss = batch_loss(indices)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), optimisation.clip_norm)
        optimizer.step()
        scheduler.step()
        average.update_parameters(model)
        since_log += loss.detach().cpu()
        if (step + 1) % log_every == 0 or step + 1 == optimisation.steps:
            mean = float(since_log) / (step % log_every + 1)
            if not math.isfinite(mean):
                raise FloatingPointError(
                    f"training diverged: the mean loss up to step {step + 1} is {mean}; "
                    "lower `learning_rate` or raise `warmup` in the model's `training`"
                )
            curve.append(
                {"step": step + 1, "loss": mean, "learning_rate": scheduler.get_last_lr()[0]}
            )
            since_log.zero_()
            progress.update(step + 1, f"loss {mean:.4f}")
    if optimisation.ema > 0:
        model.load_state_dict(average.module.state_dict())
    return curve


def _batches(images: int, optimisation: Optimisation) -> Iterable[Tensor]:
    """`steps` batches of indices from the global random generator, which the caller seeds."""
    order, size = torch.empty(0, dtype=torch.int64), optimisation.batch_size
    for _ in range(optimisation.steps):
        while len(order) < size:
            order = torch.cat([order, torch.randperm(images)])
        yield order[:size]
        order = order[size:]


def training_record(
    recipe: dict[str, Any], network: nn.Module, images: int, seconds: float, device: torch.device
) -> dict[str, Any]:
    """Recipe, numbers of images and parameters, seconds, processor and versions, for JSON."""
    return {
        **recipe,
        "images": images,
        "parameters": sum(p.numel() for p in network.parameters()),
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "processor": processor(),
        "versions": {name: version(name) for name in ("torch", "diffusers", "transformers")}
        | {"python": platform.python_version()},
    }
