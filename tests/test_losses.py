"""Losses and the forward process against torch.distributions, closed forms and diffusers."""

import math

import pytest
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from torch.distributions import Normal, kl_divergence

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.losses import bound_term, noise_losses, variational_bound

TIMESTEPS = torch.tensor([0, 1, 17, 500, 998, 999])
SCHEDULES = {
    "linear": {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02},
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
}


@pytest.fixture(params=SCHEDULES)
def scheduler(request):
    return DDPMScheduler(clip_sample=False, **SCHEDULES[request.param])


@pytest.fixture
def process(scheduler):
    return ForwardProcess(scheduler.alphas_cumprod)


def normal(seed, batch=6):
    return torch.randn(batch, 3, 5, 4, generator=torch.Generator().manual_seed(seed))


def column(values):
    return values.view(-1, 1, 1, 1)


# --- losses of ε


def test_noise_losses_are_torchs_per_sample():
    predicted, noise = 2 * normal(0), normal(1)
    found = noise_losses(predicted, noise)
    for name, loss in {"l1": F.l1_loss, "l2": F.mse_loss, "huber": F.huber_loss}.items():
        expected = torch.stack([loss(a, b) for a, b in zip(predicted, noise, strict=True)])
        torch.testing.assert_close(found[name], expected)


def test_huber_is_quadratic_near_and_linear_far():
    noise = torch.zeros(3, 1, 1, 1)
    found = noise_losses(column(torch.tensor([0.5, -1.0, 10.0])), noise)["huber"]
    assert found.tolist() == pytest.approx([0.125, 0.5, 9.5])


def test_losses_are_computed_in_float32():
    predicted, noise = normal(0), normal(1)
    found = noise_losses(predicted.bfloat16(), noise)
    for name, values in noise_losses(predicted.bfloat16().float(), noise).items():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], values)


# --- the variational bound


def bound(process, timestep, variance, x0=None, seed=0):
    x0 = normal(seed).clamp(-1, 1) if x0 is None else x0
    x_t = process.noised(x0, normal(seed + 1, len(x0)), timestep)
    return (
        x0,
        x_t,
        variational_bound(process, x0, x_t, timestep, normal(seed + 2, len(x0)), variance),
    )


def test_kl_is_that_of_the_two_gaussians(process):
    timestep, variance = TIMESTEPS[1:], normal(5, 5).tanh()
    x0 = normal(0, 5).clamp(-1, 1)
    x0, x_t, (kl, _) = bound(process, timestep, variance, x0)
    alpha_bar = process.alphas_cumprod.double()
    now, previous = column(alpha_bar[timestep]), column(alpha_bar[timestep - 1])
    beta = 1 - now / previous
    posterior_variance = (1 - previous) / (1 - now) * beta
    predicted_x0 = (x_t - (1 - now).sqrt() * normal(2, 5)) / now.sqrt()

    def mean(x):
        return (previous.sqrt() * beta * x + (1 - beta).sqrt() * (1 - previous) * x_t) / (1 - now)

    share = (variance.double() + 1) / 2
    model_variance = beta**share * posterior_variance ** (1 - share)
    q = Normal(mean(x0), posterior_variance.sqrt())
    p = Normal(mean(predicted_x0), model_variance.sqrt())
    expected = kl_divergence(q, p).mean(dim=(1, 2, 3)) / math.log(2)
    torch.testing.assert_close(kl.double(), expected, rtol=2e-3, atol=1e-5)


def test_the_kl_of_a_perfect_prediction_is_zero(process):
    x0, noise = normal(0), normal(1)
    x_t = process.noised(x0, noise, TIMESTEPS)
    kl, _ = variational_bound(process, x0, x_t, TIMESTEPS, noise, -torch.ones_like(x0))
    assert kl[1:].abs().max() < 1e-4
    worse, _ = variational_bound(process, x0, x_t, TIMESTEPS, noise + 0.5, -torch.ones_like(x0))
    assert (worse[1:] > kl[1:] + 1e-5).all()


@pytest.mark.parametrize("variance", [-1.0, 0.0, 1.0])
def test_the_likelihood_sums_to_one_over_the_256_levels(process, variance):
    levels = torch.arange(256) / 127.5 - 1
    x_t = torch.full((256, 1, 1, 1), 0.3) * process.alphas_cumprod[0].sqrt()
    nll = variational_bound(
        process,
        column(levels),
        x_t,
        torch.zeros(256, dtype=torch.int64),
        torch.full_like(x_t, 0.2),
        torch.full_like(x_t, variance),
    )[1]
    probability = 2.0 ** -nll.double()
    assert probability.sum().item() == pytest.approx(1, abs=1e-4)
    likely = levels[probability.argmax()].item()
    sigma = math.sqrt(1 - process.alphas_cumprod[0])
    x0 = 0.3 - 0.2 * sigma / math.sqrt(process.alphas_cumprod[0])
    assert likely == pytest.approx(x0, abs=2 / 255)


