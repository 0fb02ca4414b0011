"""Per-sample losses between true and predicted noise, each a mean over channel and space."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion_classifier.denoisers.forward_process import ForwardProcess

NOISE_LOSSES = {"l1": F.l1_loss, "l2": F.mse_loss, "huber": F.huber_loss}


def noise_losses(predicted: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """L1, L2 and Huber (δ = 1) errors of ε, `(batch, c, h, w)` → `(batch,)` float32 each."""
    predicted, noise = predicted.float(), noise.float()
    return {
        name: loss(predicted, noise, reduction="none").mean(dim=(1, 2, 3))
        for name, loss in NOISE_LOSSES.items()
    }


def variational_bound(
    process: ForwardProcess,
    x0: Tensor,
    x_t: Tensor,
    timestep: Tensor,
    predicted_noise: Tensor,
    variance: Tensor,
    decoder: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """KL(q(x_{t-1}|x_t,x_0) ‖ p_θ) and -log p_θ(x_0|x_1), bits per dimension, `(batch,)` each.

    `variance` is the network's raw output v in [-1, 1], which interpolates the log variance
    between β̃_t and β_t (Nichol & Dhariwal 2021, eq. 15). The term of the bound at timestep t
    is the KL for t > 0 and the decoder's likelihood at t = 0 (DDPM eq. 5). Without `decoder` the
    likelihood, which takes most of the time, is None.
    """
    x0, x_t, predicted_noise, variance = (a.float() for a in (x0, x_t, predicted_noise, variance))
    low = process.posterior_log_variance(timestep).float().view(-1, 1, 1, 1)
    high = process.log_beta(timestep).float().view(-1, 1, 1, 1)
    fraction = (variance + 1) / 2
    log_variance = fraction * high + (1 - fraction) * low
    predicted_x0 = process.predicted_x0(x_t, predicted_noise, timestep)
    mean = process.posterior_mean(predicted_x0, x_t, timestep)
    true_mean = process.posterior_mean(x0, x_t, timestep)
    kl = _gaussian_kl(true_mean, low, mean, log_variance)
    bits = 1 / math.log(2.0)
    kl = kl.mean(dim=(1, 2, 3)) * bits
    if not decoder:
        return kl, None
    nll = -_discretized_log_likelihood(x0, mean, 0.5 * log_variance)
    return kl, nll.mean(dim=(1, 2, 3)) * bits


def bound_term(kl: Tensor, nll: Tensor | None, timestep: Tensor) -> Tensor:
    """The variational bound's term at each timestep, `(batch,)`, bits per dimension.

    `nll` may be None where no timestep is 0.
    """
    return kl if nll is None else torch.where(timestep == 0, nll, kl)


def _gaussian_kl(mean1: Tensor, log_var1: Tensor, mean2: Tensor, log_var2: Tensor) -> Tensor:
    """KL(N₁ ‖ N₂) of diagonal Gaussians, elementwise, in nats."""
    difference = log_var1 - log_var2
    return 0.5 * (
        -1.0 - difference + torch.exp(difference) + (mean1 - mean2) ** 2 * torch.exp(-log_var2)
    )


def _discretized_log_likelihood(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """log P of 8-bit pixels scaled to [-1, 1] under a Gaussian, elementwise (DDPM eq. 13)."""
    centred, inverse_scale = x - mean, torch.exp(-log_scale)
    upper = _approx_normal_cdf(inverse_scale * (centred + 1 / 255))
    lower = _approx_normal_cdf(inverse_scale * (centred - 1 / 255))
    inside = torch.log((upper - lower).clamp(min=1e-12))
    at_black = torch.log(upper.clamp(min=1e-12))
    at_white = torch.log((1 - lower).clamp(min=1e-12))
    return torch.where(x < -0.999, at_black, torch.where(x > 0.999, at_white, inside))


def _approx_normal_cdf(x: Tensor) -> Tensor:
    """The tanh approximation of Φ that Ho et al. and their successors' likelihoods use."""
    return 0.5 * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
