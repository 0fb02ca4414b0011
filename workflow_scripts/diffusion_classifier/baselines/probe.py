"""The paper's "SD features" baseline: a linear probe of a diffusion model's own features."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from .baseline import TEXT_TO_IMAGE, Baseline, Images

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .features import Features

_TIMESTEP = {"type": "integer", "minimum": 0, "maximum": 999}


class FeatureProbe(Baseline):
    """Logistic regression on the UNet's features; `features` records, fits and stores them."""

    rule = "predict_probe"
    needs = ("model", "layers", "timesteps")
    keys: ClassVar = {
        "layers": {"$ref": "#/$defs/names"},
        "timesteps": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _TIMESTEP},
    }
    model = TEXT_TO_IMAGE
    learns = True
    validates = "a probe chooses its layer and timestep"
    compared_as = "more-data"

    def fit(self, train: Images, validation: Images | None = None) -> None:
        from . import features

        recorded = self.spec["timesteps"], self.spec["layers"]
        self.probe = features.fit_probe(
            self._features(train, *recorded),
            train.labels,
            self._features(validation, *recorded),
            validation.labels,
            **self.spec.get("params", {}),
        )

    def save(self, folder: str | os.PathLike) -> None:
        from . import features

        features.save(self.probe, folder)

    def load(self, folder: str | os.PathLike) -> None:
        from . import features

        self.probe = features.load(folder)

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        recorded = self._features(images, [self.probe.timestep], [self.probe.layer])
        return self.probe.predict(recorded, int(self.probe.classes.max()) + 1)

    def _features(
        self, images: Images, timesteps: Sequence[int], layers: Sequence[str]
    ) -> Features:
        from diffusion_classifier.engine.encoders import read_latents

        from . import features

        folder, device, dtype = self.setting.folder, self.setting.device, self.setting.dtype
        if images.latents:
            latents, _ = read_latents(images.latents)
        else:
            latents = features.image_latents(images, self.setting)
        seed = self.setting.noise_seed
        return features.unet_features(folder, latents, timesteps, layers, device, dtype, seed)

    @classmethod
    def passes(cls, spec: dict[str, Any]) -> tuple[int, int]:
        return len(spec["timesteps"]), 1
