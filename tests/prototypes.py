"""A denoiser with errors in closed form, which believes that an image is its class's prototype.

Told a condition h it predicts ε̂ = (x_t - √ᾱ W h) / √(1 - ᾱ), so the mean error of the image x₀ is
ᾱ / (1 - ᾱ) · ‖x₀ - W h‖² / values, at any noise.
"""

import numpy as np
import torch

from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.mixtures import Mixtures
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.searches import Tools

SHAPE, TIMESTEPS = (1, 4, 4), 1000
SAMPLES = [Sample(300, 1), Sample(600, 0)]
ALPHA_BAR = torch.linspace(0.99, 0.01, TIMESTEPS, dtype=torch.float64)


class Prototypes:
    """See the module; conditions are prototypes, `(prompt, 1, value)`, so W is the identity."""

    def __init__(self):
        self.network = torch.nn.Identity()
        self.process = ForwardProcess(ALPHA_BAR.float())

    def predict(self, x_t, timestep, condition):
        alpha_bar = ALPHA_BAR.float()[timestep].view(-1, 1, 1, 1)
        prototype = condition["text"].view_as(x_t)
        return (x_t - alpha_bar**0.5 * prototype) / (1 - alpha_bar) ** 0.5, None


def tools(prototypes, images, class_of=None, learned=None, numbers=None):
    """The `Tools` of `images` `(image, value)` and prompts `prototypes` `(prompt, value)`."""
    as_tensor = torch.tensor(prototypes, dtype=torch.float32)
    latents = torch.tensor(images, dtype=torch.float32).view(-1, *SHAPE)
    numbers = np.arange(len(images)) if numbers is None else numbers
    noise = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    given = Inputs(latents, torch.tensor(numbers), {"text": as_tensor[:, None]}, noise)
    mixtures = Mixtures(Prototypes(), given, 7, torch.device("cpu"), torch.float32)
    class_of = np.arange(len(prototypes)) if class_of is None else class_of
    return Tools(mixtures, numbers, class_of, SAMPLES, learned or {})


def exact_errors(prototypes, images, samples=None):
    """The mean errors over SAMPLES, `(image, prompt)`, or those at `samples`, with a last dim."""
    ratios = [ALPHA_BAR[s.timestep] / (1 - ALPHA_BAR[s.timestep]) for s in samples or SAMPLES]
    distances = ((images[:, None] - prototypes[None]) ** 2).mean(axis=2)
    errors = distances[:, :, None] * np.array(ratios)
    return errors if samples else errors.mean(axis=2)


def world(classes=12, images=60, seed=0):
    """Prototypes in three families, noisy images of them, and their classes."""
    rng = np.random.default_rng(seed)
    families = rng.normal(size=(3, 16)) * 2
    prototypes = families[np.arange(classes) % 3] + rng.normal(size=(classes, 16))
    labels = rng.integers(classes, size=images)
    return prototypes, prototypes[labels] + 0.4 * rng.normal(size=(images, 16)), labels
