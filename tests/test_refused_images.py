"""Refused image files: damaged, of other formats, too large, missing."""

import io
import warnings

import numpy as np
import pytest
from photographs import PHOTO, RNG, encoded, loaded
from PIL import Image, ImageFile, TiffImagePlugin

from diffusion_classifier.data.image_files.images import FORMATS, MAX_PIXELS, load_image, read_file
from diffusion_classifier.messages import InputError


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *(("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("GIF", {})),
        *(("BMP", {}), ("PPM", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})),
    ],
)
def test_truncated_file_is_refused_unless_all_pixels_are_there(kind, options):
    data = encoded(PHOTO, kind, **options)
    whole = loaded(data)
    refused = 0
    for length in range(0, len(data), 7):
        try:
            np.testing.assert_array_equal(loaded(data[:length]), whole)
        except InputError as error:
            assert str(error).startswith("a file: ") and "\n" not in str(error)
            refused += 1
    assert refused >= len(range(0, len(data), 7)) - 3  # PNG ends with 16 bytes after the pixels


def test_damaged_pixels_of_a_png_are_refused():
    data = bytearray(encoded(PHOTO, "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InputError, match=r"^cat\.png: found a damaged or incomplete image"):
        load_image(bytes(data), "cat.png")


def test_no_damage_raises_anything_but_input_error():
    for kind in ("PNG", "GIF", "TIFF", "BMP", "WEBP", "JPEG", "PPM"):
        data = np.frombuffer(encoded(PHOTO, kind), np.uint8)
        for _ in range(40):
            damaged = data.copy()
            # mostly in the header, where the sizes are
            where = RNG.integers(0, [32, len(data)], (2, 2)).ravel()
            damaged[where] = RNG.integers(0, 256, 4)
            try:
                load_image(damaged.tobytes(), "a file", max_pixels=10**6)
            except InputError as error:
                assert str(error).startswith("a file: ")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"not an image", "12 bytes that are not an image, or the beginning of one"),
        (bytes(99), "99 bytes that are not an image"),
        (b"<svg></svg>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn --><svg></svg>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"8BPS" + bytes(99), "Photoshop"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw file"),
        (encoded(PHOTO, "JPEG2000"), "JPEG 2000"),
    ],
)
def test_what_is_not_an_image_is_refused(data, found):
    with pytest.raises(InputError, match=rf"^notes\.png: found {found}.*PNG, JPEG, WEBP"):
        load_image(data, "notes.png")


@pytest.mark.parametrize(("tag", "value"), [(50706, b"\1\4\0\0"), (254, 1)])
def test_the_preview_in_a_raw_file_is_not_taken_for_the_photograph(tag, value):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[tag] = value
    data = encoded(PHOTO, "TIFF", tiffinfo=tags)
    with pytest.raises(InputError, match="found a camera's raw file, or one that holds a preview"):
        load_image(data, "a.tif")


@pytest.mark.parametrize("kind", ["ICO", "TGA", "PCX", "EPS", "DDS", "SGI"])
def test_other_formats_are_refused(kind):
    data = encoded(PHOTO.convert("RGB"), kind)
    assert Image.open(io.BytesIO(data)).format == kind  # PIL would read it
    assert kind not in FORMATS
    with pytest.raises(InputError, match=r"^a\.png: .*expected one of"):
        load_image(data, "a.png")


@pytest.mark.parametrize("action", ["error", "ignore"])
def test_too_many_pixels_are_refused_however_warnings_are_set(action):
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        data = encoded(PHOTO, "PNG")
        with pytest.raises(
            InputError, match=r"^a file: found 16 x 24 pixels, expected at most 383"
        ):
            load_image(data, "a file", max_pixels=383)
        assert load_image(data, "a file", max_pixels=384).size == (16, 24)


@pytest.mark.parametrize(("side", "says"), [(60_000, "3600000000 pixels"), (13_000, "13000 x 130")])
def test_decompression_bomb_is_refused_before_it_is_unpacked(side, says):
    """The header claims the size; the error is about the size, not about missing pixels."""
    bomb = b"P6 %d %d 255\n" % (side, side)
    with pytest.raises(InputError, match=says) as error:
        load_image(bomb, "bomb.ppm", max_pixels=10**8)
    assert str(error.value).startswith("bomb.ppm: ")


def test_the_limit_is_that_of_pil():
    assert MAX_PIXELS == 2 * Image.MAX_IMAGE_PIXELS
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(PHOTO, "PNG"))
    assert read_file(tmp_path / "a.png", "a/1") == encoded(PHOTO, "PNG")
    says = r"^a/1: cannot be read \({}\); correct that or leave it out$"
    with pytest.raises(InputError, match=says.format("No such file or directory")):
        read_file(tmp_path / "b.png", "a/1")
    with pytest.raises(InputError, match=says.format("Is a directory")):
        read_file(tmp_path, "a/1")
