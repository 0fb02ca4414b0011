"""What makes a family of diffusion models: the parts of its folders and what its network takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLIP, T5 = ("clip", "clip_text_model"), ("t5",)
"""What the config of a text encoder may call its type."""


def _nothing(folder: Path, where: Path, config: dict[str, Any]) -> None:
    """A check of a family that needs none."""


@dataclass(frozen=True)
class Family:
    """A family of models in diffusers' layout; all of it is known without PyTorch.

    Its adapter is the module of `denoisers` that is called like it, dashes written as underscores.
    """

    name: str
    network: str
    """The class of diffusers that predicts the noise."""
    pipeline: str
    """How the names of its pipelines begin."""
    text_encoders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The end of each text encoder's folder, and what its type may be; none if it is told classes.
    """
    optional: tuple[str, ...] = ()
    """Of the text encoders, those that a model may lack."""
    channels: int = 4
    """Channels that the network takes, where its config does not say it."""
    packed: int = 1
    """The edge of the squares of latents that the network reads as tokens of more channels."""
    learned_variance: bool = False
    """Whether the network may put out as many channels of variance."""
    flow_matching: bool = False
    """Whether it goes straight from image to noise; otherwise by a schedule of betas."""
    scaled: tuple[str, ...] = ()
    """Of a VAE's config, what its pipeline applies beside `scaling_factor`."""
    sizes: bool = False
    """Whether its network is told the sizes of the images."""
    guidance: bool = False
    """Whether a network distilled from guidance is told its scale."""
    old_norm: str | None = None
    """The `norm_type` of its network under the old class name Transformer2DModel."""
    fixed_size: bool = False
    """Whether its positions are those of one size of latents alone."""
    lora: bool = False
    """Whether LoRA weights can be merged into it."""
    text_to_image: bool = False
    """Whether images can be drawn with it here, and the features of its UNet be probed."""
    check: Callable[[Path, Path, dict[str, Any]], None] = _nothing
    """Raises InputError if the network does not fit the other parts; is given the model's folder,
    the file of the network's config, and what this says."""

    @property
    def part(self) -> str:
        """The folder of the network."""
        return "unet" if self.network.startswith("UNet") else "transformer"

    @property
    def class_conditional(self) -> bool:
        """Whether it is told the index of a class; otherwise a text."""
        return not self.text_encoders
