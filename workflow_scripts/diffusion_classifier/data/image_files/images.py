"""Decode image files of common formats to 8-bit greyscale or RGB; name files that are damaged."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from diffusion_classifier.messages import InputError, one_line

from .image_formats import (
    FORMATS,
    HEAD,
    NOT_AN_IMAGE,
    PILLOW_FORMATS,
    has_signature,
    is_heif,
    is_raw,
    not_an_image,
)

MAX_PIXELS = 178_956_970  # where PIL itself refuses an image: twice its MAX_IMAGE_PIXELS

_PHOTOMETRIC, _BITS, _SAMPLE_FORMAT = 262, 258, 339  # TIFF 6.0, section 8 and 19
_REMEDY = "replace the file or leave it out"


class ImageError(InputError):
    """An image that cannot be used; `reason` says why, in a few words and without its name."""

    def __init__(self, name: str, reason: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.reason = reason


def read_file(path: str | os.PathLike, name: str) -> bytes:
    """The bytes of the file at `path`; raises ImageError, beginning with `name`, if that fails."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        message = f"cannot be read ({error.strerror}); correct that or leave it out"
        raise ImageError(name, f"cannot be read: {error.strerror}", message) from None


def load_image(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The image in the encoded file `data`, fully loaded, uint8, of mode L or RGB.

    The image is rotated as its EXIF says (unreadable EXIF is ignored) and transparency becomes
    white. Greyscale of more than 8 bits is scaled so that the format's white (1 for floats) is 255.
    Palettes, CMYK, YCbCr and Lab become RGB; colour profiles are ignored. An animation or a
    collection gives its first or main image. Metadata is dropped.

    Raises ImageError, beginning with `name`, for a file that is not in FORMATS, incomplete,
    damaged, a camera's raw file, or of more than `max_pixels` (at most MAX_PIXELS), and for
    greyscale outside its scale.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the size is checked in `_read`
        return from_pil(_read(data, name, max_pixels), name)


def from_pil(stored: Image.Image, name: str) -> Image.Image:
    """An image that is already open, in the form of `load_image`; raises ImageError like it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata does not affect the pixels
        image = _upright(stored)
    if image.mode == "F" or image.mode.startswith("I"):
        image = _eight_bits(image, _white(stored), _white_is_zero(stored), name)
    image = _flat(image)
    image.info = {}
    return image


def _read(data: bytes, name: str, max_pixels: int) -> Image.Image:
    """The first image of `data` in PIL's mode; raises as `load_image` does."""
    try:
        image = _open(data)
        small, raw = image.width * image.height <= max_pixels, is_raw(image, data)
        if small and not raw:
            image.load()
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(name, "too many pixels", f"{one_line(error)}; make it smaller") from None
    except UnidentifiedImageError:
        raise _unidentified(data, name) from None
    except Exception as error:  # decoders raise errors of any kind for damaged files
        raise _damaged(name, one_line(error)) from None
    if not small:
        found = f"{image.width} x {image.height} pixels"
        message = f"found {found}, expected at most {max_pixels} in all; make the image smaller"
        raise ImageError(name, f"too many pixels ({found})", message)
    if raw:
        reason = "a camera's raw file, or one that holds a preview first"
        message = f"found {reason}, expected the image itself; export it as JPEG or leave it out"
        raise ImageError(name, reason, message)
    return image


def _open(data: bytes) -> Image.Image:
    """Open the image in `data` without decoding it; raises as Pillow does."""
    if is_heif(data[:HEAD]):
        # imported only for HEIC files, and without registering its decoder in Pillow
        from pillow_heif import HeifImageFile

        return HeifImageFile(io.BytesIO(data))
    return Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)


def _unidentified(data: bytes, name: str) -> ImageError:
    """The error for a file that no decoder recognises."""
    if has_signature(data[:HEAD]):
        return _damaged(name, "its beginning cannot be read")
    reason = not_an_image(data[:HEAD])
    found = reason
    if reason == NOT_AN_IMAGE:
        found = f"{len(data)} bytes that are {reason}, or the beginning of one"
    message = f"found {found}, expected one of {', '.join(FORMATS)}; convert it, {_REMEDY}"
    return ImageError(name, reason, message)


def _damaged(name: str, error: str) -> ImageError:
    error, reason = error.rstrip("."), "a damaged or incomplete image"
    message = f"found {reason} ({error}), expected a whole one; {_REMEDY}"
    return ImageError(name, f"{reason}: {error}", message)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # unreadable EXIF: the orientation is unknown
        return image


def _white(image: Image.Image) -> int:
    """The value of white in greyscale of more than 8 bits.

    PIL's mode for 16 bits is I;16. Signed values, 32 bits and PGM (scaled to 16 bits) have mode I.
    """
    if image.mode == "F":
        return 1
    tags = getattr(image, "tag_v2", {})
    signed = tags.get(_SAMPLE_FORMAT, (1,))[0] == 2
    return 2 ** (tags.get(_BITS, (16,))[0] - signed) - 1


def _white_is_zero(image: Image.Image) -> bool:
    """Whether white is 0 in a TIFF; PIL inverts such images itself up to 8 bits only."""
    return getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0


def _eight_bits(image: Image.Image, white: int, inverted: bool, name: str) -> Image.Image:
    """Scale integer or float greyscale, 0..`white`, to mode L; Image.convert would clip at 255."""
    values = np.asarray(image)
    if white == 2**32 - 1:
        values = values.view(np.uint32)  # PIL has read unsigned values as signed
    grey = np.rint(values * (255 / white))
    remedy = "scale them, or save the image with 8 or 16 bits"
    if not ((grey >= 0) & (grey <= 255)).all():  # also false for NaN
        reason = f"grey values from {values.min()} to {values.max()}"
        raise ImageError(name, reason, f"found {reason}, expected 0 to {white}; {remedy}")
    if values.any() and not grey.any():
        reason = f"grey values up to {values.max()}, which is black where white is {white}"
        raise ImageError(name, reason, f"found {reason}; {remedy}")
    return Image.fromarray((255 - grey if inverted else grey).astype(np.uint8))


def _flat(image: Image.Image) -> Image.Image:
    """A copy of `image` (at most 8 bits) in mode L or RGB, with white for transparency."""
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.copy() if image.mode == mode else image.convert(mode)
