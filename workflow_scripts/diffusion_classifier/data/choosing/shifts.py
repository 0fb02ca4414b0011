"""Distribution shifts to measure robustness: change the pose, occlude a part or add noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from diffusion_classifier.messages import InputError

if TYPE_CHECKING:
    from ..sources.image_source import ImageSource


def pose(
    image: Image.Image,
    rng: np.random.Generator,
    degrees: float = 30.0,
    shift: float = 0.12,
    scale: float = 0.25,
) -> Image.Image:
    """Rotate by ± `degrees`, scale by 1 ± `scale`, move by ± `shift` of width and height.

    Each is uniform in its range; the background is black.
    """
    turn, zoom, right, down = rng.uniform(-1, 1, 4)
    angle, zoom = math.radians(turn * degrees), 1 / (1 + zoom * scale)
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    x, y = image.width / 2, image.height / 2
    moved_x, moved_y = x + right * shift * image.width, y + down * shift * image.height
    # PIL maps output to input coordinates: input = R (output - moved centre) + centre
    matrix = (
        *(cos, -sin, x - cos * moved_x + sin * moved_y),
        *(sin, cos, y - sin * moved_x - cos * moved_y),
    )
    return image.transform(
        image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=0
    )


def occlusion(
    image: Image.Image, rng: np.random.Generator, side: float = 0.3, brightness: float = 0.5
) -> Image.Image:
    """Cover a square of `side` (of the width) in grey of `brightness` (0 black, 1 white).

    The centre is a random bright pixel, so that the square always hides a part of a white digit on
    black (or any random pixel of an image without bright ones).
    """
    bright = np.argwhere(np.asarray(image.convert("L")) > 127)
    if len(bright) == 0:
        bright = np.argwhere(np.ones((image.height, image.width)))
    row, column = bright[rng.integers(len(bright))]
    length = max(1, round(side * image.width))
    pixels = np.array(image)
    top, left = row - length // 2, column - length // 2
    pixels[max(0, top) : top + length, max(0, left) : left + length] = round(255 * brightness)
    return Image.fromarray(pixels)


def noise(image: Image.Image, rng: np.random.Generator, sigma: float = 0.25) -> Image.Image:
    """Add Gaussian noise of standard deviation `sigma` (white is 1) to every value, clipped."""
    pixels = np.asarray(image) / 255
    noisy = np.clip(pixels + sigma * rng.standard_normal(pixels.shape), 0, 1)
    return Image.fromarray(np.rint(255 * noisy).astype(np.uint8))


SHIFTS: dict[str, Callable[..., Image.Image]] = {
    "pose": pose,
    "occlusion": occlusion,
    "noise": noise,
}


def apply_shift(
    image: Image.Image, kind: str, params: dict[str, float], seed: int, index: int
) -> Image.Image:
    """`image` (mode L or RGB) under the shift `kind`; size and mode do not change.

    The random numbers depend only on `seed` and `index`, not on the order or number of images.
    Raises InputError for an unknown `kind`.
    """
    if kind not in SHIFTS:
        raise InputError(
            f"`shift: kind`: found {kind!r}, expected one of {', '.join(SHIFTS)}; "
            "correct it in `datasets`"
        )
    try:
        return SHIFTS[kind](image, np.random.default_rng([seed, index]), **params)
    except TypeError as error:
        raise InputError(f"`shift` of kind {kind!r}: found {params}: {error}") from error


class Shifted:
    """An ImageSource that applies a shift to the images of another source.

    With `copies` > 1 every image has several variants: variant c of image i is at position
    c * len(source) + i, so the first variants do not depend on `copies`. Raises InputError as
    `apply_shift` does.
    """

    def __init__(
        self, source: ImageSource, shift: dict[str, Any], seed: int = 0, copies: int = 1
    ) -> None:
        self.original, self.seed, self.copies = source, seed, copies
        self.params = dict(shift)
        self.kind = self.params.pop("kind", None)
        self.class_names = source.class_names
        # check the shift once here: for each image, an error could pass for a bad image
        apply_shift(Image.new("L", (8, 8)), self.kind, self.params, seed, 0)

    def __len__(self) -> int:
        return len(self.original) * self.copies

    def image(self, index: int) -> Image.Image:
        image = self.original.image(index % len(self.original))
        return apply_shift(image, self.kind, self.params, self.seed, index)

    def label(self, index: int) -> int:
        return self.original.label(index % len(self.original))

    def source(self, index: int) -> str:
        params = ",".join(f"{name}={value}" for name, value in sorted(self.params.items()))
        origin = self.original.source(index % len(self.original))
        return f"{origin} {self.kind}({params}) seed={self.seed},{index}"
