"""The images that the Python interface accepts: open ones, arrays, paths, addresses, and lists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from PIL import Image

from diffusion_classifier.data.image_files.images import from_pil, load_image, read_file
from diffusion_classifier.messages import InputError

_ADDRESSES = ("http://", "https://")
_EXPECTED = "a PIL image, an array of 8-bit pixels, a path, an address (http, https), or several"


def read_pictures(images: Any, timeout: float | None = None) -> tuple[list[Image.Image], bool]:
    """The images in mode L or RGB, and whether there was one image instead of several.

    A single image is a PIL image, a uint8 array `(height, width)` or `(height, width, 3 or 4)`, a
    path, an address, or a dictionary with `bytes` or `path`, as Hugging Face's data sets store an
    image. Any other iterable is several: a list, a data set's column, a generator. `timeout` is in
    seconds, for addresses. Raises InputError, naming the image, for one that cannot be read, and
    for no image.

    >>> pictures, single = read_pictures(np.zeros((4, 6), np.uint8))
    >>> pictures[0].size, single
    ((6, 4), True)
    """
    if _is_single(images):
        return [_read(images, "images", timeout)], True
    if not isinstance(images, Iterable):
        raise InputError(f"images: found {type(images).__name__}, expected {_EXPECTED}; correct it")
    found = [_read(image, f"images[{n}]", timeout) for n, image in enumerate(images)]
    if not found:
        raise InputError("images: found none, expected at least one; give some")
    return found, False


def _is_single(images: Any) -> bool:
    return isinstance(images, Image.Image | str | os.PathLike | np.ndarray | Mapping)


def _read(image: Any, where: str, timeout: float | None) -> Image.Image:
    if isinstance(image, Mapping) and ("bytes" in image or "path" in image):
        data, name = image.get("bytes"), image.get("path") or where
        return _read(name, where, timeout) if data is None else load_image(data, str(name))
    if isinstance(image, Image.Image):
        return from_pil(image, where)
    if isinstance(image, np.ndarray):
        return _of_array(image, where)
    if isinstance(image, str) and image.startswith(_ADDRESSES):
        return load_image(_fetched(image, timeout), image)
    if isinstance(image, str | os.PathLike):
        return load_image(read_file(Path(image), os.fspath(image)), os.fspath(image))
    raise InputError(f"{where}: found {type(image).__name__}, expected {_EXPECTED}; correct it")


def _of_array(pixels: np.ndarray, where: str) -> Image.Image:
    colours = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or colours not in (1, 3, 4):
        raise InputError(
            f"{where}: found an array of {pixels.dtype} with the shape {pixels.shape}, expected "
            "uint8 of (height, width) or (height, width, 3 or 4); convert it"
        )
    grey = pixels.reshape(pixels.shape[:2]) if colours == 1 else pixels
    return from_pil(Image.fromarray(grey), where)


def _fetched(address: str, timeout: float | None) -> bytes:
    """The bytes at an address, which begins with http or https."""
    try:
        with urlopen(address, timeout=timeout) as answer:
            return answer.read()
    except (URLError, TimeoutError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"{address}: cannot be fetched ({reason}), expected an image; correct the address, or "
            "give a file"
        ) from None
