"""Gradients of mixtures against exact errors and finite differences; the search's ranking."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import UNet2DConditionModel
from tiny_dit import save_dit

from diffusion_classifier.denoisers import dit as dit_family
from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.denoisers.mixture import predict_mixture
from diffusion_classifier.denoisers.stable_diffusion import StableDiffusion
from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.mixtures import Mixtures
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.gradient_search import GradientSearch, mixture, search
from diffusion_classifier.selection.searches import Tools, search_samples

CPU, FLOAT = torch.device("cpu"), torch.float32
SAMPLE = Sample(400, 1)


class Linear:
    """A denoiser whose prediction is a linear map of the condition, and nothing else."""

    def __init__(self, values):
        torch.manual_seed(0)
        self.network = torch.nn.Linear(5, values, bias=False).requires_grad_(False)
        self.process = ForwardProcess(torch.linspace(0.999, 0.01, 1000))

    def predict(self, x_t, timestep, condition):
        return self.network(condition["text"].flatten(1)).view_as(x_t), None


def inputs(conditions, shape=(1, 2, 4), images=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(images, *shape, generator=generator)
    noise = torch.randn(2, *shape, generator=generator)
    return Inputs(latents, torch.arange(images), conditions, noise)


def unet(folder=None):
    torch.manual_seed(0)
    network = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=[8, 16],
        layers_per_block=1, norm_num_groups=4, cross_attention_dim=6, attention_head_dim=2,
        down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"],
        up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"],
    )  # fmt: skip
    process = ForwardProcess(torch.linspace(0.999, 0.01, 1000))
    conditions = {"text": torch.randn(5, 3, 6, generator=torch.Generator().manual_seed(2))}
    return StableDiffusion(network, process, "v_prediction"), inputs(conditions, (4, 8, 8))


def dit(folder):
    save_dit(folder)
    denoiser = dit_family.load(str(folder), CPU, FLOAT)
    return denoiser, inputs({"class_labels": torch.tensor([3, 0, 1, 2])}, (1, 8, 8))


@pytest.fixture(params=[unet, dit])
def model(request, tmp_path):
    return request.param(tmp_path)


def test_a_mixture_of_one_prompt_has_that_prompts_error(model):
    denoiser, given = model
    prompts = len(next(iter(given.conditions.values())))
    pairs = pd.DataFrame({"image": np.repeat(range(3), prompts), "prompt": [*range(prompts)] * 3})
    engine = Engine(denoiser, given, 7, CPU, FLOAT)
    expected = engine.errors(pairs, [SAMPLE])["l2"].reshape(3, prompts)
    mixtures = Mixtures(denoiser, given, 2, CPU, FLOAT)
    for prompt in range(prompts):
        weights = np.eye(prompts)[[prompt] * 3]
        errors, _ = mixtures.gradients(weights, SAMPLE)
        np.testing.assert_allclose(errors, expected[:, prompt], rtol=1e-4)


def test_a_prompt_that_is_a_mixture_has_the_mixtures_error(model):
    """The engine's pass of a mixed condition against the pass that gradients go through."""
    denoiser, given = model
    prompts = len(next(iter(given.conditions.values())))
    weights = np.random.default_rng(0).dirichlet(np.ones(prompts), 3)
    mixtures = Mixtures(denoiser, given, 2, CPU, FLOAT)
    pairs = pd.DataFrame({"image": range(3), "prompt": range(3)})
    mixed = mixtures.engine(weights).errors(pairs, [SAMPLE])["l2"][:, 0]
    np.testing.assert_allclose(mixed, mixtures.gradients(weights, SAMPLE)[0], rtol=1e-4)
    plain = mixtures.engine().errors(pairs, [SAMPLE])["l2"][:, 0]
    assert not np.allclose(mixed, plain, rtol=1e-3)


def test_gradients_are_finite_differences(model):
    denoiser, given = model
    denoiser.network.double()
    prompts = len(next(iter(given.conditions.values())))
    weights = np.random.default_rng(0).dirichlet(np.ones(prompts), 3)
    mixtures = Mixtures(denoiser, given, 3, CPU, torch.float64)
    _, gradients = mixtures.gradients(weights, SAMPLE)
    for prompt in range(prompts):
        step = 1e-2 * np.eye(prompts)[prompt]
        after, before = (mixtures.gradients(weights + s, SAMPLE)[0] for s in (step, -step))
        found = (after.astype("float64") - before) / 2e-2
        np.testing.assert_allclose(gradients[:, prompt], found, rtol=2e-2, atol=2e-5)


