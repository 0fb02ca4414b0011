"""The baseline of ImageNet classifiers that others have trained."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.model_parts import check_classifier_folder

from .baseline import Baseline, Images

if TYPE_CHECKING:
    import numpy as np

    from .pretrained import Pretrained

CLASSES = 1000


class ImageNetNetwork(Baseline):
    """A network of timm or torchvision; `pretrained` compares only the classes of the prompts."""

    needs = ("weights",)
    weights = "given"

    @cached_property
    def network(self) -> Pretrained:
        from . import pretrained

        setting = self.setting
        return pretrained.load(setting.folder, setting.device, setting.dtype)

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        from . import pretrained

        logits = self.network.logits(images.decoded(), len(images.table))
        return pretrained.predict(logits, *pretrained.class_rows(images.prompts))

    @classmethod
    def check(cls, key: str, spec: dict[str, Any]) -> None:
        if isinstance(spec["weights"], dict):
            return
        if not Path(spec["weights"]).is_dir():
            raise InputError(
                f"{key}.weights: found {spec['weights']!r}, but there is no such folder; expected "
                "a folder, or `hub` and `revision`, or `torchvision`; correct it"
            )
        try:
            check_classifier_folder(spec["weights"])
        except InputError as error:
            raise InputError(f"{key}.weights: {error}") from None

    @classmethod
    def outputs(cls, spec: dict[str, Any]) -> int:
        """The number of ImageNet's classes, unless the network's folder gives another number."""
        if isinstance(spec["weights"], str):
            with suppress(OSError, ValueError, AttributeError):
                config = (Path(spec["weights"]) / "config.json").read_text(encoding="utf-8")
                if isinstance(count := json.loads(config).get("num_classes"), int):
                    return count
        return CLASSES
