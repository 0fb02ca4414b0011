"""Errors of mixtures of prompts, and their gradients with respect to the weights of the mixture.

The backward pass computes the gradient of every activation, but not that of the network's weights,
which costs about as much as the forward pass; it is counted as two.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.denoisers.mixture import (
    mixed_prompts,
    predict_mixture,
    prompt_features,
)
from diffusion_classifier.network_time import in_network

from .batching import Batches, out_of_memory
from .engine import Engine, Inputs, check_latents
from .samples import Sample


class Mixtures:
    """Measures one denoiser on mixtures of the prompts of `inputs`.

    Every image of `inputs` has a mixture of its own. `batch_size` is the largest number of images
    in a pass, or `auto`; a pass that does not fit in memory is halved, as in `Engine`. The error is
    L2. Raises InputError if latents and noise have different shapes.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        inputs: Inputs,
        batch_size: int | str,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        check_latents(inputs)
        self.denoiser, self.device, self.dtype = denoiser, device, dtype
        self.batch_size, self.batches = batch_size, Batches(batch_size, device)
        # tensors made in inference mode, as encoders make them, cannot take part in a backward pass
        self.inputs = Inputs(
            inputs.latents.clone(),
            inputs.images,
            {name: value.clone() for name, value in inputs.conditions.items()},
            inputs.noise.clone(),
        ).to(device)

    @property
    def images(self) -> int:
        """The number of images."""
        return len(self.inputs.latents)

    def engine(self, weights: np.ndarray | None = None) -> Engine:
        """An engine whose prompt k is the mixture `weights[k]`, float `(mixture, prompt)`.

        Without `weights` its prompts are those of the inputs.
        """
        denoiser, conditions = self.denoiser, self.inputs.conditions
        if weights is not None:
            chosen = torch.tensor(weights, dtype=torch.float32, device=self.device)
            denoiser, conditions = mixed_prompts(denoiser, conditions, chosen)
        inputs = replace(self.inputs, conditions=conditions)
        return Engine(denoiser, inputs, self.batch_size, self.device, self.dtype)

    def features(self) -> np.ndarray:
        """What the network is told of each prompt, float64 `(prompt, feature)`."""
        found = prompt_features(self.denoiser, self.inputs.conditions)
        return found.detach().double().cpu().numpy()

    @in_network()
    def gradients(self, weights: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        """The error of each image's mixture, and ∂error/∂w.

        `weights` is float `(image, prompt)`. Returns float32 `(image,)` and `(image, prompt)`.
        Raises FloatingPointError if a gradient is not finite, and MemoryError if the passes of a
        single image do not fit in memory.
        """
        errors, gradients = [], []
        for part in self.batches.ranges(len(weights)):
            found = None
            try:
                found = self._gradient(part, weights, sample)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            if found is None:  # after the except block, which kept the pass's tensors alive
                self.batches.too_large()
                continue
            errors.append(found[0])
            gradients.append(found[1])
        found = np.concatenate(gradients)
        if not np.isfinite(found).all():
            raise FloatingPointError(
                f"a gradient at timestep {sample.timestep} is not finite. Check the model's "
                "weights, or try another `dtype` (float16 overflows where bfloat16 and float32 do "
                "not)"
            )
        return np.concatenate(errors), found

    def _gradient(
        self, part: range, weights: np.ndarray, sample: Sample
    ) -> tuple[np.ndarray, np.ndarray]:
        chosen = torch.tensor(weights[part.start : part.stop], dtype=torch.float32)
        chosen = chosen.to(self.device).requires_grad_()
        with torch.enable_grad():
            errors = self._errors(part, chosen, sample)
            (gradient,) = torch.autograd.grad(errors.sum(), chosen)
        # errors are sums over pixels until here, as float16 would lose gradients of means
        values = self.inputs.noise[0].numel()
        return tuple((x.detach() / values).float().cpu().numpy() for x in (errors, gradient))

    def _errors(self, part: range, weights: Tensor, sample: Sample) -> Tensor:
        """The summed errors `(batch,)` of the images in `part`."""
        x0 = self.inputs.latents[part.start : part.stop]
        noise = self.inputs.noise[sample.noise].expand_as(x0)
        timestep = torch.full((len(x0),), sample.timestep, device=self.device)
        x_t = self.denoiser.process.noised(x0, noise, timestep).to(self.dtype)
        conditions = self.inputs.conditions
        predicted = predict_mixture(self.denoiser, x_t, timestep, conditions, weights)
        return (predicted.float() - noise).square().sum(dim=(1, 2, 3))
