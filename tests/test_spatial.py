"""Error maps: the engine's errors before the mean over space."""

import numpy as np
import pandas as pd
import pytest
import torch

from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.engine import Inputs, epsilon_errors
from diffusion_classifier.engine.heat_maps import error_maps, right_and_wrong
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.candidates import candidates

CPU = torch.device("cpu")
SHAPE = (2, 4, 5)
SAMPLES = [Sample(0, 3), Sample(400, 0), Sample(999, 1)]


class Shifted:
    """A denoiser whose output depends on x_t, on the place and on the condition."""

    def __init__(self, answer=None):
        self.process = ForwardProcess(torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0))
        self.answer = answer

    def predict(self, x_t, timestep, condition):
        predicted = 0.5 * x_t + condition["place"]
        return (predicted if self.answer is None else self.answer(predicted, timestep)), None


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(1)
    place = torch.randn(3, *SHAPE, generator=generator)
    return Inputs(
        torch.randn(2, *SHAPE, generator=generator),
        torch.tensor([40, 57]),
        {"place": place},
        torch.randn(5, *SHAPE, generator=generator),
    )


PAIRS = pd.DataFrame({"image": [40, 57, 57, 40], "prompt": [2, 0, 1, 0]})


def maps(denoiser, inputs, batch_size=7, samples=SAMPLES, pairs=PAIRS):
    return error_maps(denoiser, inputs, pairs, samples, batch_size, CPU, torch.float32)


def test_equals_a_loop_over_pairs_and_samples(inputs):
    found = maps(Shifted(), inputs)
    assert found.shape == (4, 4, 5) and found.dtype == np.float32
    alphas = Shifted().process.alphas_cumprod
    for row, (image, prompt) in zip(found, PAIRS.to_numpy(), strict=True):
        expected = np.zeros(SHAPE[1:])
        for timestep, noise, _ in SAMPLES:
            epsilon = inputs.noise[noise]
            x_t = alphas[timestep].sqrt() * inputs.latents[{40: 0, 57: 1}[int(image)]]
            x_t = x_t + (1 - alphas[timestep]).sqrt() * epsilon
            error = 0.5 * x_t + inputs.conditions["place"][prompt] - epsilon
            expected += (error**2).mean(dim=0).numpy() / len(SAMPLES)
        assert row == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_the_mean_over_space_is_the_engines_l2(inputs, batch_size):
    found = maps(Shifted(), inputs, batch_size)
    errors = epsilon_errors(Shifted(), inputs, PAIRS, SAMPLES, 4, CPU, torch.float32)
    assert found.mean(axis=(1, 2)) == pytest.approx(errors["l2"].mean(axis=1), rel=1e-5)


def test_a_prompt_that_errs_at_one_place_shows_there(inputs):
    place = torch.zeros(2, *SHAPE)
    place[1, :, 2, 3] = 4.0
    local = Inputs(inputs.latents, inputs.images, {"place": place}, inputs.noise)
    pairs = pd.DataFrame({"image": [40, 40], "prompt": [0, 1]})
    difference = np.subtract(*maps(Shifted(), local, pairs=pairs)[::-1])
    assert np.argwhere(difference != 0).tolist() == [[2, 3]]


def test_no_sample_is_refused(inputs):
    with pytest.raises(InputError, match="samples: found none, expected at least one timestep"):
        maps(Shifted(), inputs, samples=[])


def test_what_is_not_finite_is_named(inputs):
    def answer(predicted, timestep):
        return torch.where((timestep == 999)[:, None, None, None], torch.nan, predicted)

    with pytest.raises(FloatingPointError, match=r"4 of 4 .*image 40, prompt 2\."):
        maps(Shifted(answer), inputs)


def test_the_first_examples_of_each_tag_with_their_own_and_the_other_caption():
    data = pd.DataFrame({"image": range(8), "label": range(8), "example": np.repeat(range(4), 2)})
    data["tag"] = np.repeat(["Object", "Relation", "Object", "Object"], 2)
    names = [f"caption {i}" for i in range(8)]
    prompts = with_unconditional(from_captions(data.assign(classname=names)))
    found = right_and_wrong(candidates(data, prompts), data, prompts, 1)
    expected = [*([0, 0], [0, 1], [1, 1], [1, 0]), *([2, 2], [2, 3], [3, 3], [3, 2])]
    assert found[["image", "prompt"]].to_numpy().tolist() == expected
