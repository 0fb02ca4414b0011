"""Train a miniature DiT with learned variance (Peebles & Xie 2023) on a set of images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import DDPMScheduler, DiTTransformer2DModel
from torch import Tensor, nn

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.losses import bound_term, variational_bound

from .loop import Optimisation, fit


def train_dit(
    images: Tensor,
    labels: Tensor,
    architecture: dict,
    scheduler: dict,
    optimisation: Optimisation,
    augment: Callable[[Tensor], Tensor],
    timestep_logit: tuple[float, float] = (0.0, 1.0),
) -> tuple[DiTTransformer2DModel, DDPMScheduler, list[dict[str, float]]]:
    """Train a `DiTTransformer2DModel(**architecture)` on `images` in [-1, 1], `(n, c, h, w)`.

    `labels` is `(n,)` int64. Timesteps are drawn as T·sigmoid(N(mean, std)) with
    `timestep_logit = (mean, std)`. The objective is DiT's: L2 of ε plus T/1000 times the
    bound's term with ε held fixed (Nichol & Dhariwal 2021, eq. 16).
    Returns the model (in evaluation mode), its scheduler and the loss curve.
    """
    torch.manual_seed(optimisation.seed)
    noise_scheduler = DDPMScheduler(**scheduler)
    model = DiTTransformer2DModel(**architecture)
    _initialise(model)
    process = ForwardProcess(noise_scheduler.alphas_cumprod)
    mean, std = timestep_logit

    def batch_loss(indices: Tensor) -> Tensor:
        x0, labelled = augment(images[indices]), labels[indices]
        noise = torch.randn_like(x0)
        uniform = torch.sigmoid(mean + std * torch.randn(len(x0)))
        timestep = (process.timesteps * uniform).long().clamp(max=process.timesteps - 1)
        x_t = process.noised(x0, noise, timestep)
        output = model(x_t, timestep=timestep, class_labels=labelled, return_dict=False)[0]
        predicted, variance = output.chunk(2, dim=1)
        kl, nll = variational_bound(process, x0, x_t, timestep, predicted.detach(), variance)
        bound = bound_term(kl, nll, timestep) * (process.timesteps / 1000)
        return (predicted - noise).square().mean() + bound.mean()

    curve = fit(model, batch_loss, len(images), optimisation)
    return model.eval(), noise_scheduler, curve


def _initialise(model: DiTTransformer2DModel) -> None:
    """adaLN-zero: every block starts as the identity and the output at zero (DiT, section 3.2).

    diffusers keeps PyTorch's default initialisation. Its label dropout is switched off: it would
    drop the label in each block independently, and the classifier needs labelled predictions only.
    """
    for block in model.transformer_blocks:
        embedding = block.norm1.emb
        embedding.class_embedder.dropout_prob = 0.0
        nn.init.normal_(embedding.class_embedder.embedding_table.weight, std=0.02)
        nn.init.normal_(embedding.timestep_embedder.linear_1.weight, std=0.02)
        nn.init.normal_(embedding.timestep_embedder.linear_2.weight, std=0.02)
        _zero(block.norm1.linear)
    _zero(model.proj_out_1)
    _zero(model.proj_out_2)


def _zero(linear: nn.Linear) -> None:
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
