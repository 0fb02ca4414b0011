"""Turn encoded images into a model's input tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from diffusion_classifier.messages import InputError

from .sources.image_source import decode

if TYPE_CHECKING:
    import pandas as pd

_FILTERS = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes a model's input; every field is a key of a model's `preprocess`.

    mode: "L" (one channel) or "RGB". pad: black pixels that are first added on each side. size:
    final width and height (None: unchanged). interpolation: filter of the resize. crop: "none"
    resizes to a square, "center" resizes the short side and cuts out the middle, "adm" does that
    with guided-diffusion's filters (Dhariwal & Nichol 2021) and ignores `interpolation`.
    Raises InputError for any other value.
    """

    mode: str = "RGB"
    pad: int = 0
    size: int | None = None
    interpolation: str = "bicubic"
    crop: str = "none"

    def __post_init__(self) -> None:
        _expect("mode", self.mode, ("L", "RGB"))
        _expect("interpolation", self.interpolation, tuple(_FILTERS))
        _expect("crop", self.crop, ("none", "center", "adm"))
        if self.crop != "none" and self.size is None:
            raise InputError(f"`preprocess`: `crop: {self.crop}` needs a `size`; add it")

    def __call__(self, image: Image.Image) -> Tensor:
        """`(channel, height, width)` float32 in [-1, 1]."""
        image = self.resized(image.convert(self.mode))
        pixels = np.asarray(image, dtype=np.float32) / 127.5 - 1
        pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(pixels))

    def resized(self, image: Image.Image) -> Image.Image:
        """`image` padded, resized and cropped; its mode does not change."""
        if self.pad:
            image = ImageOps.expand(image, self.pad, fill=0)
        if self.size is None:
            return image
        if self.crop == "adm":
            return _center_crop(_adm_resize(image, self.size), self.size)
        if self.crop == "center":
            resized = _short_side(image, self.size, _FILTERS[self.interpolation])
            return _center_crop(resized, self.size)
        return image.resize((self.size, self.size), _FILTERS[self.interpolation])


def pixels(table: pd.DataFrame, preprocess: Preprocess) -> Tensor:
    """All images of a data set, `(image, channel, height, width)` float32 in [-1, 1]."""
    return stack(table["bytes"], preprocess)


def batches(encoded: Iterable[bytes], preprocess: Preprocess, size: int = 256) -> Iterator[Tensor]:
    """`stack`, with `size` images at a time."""
    encoded = iter(encoded)
    while part := list(islice(encoded, size)):
        yield stack(part, preprocess)


def stack(encoded: Iterable[bytes], preprocess: Preprocess) -> Tensor:
    """Encoded images as one tensor; see `pixels`."""
    return torch.stack([preprocess(decode(data)) for data in encoded])


def _adm_resize(image: Image.Image, size: int) -> Image.Image:
    """guided-diffusion's `center_crop_arr`: halve by averaging, then bicubic to the short side."""
    while min(image.size) >= 2 * size:
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    return _short_side(image, size, Image.Resampling.BICUBIC)


def _short_side(image: Image.Image, size: int, resampling: Image.Resampling) -> Image.Image:
    ratio = size / min(image.size)
    return image.resize((round(image.width * ratio), round(image.height * ratio)), resampling)


def _center_crop(image: Image.Image, size: int) -> Image.Image:
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def _expect(key: str, found: str, expected: tuple[str, ...]) -> None:
    if found not in expected:
        raise InputError(
            f"`preprocess: {key}`: found {found!r}, expected one of {', '.join(expected)}; "
            "correct it in the config"
        )
