"""CLIP as a baseline: the class whose prompts are nearest to the image in CLIP's embedding."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from .baseline import CLIP, Baseline, Images

if TYPE_CHECKING:
    import numpy as np

    from .clip import Clip


class ZeroShotClip(Baseline):
    """A CLIP in transformers' or open_clip's layout; `clip` loads and applies it."""

    rule = "predict_clip"
    needs = ("model",)
    keys: ClassVar = {"combine": {"enum": ["mean", "best"]}}
    model = CLIP
    reads_texts = True
    compared_as = "more-data"

    @cached_property
    def clip(self) -> Clip:
        from . import clip

        setting = self.setting
        truncate = setting.model.get("truncate_prompts", False)
        return clip.load(setting.folder, setting.device, setting.dtype, truncate)

    def predict(self, images: Images) -> tuple[np.ndarray, np.ndarray]:
        from . import clip

        return clip.predict(self.clip, images, self.spec.get("combine", "mean"))
