"""The properties of a family of diffusion models: its parts, and the inputs of its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLIP, T5 = ("clip", "clip_text_model"), ("t5",)
"""The values of `model_type` in the config of a text encoder of each kind."""


def _no_check(folder: Path, where: Path, config: dict[str, Any]) -> None:
    """The `check` of a family that needs none."""


@dataclass(frozen=True)
class Family:
    """A family of models in diffusers' layout, described without PyTorch.

    Its adapter is the module of `denoisers` with the same name, with underscores for dashes.
    """

    name: str
    network: str
    """The class of diffusers that predicts the noise."""
    pipeline: str
    """The beginning of the class names of its pipelines."""
    text_encoders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Suffix of each text encoder's folder -> its allowed types. A class-conditional family has
    none."""
    optional: tuple[str, ...] = ()
    """The suffixes of the text encoders that a model may lack."""
    channels: int = 4
    """Input channels of the network if its config does not name a number."""
    learned_variance: bool = False
    """Whether the network may also predict the variance, in as many further channels."""
    flow_matching: bool = False
    """Whether noising follows a straight path from image to noise, not a schedule of betas."""
    scaled: tuple[str, ...] = ()
    """The keys of the VAE's config that its pipeline applies besides `scaling_factor`."""
    sizes: bool = False
    """Whether the sizes of the images are a condition of its network."""
    old_norm: str | None = None
    """The `norm_type` of its network under the old class name Transformer2DModel."""
    fixed_size: bool = False
    """Whether its position embeddings fit latents of one size only."""
    lora: bool = False
    """Whether LoRA weights can be merged into it."""
    text_to_image: bool = False
    """Whether the workflow can draw images with it and probe the features of its UNet."""
    check: Callable[[Path, Path, dict[str, Any]], None] = _no_check
    """Raises InputError if the network does not fit the other parts. Its arguments are the model's
    folder, the path of the network's config, and the content of that config."""

    @property
    def part(self) -> str:
        """The folder of the network."""
        return "unet" if self.network.startswith("UNet") else "transformer"

    @property
    def class_conditional(self) -> bool:
        """Whether the condition of its network is a class index and not a text."""
        return not self.text_encoders
