"""The engine measures each (pair, sample) once, in whatever batch."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.error_files import class_part, cost, error_dataset, losses_in
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.files import read_dataset, write_dataset
from diffusion_classifier.messages import InputError

CPU = torch.device("cpu")
SHAPE = (2, 4, 4)
SAMPLES = [Sample(0, 3), Sample(400, 0), Sample(999, 1), Sample(400, 4)]


class Linear:
    """A denoiser whose output depends on x_t, on the timestep and on the condition."""

    def __init__(self, learned_variance=False, dtype=torch.float32, answer=None):
        generator = torch.Generator().manual_seed(0)
        self.mix = torch.randn(2, 2, generator=generator).to(dtype)
        self.process = ForwardProcess(torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0))
        self.learned_variance, self.answer, self.seen = learned_variance, answer, []

    def predict(self, x_t, timestep, condition):
        self.seen.append(len(x_t))
        assert x_t.dtype == self.mix.dtype
        told = condition["text"].to(x_t.dtype)[:, :, None, None]
        scale = (timestep.to(x_t.dtype) / 1000)[:, None, None, None]
        predicted = torch.einsum("ij,bjhw->bihw", self.mix, x_t) + scale * told
        if self.answer is not None:
            predicted = self.answer(predicted, timestep, condition)
        return predicted, torch.tanh(predicted) if self.learned_variance else None


@pytest.fixture
def inputs():
    """Three images of a shard that does not start at 0, four prompts, five noises."""
    generator = torch.Generator().manual_seed(1)
    return Inputs(
        torch.randn(3, *SHAPE, generator=generator),
        torch.tensor([40, 41, 57]),
        {"text": torch.randn(4, 2, generator=generator)},
        torch.randn(5, *SHAPE, generator=generator),
    )


@pytest.fixture
def pairs():
    return pd.DataFrame({"image": [40, 57, 41, 57, 40], "prompt": [3, 0, 1, 2, 0]})


def measure(denoiser, inputs, pairs, samples=SAMPLES, batch_size=7, dtype=torch.float32):
    return epsilon_errors(denoiser, inputs, pairs, samples, batch_size, CPU, dtype)


def one_by_one(denoiser, inputs, pairs, samples):
    """The paper's algorithm 1 as a loop over pairs and samples."""
    numbers = inputs.images.tolist()
    errors = {name: np.empty((len(pairs), len(samples))) for name in ("l1", "l2", "huber")}
    for i, (image, prompt) in enumerate(pairs[["image", "prompt"]].to_numpy()):
        for j, (timestep, noise, _) in enumerate(samples):
            x0, epsilon = inputs.latents[numbers.index(image)], inputs.noise[noise]
            alpha_bar = denoiser.process.alphas_cumprod[timestep]
            x_t = alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * epsilon
            told = {"text": inputs.conditions["text"][[prompt]]}
            predicted, _ = denoiser.predict(x_t[None], torch.tensor([timestep]), told)
            errors["l1"][i, j] = (predicted[0] - epsilon).abs().mean()
            errors["l2"][i, j] = ((predicted[0] - epsilon) ** 2).mean()
            errors["huber"][i, j] = F.huber_loss(predicted[0], epsilon)
    return errors


def test_equals_a_loop_over_pairs_and_samples(inputs, pairs):
    found = measure(Linear(), inputs, pairs)
    expected = one_by_one(Linear(), inputs, pairs, SAMPLES)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-5)
        assert found[name].dtype == np.float32


@pytest.mark.parametrize("batch_size", [1, 3, 20, 1000])
def test_batches_are_full_and_do_not_change_the_result(inputs, pairs, batch_size):
    denoiser = Linear(learned_variance=True)
    found, expected = measure(denoiser, inputs, pairs, batch_size=batch_size), None
    total = len(pairs) * len(SAMPLES)
    full, rest = divmod(total, batch_size)
    assert denoiser.seen == [batch_size] * full + [rest] * (rest > 0)
    expected = measure(Linear(learned_variance=True), inputs, pairs)
    for name in expected:
        assert found[name] == pytest.approx(expected[name], rel=1e-5)


