"""The training loop, its schedule and average, augmentation, and models trained end to end."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.training.augment import Augmentation
from diffusion_classifier.training.loop import Optimisation, fit
from diffusion_classifier.training.recipes import train_model

# --- the loop


class Weight(nn.Module):
    """A single number."""

    def __init__(self, start=0.0):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(start, dtype=torch.float64))


def test_fit_finds_the_least_squares_solution():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, generator=generator)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3 + torch.randn(64, 1, generator=generator)
    design = torch.cat([x, torch.ones(64, 1)], dim=1)
    expected = torch.linalg.lstsq(design, y).solution.flatten()
    model = nn.Linear(3, 1)
    optimisation = Optimisation(400, 64, 0.1, warmup=10, ema=0.9)
    torch.manual_seed(1)
    curve = fit(model, lambda i: (model(x[i]) - y[i]).square().mean(), 64, optimisation)
    found = torch.cat([model.weight.flatten(), model.bias]).detach()
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-3)
    smallest = float((design @ expected[:, None] - y).square().mean())
    assert curve[-1]["loss"] == pytest.approx(smallest, rel=1e-3)


def test_fit_depends_on_the_generators_seed_alone():
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))

    def trained(seed):
        torch.manual_seed(seed)
        model = nn.Linear(4, 1)
        optimisation = Optimisation(20, 8, 0.01, warmup=2)
        curve = fit(model, lambda i: (model(x[i]) - 1).square().mean(), 50, optimisation, 5)
        return model.weight.detach(), [row["loss"] for row in curve]

    weight, losses = trained(0)
    again, losses_again = trained(0)
    assert torch.equal(weight, again)
    assert losses == losses_again
    assert not torch.equal(weight, trained(1)[0])


def test_every_epoch_is_a_permutation():
    model, seen = Weight(), []

    def batch_loss(indices):
        seen.extend(indices.tolist())
        return model.value**2

    fit(model, batch_loss, 10, Optimisation(15, 4, 0.1))
    epochs = np.array(seen).reshape(6, 10)
    assert np.all(np.sort(epochs, axis=1) == np.arange(10))
    assert len({tuple(epoch) for epoch in epochs}) == 6


def test_batches_may_be_larger_than_the_set():
    model, sizes = Weight(), []

    def batch_loss(indices):
        sizes.append(np.bincount(indices, minlength=3).tolist())
        return model.value**2

    fit(model, batch_loss, 3, Optimisation(2, 6, 0.1))
    assert sizes == [[2, 2, 2]] * 2


def test_rate_warms_up_and_follows_a_cosine():
    optimisation = Optimisation(steps=110, batch_size=1, learning_rate=1, warmup=10)
    rates = [optimisation.rate_at(step) for step in (0, 4, 9, 10, 35, 60, 85, 110)]
    half = math.sqrt(0.5)
    expected = [0.1, 0.5, 1, 1, (1 + half) / 2, 0.5, (1 - half) / 2, 0]
    assert rates == pytest.approx(expected, abs=1e-12)
    assert Optimisation(10, 1, 1, warmup=0).rate_at(0) == 1


def path(steps, rate, warmup):
    """The path of Adam under a gradient of 1: each step has the learning rate."""
    warm = [(step + 1) / warmup for step in range(warmup)]
    cosine = [(1 + math.cos(math.pi * k / (steps - warmup))) / 2 for k in range(steps - warmup)]
    return -rate * np.cumsum(warm + cosine)


@pytest.mark.parametrize("ema", [0, 0.9])
def test_weights_follow_the_schedule_and_their_average(ema):
    model = Weight()
    optimisation = Optimisation(40, 1, 0.1, warmup=8, ema=ema)
    fit(model, lambda _: model.value, 1, optimisation)
    positions = path(40, 0.1, 8)
    expected = positions[0]
    for position in positions:
        expected = ema * expected + (1 - ema) * position
    assert float(model.value.detach()) == pytest.approx(expected, rel=1e-5)


def test_averaged_networks_keep_batch_statistics():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
    x = 5 + 2 * torch.randn(1000, 1)
    optimisation = Optimisation(200, 100, 0.01, warmup=5, ema=0.9)
    fit(model, lambda i: (model(x[i]) - 1).square().mean(), 1000, optimisation)
    assert float(model[0].running_mean) == pytest.approx(5, abs=0.2)


def test_weight_decay_shrinks_what_has_no_gradient():
    model = Weight(1.0)
    optimisation = Optimisation(20, 1, 0.1, warmup=4, ema=0, weight_decay=0.5)
    fit(model, lambda _: 0 * model.value, 1, optimisation)
    rates = -np.diff(path(20, 0.1, 4), prepend=0)
    assert float(model.value.detach()) == pytest.approx(np.prod(1 - 0.5 * rates), rel=1e-6)


def test_loss_curve_averages_over_the_steps_since_the_last_row():
    model, values = Weight(), iter(range(7))
    optimisation = Optimisation(7, 1, 0.1, warmup=1, ema=0)
    curve = fit(model, lambda _: 0 * model.value + next(values), 1, optimisation, log_every=3)
    assert [(row["step"], row["loss"]) for row in curve] == [(3, 1.0), (6, 4.0), (7, 6.0)]


def test_divergence_is_an_error_that_says_what_to_do():
    model = Weight()
    model.float()
    optimisation = Optimisation(100, 1, 1e25, warmup=1)
    with pytest.raises(FloatingPointError, match=r"up to step 10 is inf; lower `learning_rate`"):
        fit(model, lambda _: (model.value - 1).square(), 1, optimisation, log_every=10)


# --- augmentation


def random_images(n=3, side=16):
    pixels = np.random.default_rng(0).uniform(-1, 1, (n, 1, side, side))
    return torch.tensor(pixels, dtype=torch.float32)


@pytest.fixture
def extreme(monkeypatch):
    """Make every random number the largest, so that each range is reached exactly."""
    monkeypatch.setattr(torch, "rand", torch.ones)


def test_augmentation_without_ranges_is_the_identity():
    images = random_images()
    torch.testing.assert_close(Augmentation()(images), images, rtol=0, atol=1e-5)


def test_augmentation_shifts_by_a_share_of_the_width(extreme):
    images = random_images()
    found = Augmentation(shift=0.25)(images)
    torch.testing.assert_close(found[..., :12, :12], images[..., 4:, 4:], rtol=0, atol=1e-5)
    filled = images[..., 4:, 15:].expand(-1, -1, -1, 4)  # with the border's colour
    torch.testing.assert_close(found[..., :12, 12:], filled, rtol=0, atol=1e-5)


def test_augmentation_turns_by_degrees(extreme):
    images = random_images()
    found = Augmentation(degrees=90)(images)
    turned = [torch.rot90(images, k, dims=(2, 3)) for k in (1, 3)]
    assert min(float((found - t).abs().max()) for t in turned) < 1e-4


def test_augmentation_scales_about_the_centre(extreme):
    images = torch.full((1, 1, 32, 32), -1.0)
    images[..., 12:20, 12:20] = 1
    found = (Augmentation(scale=0.5)(images) + 1) / 2
    assert float(found.sum()) == pytest.approx(12**2, rel=0.05)
    torch.testing.assert_close(found, found.flip(2, 3), rtol=0, atol=1e-5)


def test_augmentation_draws_anew_for_every_image_within_its_range():
    torch.manual_seed(0)
    images = torch.full((500, 1, 32, 32), -1.0)
    images[..., 14:18, 14:18] = 1
    mass = (Augmentation(shift=0.125)(images) + 1)[:, 0]
    columns = (mass.sum(dim=1) * torch.arange(32)).sum(dim=1) / mass.sum(dim=(1, 2)) - 15.5
    rows = (mass.sum(dim=2) * torch.arange(32)).sum(dim=1) / mass.sum(dim=(1, 2)) - 15.5
    for moved in (columns, rows):
        assert float(moved.abs().max()) == pytest.approx(4, abs=0.1)
        assert float(moved.mean()) == pytest.approx(0, abs=0.3)  # three standard errors
        assert float(moved.std()) == pytest.approx(4 / math.sqrt(3), rel=0.1)
    assert abs(float(torch.corrcoef(torch.stack([rows, columns]))[0, 1])) < 0.15


# --- a model


def model_entry(steps, augmentation):
    """A tiny DiT as an entry of the config's `models`."""
    return {
        "family": "dit",
        "preprocess": {"mode": "L", "pad": 2, "size": 16, "interpolation": "box"},
        "training": {
            "architecture": {
                "num_layers": 1,
                "num_attention_heads": 2,
                "attention_head_dim": 16,
                "patch_size": 4,
                "sample_size": 16,
                "in_channels": 1,
                "out_channels": 2,
                "num_embeds_ada_norm": 10,
            },
            "scheduler": {"num_train_timesteps": 100, "variance_type": "learned_range"},
            "optimisation": {
                "steps": steps,
                "batch_size": 16,
                "learning_rate": 0.003,
                "warmup": 5,
                "ema": 0,
            },
            "augmentation": augmentation,
            "timestep_logit": [0.0, 1.0],
        },
    }


