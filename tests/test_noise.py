"""The noise bank is standard normal, and the same on every machine and for every size."""

import torch

from diffusion_classifier.engine.noise_bank import noise_bank


def test_a_larger_bank_starts_with_the_smaller_one():
    small, large = noise_bank([4, 8, 8], 5, seed=3), noise_bank([4, 8, 8], 10, seed=3)
    assert large.shape == (10, 4, 8, 8)
    assert large.dtype == torch.float32
    assert torch.equal(large[:5], small)


def test_its_noises_are_independent_standard_normals():
    noise = noise_bank([4, 32, 32], 50, seed=0).flatten(1)
    assert abs(noise.mean()) < 0.01
    assert abs(noise.var() - 1) < 0.01
    assert abs((noise.abs() > 1.959964).float().mean() - 0.05) < 0.003
    correlation = torch.corrcoef(noise) - torch.eye(50)
    assert correlation.abs().max() < 0.1


def test_the_seed_alone_decides():
    torch.manual_seed(1)
    first = noise_bank([1, 4, 4], 3, seed=7)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(noise_bank([1, 4, 4], 3, seed=7), first)
    assert torch.equal(torch.get_rng_state(), state)  # does not use the global generator
    assert not torch.equal(noise_bank([1, 4, 4], 3, seed=8), first)
