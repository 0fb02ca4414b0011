"""The baselines of small networks that the workflow trains on the same labelled images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from .baseline import Baseline, Images

if TYPE_CHECKING:
    import numpy as np


class ResNet(Baseline):
    """A residual network; `small_networks` builds, trains and loads it."""

    rule = "predict_networks"
    needs = ("params", "preprocess", "optimisation")
    weights = "trained"
    learns = True
    limits: ClassVar = {"stages": (10, "each twice as wide as the one before")}

    def fit(self, train: Images, validation: Images | None = None) -> None:
        import torch

        from diffusion_classifier.training.augment import Augmentation
        from diffusion_classifier.training.loop import Optimisation

        from . import small_networks

        spec, device = self.spec, self.setting.device
        self.network, self.curve = small_networks.train(
            spec["kind"],
            spec["params"],
            train.pixels(spec["preprocess"]).to(device),
            torch.tensor(train.labels.tolist(), device=device),
            Optimisation(**{**spec["optimisation"], "seed": self.setting.seed}),
            Augmentation(**spec.get("augmentation", {})),
        )

    def save(self, folder: str | os.PathLike) -> None:
        from . import small_networks

        small_networks.save(self.network, folder)

    def load(self, folder: str | os.PathLike) -> None:
        from . import small_networks

        self.network = small_networks.load(folder).to(self.setting.device)

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        from . import small_networks

        return small_networks.predict(self.network, images.batches(self.spec["preprocess"]))


class ViT(ResNet):
    """A vision transformer, trained in the same way."""

    limits: ClassVar = {}