def test_a_trained_model_is_saved_complete_and_has_learned(tmp_path):
    from diffusers import DDPMScheduler, DiTTransformer2DModel

    table = dataset({"source": "mnist", "split": "train", "limit": 60})
    model = model_entry(120, {"degrees": 5.0, "oversample": 2})
    curve, record = train_model(table, model, tmp_path, torch.device("cpu"))
    network = DiTTransformer2DModel.from_pretrained(tmp_path / "transformer")
    assert DDPMScheduler.from_pretrained(tmp_path / "scheduler").config.num_train_timesteps == 100
    assert record["images"] == 60
    assert record["parameters"] == sum(p.numel() for p in network.parameters())
    assert curve[-1]["step"] == 120
    # adaLN-zero predicts ε = 0 at first, a mean square error of 1
    noise = torch.randn(50, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    timestep, label = torch.full((50,), 99), torch.arange(50) % 10
    with torch.inference_mode():
        output = network.eval()(noise, timestep=timestep, class_labels=label).sample[:, :1]
    assert float((output - noise).square().mean()) < 0.8


def test_oversampled_images_are_averaged_down_to_the_models_size(tmp_path):
    table = dataset({"source": "mnist", "split": "train", "limit": 60})
    losses = []
    for oversample in (1, 2):
        model = model_entry(30, {"oversample": oversample})
        curve, _ = train_model(table, model, tmp_path / str(oversample), torch.device("cpu"))
        losses.append(curve[-1]["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=2e-3)
