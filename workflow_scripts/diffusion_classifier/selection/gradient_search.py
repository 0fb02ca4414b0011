"""Gradient search: rank all classes at once by gradients of the error of a mixture of them.

Let w be weights of the classes, Σ w = 1, and E(w) the error of an image when the network is told
the mixture Σ w_c h_c of the classes' conditions h. One forward and one backward pass give
∂E/∂w_c of every class: how the error would change with a little more of that class. The search
minimises E over the simplex by exponentiated gradient (Kivinen & Warmuth 1997): it starts at equal
weights, and takes a new sample (t, ε) for every step,

    s_c ← s_c + standardised ∂E/∂w_c,   w = softmax(-η s).

Gradients are standardised over the classes of an image (mean 0, standard deviation 1), so η means
the same for every model, timestep and number of classes. The score s ranks the classes, least
first: the sum of the gradients along the path from the mean condition to the image's own mixture
(compare integrated gradients, Sundararajan et al. 2017). The cost does not depend on the number of
classes. Li et al. 2023 name search by gradients as future work (section 6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from diffusion_classifier.engine.samples import Sample

from .searches import Search

RATE = 0.5
"""The learning rate η."""

COST = 3
"""Evaluations of a step: a forward pass, and a backward pass that counts as two."""

Gradients = Callable[[np.ndarray, Sample], np.ndarray]
"""Weights of a mixture `(image, prompt)`, sample → ∂E/∂w of each prompt, `(image, prompt)`."""


def search(
    gradients: Gradients,
    images: int,
    class_of: np.ndarray,
    samples: Sequence[Sample],
    rate: float = RATE,
) -> np.ndarray:
    """The scores s of every image and class, float64 `(image, class)`: lower is likelier.

    `class_of[prompt]` is the class of each prompt, 0 to classes - 1, each with at least one; the
    prompts of a class share its weight equally.
    """
    classes = int(class_of.max()) + 1
    members = np.eye(classes)[class_of]  # (prompt, class)
    members /= members.sum(axis=0)
    scores = np.zeros((images, classes))
    for sample in samples:
        weights = mixture(scores, rate)
        scores += standardised(gradients(weights @ members.T, sample) @ members)
    return scores


def mixture(scores: np.ndarray, rate: float = RATE) -> np.ndarray:
    """softmax(-rate · scores) over classes, `(image, class)`."""
    logits = -rate * (scores - scores.min(axis=1, keepdims=True))
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


def standardised(values: np.ndarray) -> np.ndarray:
    """`values` with mean 0 and standard deviation 1 over the last axis; zeros if all are equal."""
    centred = values - values.mean(axis=-1, keepdims=True)
    deviation = centred.std(axis=-1, keepdims=True)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)


class GradientSearch(Search):
    """The module's search; `samples` of its entry is the number of steps."""

    keys: ClassVar = {"rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 100}}

    def scores(self) -> np.ndarray:
        mixtures, rate = self.tools.mixtures, self.spec.get("rate", RATE)

        def gradients(weights: np.ndarray, sample: Sample) -> np.ndarray:
            return mixtures.gradients(weights, sample)[1].astype("float64")

        class_of, samples = self.tools.class_of, self.tools.samples
        return search(gradients, mixtures.images, class_of, samples, rate)

    @classmethod
    def evaluations(cls, spec: dict[str, Any], classes: float) -> float:
        return COST * spec["samples"]