def test_the_ends_of_the_pixel_range_take_the_tails():
    # a Gaussian far outside [-1, 1] has all its mass in the outermost level
    process = ForwardProcess(torch.tensor([0.999, 0.99]))
    for end in (-1.0, 1.0):
        x_t = torch.full((1, 1, 1, 1), 3 * end)
        zero = torch.zeros(1, dtype=torch.int64)
        nll = variational_bound(process, x_t / 3, x_t, zero, 0 * x_t, 0 * x_t)[1]
        assert nll.item() == pytest.approx(0, abs=1e-5)


def test_the_term_at_zero_is_the_likelihood(process):
    _, _, (kl, nll) = bound(process, TIMESTEPS, normal(5).tanh())
    term = bound_term(kl, nll, TIMESTEPS)
    assert term[0] == nll[0]
    assert torch.equal(term[1:], kl[1:])


def test_without_the_decoder_the_kl_is_the_same_and_the_term(process):
    timestep, x0, noise = TIMESTEPS[1:], normal(0, 5).clamp(-1, 1), normal(1, 5)
    given = (x0, process.noised(x0, noise, timestep), timestep, 0.9 * noise, normal(2, 5).tanh())
    kl, nll = variational_bound(process, *given, decoder=False)
    assert nll is None
    assert torch.equal(kl, variational_bound(process, *given)[0])
    assert torch.equal(bound_term(kl, nll, timestep), kl)


def test_half_precision_outputs_give_float32_bounds(process):
    x0, noise = normal(0).clamp(-1, 1), normal(1)
    x_t = process.noised(x0, noise, TIMESTEPS)
    half = variational_bound(
        process, x0, x_t, TIMESTEPS, normal(2).bfloat16(), normal(3).tanh().bfloat16()
    )
    exact = variational_bound(
        process,
        x0,
        x_t,
        TIMESTEPS,
        normal(2).bfloat16().float(),
        normal(3).tanh().bfloat16().float(),
    )
    for a, b in zip(half, exact, strict=True):
        assert a.dtype == torch.float32
        assert torch.equal(a, b)


# --- the forward process


def test_noised_is_diffusers_add_noise(scheduler, process):
    x0, noise = normal(0), normal(1)
    expected = scheduler.add_noise(x0, noise, TIMESTEPS)
    torch.testing.assert_close(process.noised(x0, noise, TIMESTEPS), expected)


def test_predicted_x0_inverts_noised():
    process = ForwardProcess(DDPMScheduler(**SCHEDULES["linear"]).alphas_cumprod.double())
    x0, noise = normal(0).double(), normal(1).double()
    x_t = process.noised(x0, noise, TIMESTEPS)
    torch.testing.assert_close(process.predicted_x0(x_t, noise, TIMESTEPS), x0)


def test_the_noise_comes_back_from_diffusers_velocity(scheduler, process):
    x0, noise = normal(0), normal(1)
    velocity = scheduler.get_velocity(x0, noise, TIMESTEPS)
    x_t = process.noised(x0, noise, TIMESTEPS)
    found = process.noise_from_velocity(x_t, velocity, TIMESTEPS)
    torch.testing.assert_close(found, noise, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("timestep", [1, 17, 500, 999])
def test_the_posterior_is_the_one_diffusers_samples_from(scheduler, process, timestep):
    x_t, noise = normal(0, 1), normal(1, 1)
    t = torch.tensor([timestep])
    step = scheduler.step(noise, timestep, x_t, generator=torch.Generator().manual_seed(0))
    mean = process.posterior_mean(process.predicted_x0(x_t, noise, t), x_t, t)
    drawn = torch.randn(x_t.shape, generator=torch.Generator().manual_seed(0))
    variance = process.posterior_log_variance(t).exp()
    # diffusers takes β from float32 differences, hence the tolerance
    torch.testing.assert_close(
        mean + variance.sqrt() * drawn, step.prev_sample, rtol=1e-3, atol=1e-3
    )
    expected = scheduler._get_variance(timestep)
    assert variance.item() == pytest.approx(expected.item(), rel=1e-2)


def test_the_learned_variance_lies_between_the_posteriors_and_beta(scheduler, process):
    every = torch.arange(1000)
    assert process.log_beta(every) == pytest.approx(scheduler.betas.log(), rel=1e-3)
    assert (process.posterior_log_variance(every)[1:] <= process.log_beta(every)[1:]).all()
    clipped = process.posterior_log_variance(torch.tensor([0, 1]))
    assert clipped[0] == clipped[1]
    assert process.timesteps == 1000
