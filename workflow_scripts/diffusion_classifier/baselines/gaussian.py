"""Gaussians of generated images: a generative classifier made of a diffusion model's own drawings.

The model draws a few images of every class. Each class becomes a Gaussian around the mean of its
drawings; all share one covariance, that of the drawings around their class means, shrunk towards a
multiple of the identity (Ledoit & Wolf 2004). The likeliest class is predicted. Drawing costs once;
then an image costs no evaluation, or one if features of the network are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from diffusion_classifier.messages import InputError

from .baseline import TEXT_TO_IMAGE, Baseline, Images

if TYPE_CHECKING:
    pass


class GeneratedGaussians(Baseline):
    """Gaussians of latents, averaged to `pool` × `pool` positions, or of a network's features.

    With `layers` and `timesteps`, the features are those of the baseline `probe`, side by side.
    """

    needs = ("model",)
    keys: ClassVar = {"pool": {"type": "integer", "minimum": 1, "maximum": 1000}}
    model = TEXT_TO_IMAGE
    learns = True
    compared_as = "more-data"

    def fit(self, train: Images, validation: Images | None = None) -> None:
        self.means, self.precision = fit_gaussians(self._features(train), train.labels)

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        scores = log_likelihoods(self._features(images), self.means, self.precision)
        return scores.argmax(axis=1), scores.astype("float32")

    def _features(self, images: Images) -> np.ndarray:
        """The features of all images, float64 `(image, feature)`."""
        from . import features

        setting = self.setting
        latents = features.image_latents(images, setting)
        if "layers" not in self.spec:
            edge = self.spec.get("pool", max(latents.shape[2:]))
            return features.pooled(latents, edge).double().numpy()
        found = features.unet_features(
            setting.folder,
            latents,
            self.spec["timesteps"],
            self.spec["layers"],
            setting.device,
            setting.dtype,
            setting.noise_seed,
        )
        return np.hstack([*found.values()]).astype("float64")

    @classmethod
    def check(cls, key: str, spec: dict[str, Any]) -> None:
        if ("layers" in spec) != ("timesteps" in spec):
            found = "layers" if "layers" in spec else "timesteps"
            raise InputError(
                f"{key}.{found}: found without the other of `layers` and `timesteps`, expected "
                "both, for features of the network, or none, for latents; add it or leave it out"
            )
        if "layers" in spec and "pool" in spec:
            raise InputError(
                f"{key}.pool: found beside `layers`, whose features are averaged already, expected "
                "one of them; leave it out"
            )

    @classmethod
    def passes(cls, spec: dict[str, Any]) -> tuple[int, int]:
        return (len(spec.get("timesteps", ())),) * 2


def fit_gaussians(x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means `(class, feature)` and the shared precision `(feature, feature)`.

    `x` is `(image, feature)` and `labels` `(image,)`, 0 to classes - 1. A class without an image
    has the mean NaN. Raises InputError if no class has two images, as then nothing shows how the
    images of a class differ.
    """
    from sklearn.covariance import LedoitWolf

    counts = np.bincount(labels)
    if counts.max() < 2:
        raise InputError(
            "the training images of Gaussians: found one image per class, expected at least two of "
            "some class; raise `per_class`"
        )
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, labels, x)
    with np.errstate(invalid="ignore"):
        means = sums / counts[:, None]
    residuals = x - means[labels]
    # deviations from means of n images are too small by (n - 1) / n
    residuals *= np.sqrt(len(x) / (len(x) - (counts > 0).sum()))
    return means, LedoitWolf(assume_centered=True).fit(residuals).precision_


def log_likelihoods(x: np.ndarray, means: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """log p(x | class) up to a term of x alone, `(image, class)`; -inf for a class without mean."""
    weights = means @ precision
    scores = x @ weights.T - (weights * means).sum(axis=1) / 2
    return np.where(np.isnan(scores), -np.inf, scores)
