"""How x_0 is noised: the variance-preserving process (Ho et al. 2020) and flow matching's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor


class _Posterior(NamedTuple):
    """Coefficients of the posterior's mean and the range of its variance, `(timestep,)` each."""

    of_x0: Tensor
    of_x_t: Tensor
    log_variance: Tensor
    log_beta: Tensor


@dataclass(frozen=True)
class ForwardProcess:
    """q(x_t | x_0) = N(√ᾱ_t x_0, (1 - ᾱ_t) I) of one noise schedule.

    `alphas_cumprod` is ᾱ, shape `(timestep,)`, float32 or float64.
    """

    alphas_cumprod: Tensor
    _posterior: _Posterior = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_posterior", _posterior(self.alphas_cumprod))

    @property
    def timesteps(self) -> int:
        """Number of training timesteps T."""
        return len(self.alphas_cumprod)

    def to(self, device: torch.device) -> ForwardProcess:
        return ForwardProcess(self.alphas_cumprod.to(device))

    def noised(self, x0: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε (paper eq. 2); all batched, `(batch, c, h, w)`."""
        alpha_bar = self.alphas_cumprod[timestep]
        signal, sigma = alpha_bar**0.5, (1 - alpha_bar) ** 0.5
        return _over(signal, x0) * x0 + _over(sigma, x0) * noise

    def predicted_x0(self, x_t: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """x_0 from x_t and a predicted ε (DDPM eq. 15); zeros where x_t has no signal (ᾱ = 0)."""
        alpha_bar = self.alphas_cumprod[timestep]
        signal = alpha_bar > 0
        of_x_t = torch.where(signal, alpha_bar**-0.5, 0)
        of_noise = torch.where(signal, (1 / alpha_bar - 1) ** 0.5, 0)
        return _over(of_x_t, x_t) * x_t - _over(of_noise, x_t) * noise

    def predicted_noise(
        self, output: Tensor, x_t: Tensor, timestep: Tensor, prediction: str
    ) -> Tensor:
        """ε from the output of a network that predicts `prediction`: `sample` is x_0."""
        if prediction == "epsilon":
            return output
        # in float32: ε may be a small difference, which half precision would lose
        output, x_t = output.float(), x_t.float()
        if prediction == "sample":
            return self.noise_from_x0(x_t, output, timestep)
        return self.noise_from_velocity(x_t, output, timestep)

    def noise_and_variance(
        self, output: Tensor, x_t: Tensor, timestep: Tensor, prediction: str
    ) -> tuple[Tensor, Tensor | None]:
        """`predicted_noise` and, if the output has twice the channels of x_t, the raw variance."""
        variance = None
        if output.shape[1] == 2 * x_t.shape[1]:
            output, variance = output.chunk(2, dim=1)
        return self.predicted_noise(output, x_t, timestep, prediction), variance

    def noise_from_velocity(self, x_t: Tensor, velocity: Tensor, timestep: Tensor) -> Tensor:
        """ε from a v-prediction (Salimans & Ho 2022): ε = √ᾱ_t v + √(1-ᾱ_t) x_t."""
        alpha_bar = self.alphas_cumprod[timestep]
        return _over(alpha_bar**0.5, x_t) * velocity + _over((1 - alpha_bar) ** 0.5, x_t) * x_t

    def noise_from_x0(self, x_t: Tensor, x0: Tensor, timestep: Tensor) -> Tensor:
        """ε from a predicted x_0 (DDPM eq. 4): ε = (x_t - √ᾱ_t x_0) / √(1-ᾱ_t)."""
        alpha_bar = self.alphas_cumprod[timestep]
        return (x_t - _over(alpha_bar**0.5, x_t) * x0) / _over((1 - alpha_bar) ** 0.5, x_t)

    def posterior_mean(self, x0: Tensor, x_t: Tensor, timestep: Tensor) -> Tensor:
        """Mean of q(x_{t-1} | x_t, x_0) (DDPM eq. 7)."""
        of_x0, of_x_t = self._posterior.of_x0[timestep], self._posterior.of_x_t[timestep]
        return _over(of_x0, x0) * x0 + _over(of_x_t, x_t) * x_t

    def posterior_log_variance(self, timestep: Tensor) -> Tensor:
        """log β̃_t; at t = 0, where β̃ is zero, the value of t = 1 (as Ho et al. clip it)."""
        return self._posterior.log_variance[timestep]

    def log_beta(self, timestep: Tensor) -> Tensor:
        """log β_t, the upper end of the learned variance's range."""
        return self._posterior.log_beta[timestep]


@dataclass(frozen=True)
class FlowMatching:
    """x_t = (1 - σ_t) x_0 + σ_t ε, the straight path of rectified flow (Esser et al. 2024, eq. 13).

    `sigmas` is σ, shape `(timestep,)`, float32, ascending in (0, 1]: timestep 0 has the least
    noise, as in `ForwardProcess`. These models have no learned variance and no bound.
    """

    sigmas: Tensor

    @property
    def timesteps(self) -> int:
        """Number of training timesteps T."""
        return len(self.sigmas)

    def to(self, device: torch.device) -> FlowMatching:
        return FlowMatching(self.sigmas.to(device))

    def noised(self, x0: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """x_t, all batched, `(batch, c, h, w)`."""
        sigma = self.sigmas[timestep]
        return _over(1 - sigma, x0) * x0 + _over(sigma, x0) * noise

    def predicted_x0(self, x_t: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """x_0 from x_t and a predicted ε; zeros where σ = 1, as there x_t is all noise."""
        signal = _over(1 - self.sigmas[timestep], x_t)
        x0 = (x_t - (1 - signal) * noise) / signal
        return torch.where(signal > 0, x0, torch.zeros_like(x0))

    def noise_from_velocity(self, x_t: Tensor, velocity: Tensor, timestep: Tensor) -> Tensor:
        """ε from the velocity v = ε - x_0: ε = x_t + (1 - σ_t) v."""
        return x_t + _over(1 - self.sigmas[timestep], x_t) * velocity


def _posterior(alphas_cumprod: Tensor) -> _Posterior:
    # double precision, as β is a small difference of large numbers; on the CPU, as not every
    # accelerator (Apple's) has double precision
    alpha_bar = alphas_cumprod.cpu().double()
    previous = torch.cat([alpha_bar.new_ones(1), alpha_bar[:-1]])
    beta = 1 - alpha_bar / previous
    variance = beta * (1 - previous) / (1 - alpha_bar)
    tables = (
        beta * previous**0.5 / (1 - alpha_bar),
        (1 - previous) * (1 - beta) ** 0.5 / (1 - alpha_bar),
        torch.cat([variance[1:2], variance[1:]]).log(),
        beta.log(),
    )
    return _Posterior(*(table.to(alphas_cumprod) for table in tables))


def _over(coefficient: Tensor, like: Tensor) -> Tensor:
    """A `(batch,)` coefficient shaped and typed to multiply a `(batch, c, h, w)` tensor."""
    return coefficient.to(like.dtype).view(-1, 1, 1, 1)
