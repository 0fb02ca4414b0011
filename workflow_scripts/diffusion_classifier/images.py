"""Image files as people have them, decoded to 8-bit greyscale or RGB, or refused by name."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .messages import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""The formats that are read, by PIL's names: its other decoders are old and seldom used."""

EXTENSIONS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif"),
    *(".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
)
"""How the names of files in these formats end, in lower case."""

MAX_PIXELS = 178_956_970  # where PIL itself refuses an image: twice its MAX_IMAGE_PIXELS

_PHOTOMETRIC, _BITS, _SAMPLE_FORMAT = 262, 258, 339  # TIFF 6.0, section 8 and 19
_REMEDY = "replace the file or leave it out"


def read_file(path: str | os.PathLike, name: str) -> bytes:
    """The file at `path` as it is; raises InputError, beginning with `name`, if that fails."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read ({error.strerror}); correct that or leave it out"
        ) from None


def load_image(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The image in the encoded file `data`, fully loaded, uint8, of mode L or RGB.

    Turned upright as its EXIF says (unreadable EXIF is passed over); transparency lies on
    white; greyscale of more than 8 bits is scaled so that the format's white is 255, a float's
    white being 1; palettes, CMYK, YCbCr and Lab become RGB, without regard to a colour profile;
    of an animation the first frame. Metadata is dropped.

    Raises InputError, beginning with `name`, for a file that is not in FORMATS, is cut short
    before its last pixel, damaged, or of more than `max_pixels` (at most MAX_PIXELS), and for
    greyscale outside its scale.
    """
    with warnings.catch_warnings():
        # size is checked below, and damaged metadata does not hurt the pixels
        warnings.simplefilter("ignore")
        stored = _read(data, name, max_pixels)
        image = _upright(stored)
    if image.mode == "F" or image.mode.startswith("I"):
        image = _eight_bits(image, _white(stored), _white_is_zero(stored), name)
    image = _flat(image)
    image.info = {}
    return image


def _read(data: bytes, name: str, max_pixels: int) -> Image.Image:
    """The first image of `data` as PIL holds it; raises as `load_image` does."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        small = image.width * image.height <= max_pixels
        if small:
            image.load()
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: {_line(error)}; make the image smaller") from None
    except UnidentifiedImageError:
        found = f"{len(data)} bytes that are" if data else "an empty file,"
        raise InputError(
            f"{name}: found {found} not an image, or the beginning of one, expected one of "
            f"{', '.join(FORMATS)}; convert the file, replace it or leave it out"
        ) from None
    except Exception as error:  # a damaged file leads the decoders to errors of any kind
        raise InputError(
            f"{name}: found a damaged or incomplete image ({_line(error)}), expected a whole one; "
            f"{_REMEDY}"
        ) from None
    if not small:
        raise InputError(
            f"{name}: found {image.width} x {image.height} pixels, expected at most "
            f"{max_pixels} in all; make the image smaller"
        )
    return image


def _line(error: Exception) -> str:
    """What `error` says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # EXIF that cannot be read says nothing about the orientation
        return image


def _white(image: Image.Image) -> int:
    """The value of white in greyscale of more than 8 bits.

    PIL holds 16 bits as I;16, but as I what is signed, of 32 bits or from PGM, scaled to 16 bits.
    """
    if image.mode == "F":
        return 1
    tags = getattr(image, "tag_v2", {})
    signed = tags.get(_SAMPLE_FORMAT, (1,))[0] == 2
    return 2 ** (tags.get(_BITS, (16,))[0] - signed) - 1


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF counts from white to black; PIL sees to it up to 8 bits only."""
    return getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0


def _eight_bits(image: Image.Image, white: int, inverted: bool, name: str) -> Image.Image:
    """Integer or float greyscale, 0..`white`, as mode L; Image.convert would clip it at 255."""
    values = np.asarray(image)
    if white == 2**32 - 1:
        values = values.view(np.uint32)  # PIL holds unsigned values as signed
    grey = np.rint(values * (255 / white))
    if not ((grey >= 0) & (grey <= 255)).all():  # also false for NaN
        raise InputError(
            f"{name}: found grey values from {values.min()} to {values.max()}, expected 0 to "
            f"{white}; scale them, or save the image with 8 or 16 bits"
        )
    if values.any() and not grey.any():
        raise InputError(
            f"{name}: found grey values up to {values.max()}, which is black where white is "
            f"{white}; scale them, or save the image with 8 or 16 bits"
        )
    return Image.fromarray((255 - grey if inverted else grey).astype(np.uint8))


def _flat(image: Image.Image) -> Image.Image:
    """`image` of at most 8 bits as a new one of mode L or RGB, transparency on white."""
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.copy() if image.mode == mode else image.convert(mode)