def test_the_ranking_of_a_linear_model_is_that_of_exact_errors():
    """Conditions of equal length and angles: the error is linear in the class, up to a constant."""
    denoiser = Linear(8)
    weight = torch.linalg.qr(torch.randn(8, 5, generator=torch.Generator().manual_seed(3)))[0]
    denoiser.network.weight.copy_(weight)
    given = inputs({"text": torch.eye(5).unsqueeze(1)})
    tools = Tools(Mixtures(denoiser, given, 2, CPU, FLOAT), np.arange(3), np.arange(5), [SAMPLE])
    scores = GradientSearch({"samples": 1}, tools).scores()
    predicted = weight.T.reshape(5, 1, 2, 4)
    exact = (predicted - given.noise[1]).square().mean(dim=(1, 2, 3)).numpy()
    for row in scores:
        assert row.argsort().tolist() == exact.argsort().tolist()
        slope = np.polyfit(exact, row, 1)[0]
        np.testing.assert_allclose(row - row.mean(), slope * (exact - exact.mean()), atol=1e-4)


def test_steps_descend_to_the_class_of_least_error():
    """On a convex error, with gradients in closed form, the mixture becomes its best class."""
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(40, 6)), rng.normal(size=6)
    features[17] = target + 0.01

    def gradients(weights, sample):
        return 2 * (weights @ features - target) @ features.T

    samples = [Sample(0, 0)] * 40
    scores = search(gradients, 1, np.arange(40), samples)
    assert scores[0].argmin() == 17 == ((features - target) ** 2).sum(axis=1).argmin()
    start, end = (((mixture(s) @ features - target) ** 2).sum() for s in (0 * scores, scores))
    assert end < 0.01 * start


def test_prompts_of_a_class_share_its_weight():
    seen = []

    def gradients(weights, sample):
        seen.append(weights)
        return np.array([[1.0, 3.0, 7.0]])

    scores = search(gradients, 1, np.array([0, 0, 1]), [SAMPLE])
    np.testing.assert_allclose(seen[0], [[0.25, 0.25, 0.5]])
    np.testing.assert_allclose(scores, [[-1, 1]])  # 2 and 7, standardised


def test_a_pass_that_does_not_fit_is_halved():
    denoiser, given = unet()
    plain, sizes = denoiser.predict, []

    def predict(x_t, timestep, condition):
        sizes.append(len(x_t))
        if len(x_t) > 1:
            raise torch.OutOfMemoryError
        return plain(x_t, timestep, condition)

    expected = Mixtures(denoiser, given, 3, CPU, FLOAT).gradients(np.full((3, 5), 0.2), SAMPLE)
    denoiser.predict = predict
    found = Mixtures(denoiser, given, 3, CPU, FLOAT).gradients(np.full((3, 5), 0.2), SAMPLE)
    assert sizes == [3, 1, 1, 1]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


def test_conditions_may_come_from_an_encoder():
    """Encoders work in inference mode, whose tensors autograd does not take as they are."""
    denoiser, given = unet()
    with torch.inference_mode():
        encoded = Inputs(given.latents + 0, given.images, {"text": given.conditions["text"] + 0},
                         given.noise + 0)  # fmt: skip
    weights = np.full((3, 5), 0.2)
    found, expected = (
        Mixtures(denoiser, each, 3, CPU, FLOAT).gradients(weights, SAMPLE)[1]
        for each in (encoded, given)
    )
    np.testing.assert_array_equal(found, expected)


def test_a_mask_has_the_tokens_of_any_prompt():
    seen = {}

    def predict(x_t, timestep, condition):
        seen.update(condition)
        return x_t, None

    text = torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]])
    conditions = {"text": text, "mask": torch.tensor([[1, 0], [1, 1]]), "scale": torch.ones(2)}
    weights = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    predict_mixture(SimpleNamespace(predict=predict), text, text, conditions, weights)
    assert seen["text"].flatten(1).tolist() == [[2, 3], [3, 4]]
    assert seen["mask"].tolist() == [[1, 1], [1, 1]] and seen["scale"].tolist() == [1, 1]


def test_a_family_of_class_indices_needs_mixtures_of_its_own():
    conditions = {"class_labels": torch.tensor([0, 1])}
    with pytest.raises(InputError, match=r"search: .*cannot be mixed"):
        predict_mixture(SimpleNamespace(), None, None, conditions, torch.ones(1, 2))


def test_a_gradient_that_is_not_finite_is_reported():
    denoiser, given = unet()
    broken = Inputs(given.latents * float("inf"), given.images, given.conditions, given.noise)
    with pytest.raises(FloatingPointError, match="timestep 400 is not finite"):
        Mixtures(denoiser, broken, 3, CPU, FLOAT).gradients(np.full((3, 5), 0.2), SAMPLE)


def test_samples_are_spread_and_share_no_noise_with_the_stages():
    even = search_samples(4, 1000, 250)
    assert even == [Sample(500, 249), Sample(250, 248), Sample(750, 247), Sample(125, 246)]
    assert [s.timestep for s in search_samples(2, 1000, 250, [7, 9])] == [7, 9]