def test_the_order_of_the_pairs_does_not_matter(inputs, pairs):
    order = [3, 0, 4, 2, 1]
    straight = measure(Linear(), inputs, pairs)
    shuffled = measure(Linear(), inputs, pairs.iloc[order])
    for name in straight:
        assert shuffled[name] == pytest.approx(straight[name][order], rel=1e-5)


def test_all_prompts_of_an_image_see_the_same_noise(inputs):
    same = Inputs(inputs.latents, inputs.images, {"text": torch.ones(4, 2)}, inputs.noise)
    pairs = pd.DataFrame({"image": [41] * 4, "prompt": range(4)})
    errors = measure(Linear(), same, pairs)["l2"]
    assert (np.ptp(errors, axis=0) < 1e-6).all()
    assert np.ptp(errors, axis=1).min() > 1e-3  # while samples do differ


def test_a_learned_variance_adds_the_bound(inputs, pairs):
    plain, learned = Linear(), Linear(learned_variance=True)
    assert "vlb" not in measure(plain, inputs, pairs)
    bound = measure(learned, inputs, pairs)["vlb"]
    assert bound.shape == (len(pairs), len(SAMPLES))
    assert bound.dtype == np.float32
    assert np.isfinite(bound).all()
    assert (bound[:, 1:] > 0).all()  # Kullback-Leibler divergences


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_model_in_half_precision_gives_float32_errors_near_the_full_ones(inputs, pairs, dtype):
    exact = measure(Linear(learned_variance=True), inputs, pairs)
    rough = measure(Linear(learned_variance=True, dtype=dtype), inputs, pairs, dtype=dtype)
    for name in ("l1", "l2", "huber", "vlb"):
        assert rough[name].dtype == np.float32
        assert rough[name] == pytest.approx(exact[name], rel=0.1, abs=0.02)


def test_latents_of_another_shape_than_the_noise_are_refused(inputs, pairs):
    wrong = Inputs(inputs.latents, inputs.images, inputs.conditions, torch.zeros(5, 2, 8, 8))
    with pytest.raises(InputError, match=r"latent_shape: found \[2, 8, 8\].*\[2, 4, 4\].*set it"):
        measure(Linear(), wrong, pairs)


def test_a_noise_bank_that_is_too_small_is_refused(inputs, pairs):
    with pytest.raises(InputError, match=r"noise\.size: found 5, .* need 6 noises; raise it"):
        measure(Linear(), inputs, pairs, [Sample(10, 5)])


def test_a_model_with_fewer_timesteps_is_refused(inputs, pairs):
    short = Linear()
    short.process = ForwardProcess(short.process.alphas_cumprod[:100])
    message = r"samples: found timestep 999, .*num_train_timesteps 100;"
    with pytest.raises(InputError, match=message):
        measure(short, inputs, pairs)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_named(inputs, pairs, bad):
    condition_2 = inputs.conditions["text"][2]

    def answer(predicted, timestep, condition):
        hit = (timestep == 999) & (condition["text"] == condition_2).all(dim=1)
        return torch.where(hit[:, None, None, None], bad, predicted)

    with pytest.raises(FloatingPointError) as error:
        measure(Linear(answer=answer), inputs, pairs)
    for words in ("1 of 20", "image 57,", "prompt 2,", "timestep 999", "dtype"):
        assert words in str(error.value)


def test_nothing_to_measure_is_no_error(inputs, pairs, tmp_path):
    for some, samples in [(pairs.iloc[:0], SAMPLES), (pairs, [])]:
        errors = measure(Linear(), inputs, some, samples)
        write_dataset(error_dataset(errors, some, samples, {"seconds": 1.0}), tmp_path / "e.nc")
        stored = read_dataset(tmp_path / "e.nc")
        assert dict(stored.sizes) == {"pair": len(some), "sample": len(samples)}
        assert stored["image"].values.tolist() == some["image"].tolist()


def test_errors_survive_the_file(inputs, pairs, tmp_path):
    errors = measure(Linear(learned_variance=True), inputs, pairs)
    record = {"seconds": 2.5, "dtype": "float32"}
    write_dataset(error_dataset(errors, pairs, SAMPLES, record), tmp_path / "errors.nc")
    stored = read_dataset(tmp_path / "errors.nc")
    assert stored["l2"].dims == ("pair", "sample")
    assert stored["image"].values.tolist() == pairs["image"].tolist()
    assert stored["prompt"].values.tolist() == pairs["prompt"].tolist()
    assert stored["timestep"].values.tolist() == [0, 400, 999, 400]
    assert stored["noise"].values.tolist() == [3, 0, 1, 4]
    assert stored.attrs == record | {"evaluations": errors["l2"].size}
    for name, values in errors.items():
        assert np.array_equal(stored[name].values, values)
        assert stored[name].dtype == np.float32
    assert losses_in([stored]) == ["l1", "l2", "huber", "vlb", "l2+vlb"]
    assert losses_in([stored.drop_vars("vlb")]) == ["l1", "l2", "huber"]


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_class_parts_share_out_the_pairs(parts):
    prompts = pd.DataFrame({"classidx": [0, 0, 1, 2, 2, 5, 6]})
    pairs = pd.DataFrame(
        [(image, prompt) for image in (7, 9) for prompt in range(7)], columns=["image", "prompt"]
    )
    found = [class_part(pairs, prompts, part, parts) for part in range(parts)]
    together = pd.concat(found).sort_values(["image", "prompt"], ignore_index=True)
    pd.testing.assert_frame_equal(together, pairs)
    for part in found:
        assert part.index.tolist() == list(range(len(part)))
    # a class stays whole: its prompts are in one part
    homes = [set(prompts["classidx"].to_numpy()[part["prompt"]]) for part in found]
    assert sum(map(len, homes)) == prompts["classidx"].nunique()


def test_cost_shares_a_jobs_seconds_by_evaluations():
    def stage(images, samples, seconds):
        pairs = pd.DataFrame({"image": images, "prompt": range(len(images))})
        errors = {"l2": np.zeros((len(images), samples))}
        return error_dataset(errors, pairs, SAMPLES[:samples], {"seconds": seconds})

    found = cost([stage([5, 5, 5, 8], 4, 8.0), stage([8], 2, 1.0), stage([], 2, 0.5)])
    assert found["evaluations"].to_dict() == {5: 12, 8: 6}
    assert found["seconds"].to_dict() == pytest.approx({5: 6.0, 8: 3.0})


class Small(Linear):
    """A device with memory for at most `fits` evaluations."""

    fits = 3

    def predict(self, x_t, timestep, condition):
        if len(x_t) > self.fits:
            raise torch.OutOfMemoryError(f"tried to allocate {len(x_t)}")
        return super().predict(x_t, timestep, condition)


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost(inputs, pairs, capsys):
    small, expected = Small(), measure(Linear(), inputs, pairs)
    found = measure(small, inputs, pairs, batch_size=16)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6)
    assert max(small.seen) == 2 and sum(small.seen) == len(pairs) * len(SAMPLES)
    assert "2 evaluations a pass" in capsys.readouterr().err


def test_one_evaluation_that_does_not_fit_ends_it(inputs, pairs):
    none = Small()
    none.fits = 0
    with pytest.raises(MemoryError, match="a single evaluation"):
        measure(none, inputs, pairs, batch_size=4)


def test_other_errors_of_the_network_are_not_taken_for_memory(inputs, pairs):
    def broken(*_):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        measure(Linear(answer=broken), inputs, pairs)
