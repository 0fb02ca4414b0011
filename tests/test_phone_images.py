"""HEIC and AVIF, as phones and browsers write them: pixels, orientation, alpha, depth, damage."""

import io

import numpy as np
import pillow_heif
import pytest
from photographs import GREY, PHOTO, PIXELS, RNG, encoded, loaded
from PIL import Image, features

from diffusion_classifier.data.image_files.images import ImageError, load_image
from diffusion_classifier.messages import InputError

LOSSLESS = {"quality": -1, "chroma": 444}
BEST = {"quality": 100, "subsampling": "4:4:4"}
# a picture of few colours, which shows its orientation and channels
CORNERS = Image.new("RGB", (32, 48), "white")
CORNERS.paste((200, 30, 30), (0, 0, 16, 24))
CORNERS.paste((30, 30, 200), (16, 24, 32, 48))


def heic(image, **options):
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, **LOSSLESS | options)
    return buffer.getvalue()


def heic_of_16_bits(mode, values):
    buffer = io.BytesIO()
    size = values.shape[1], values.shape[0]
    pillow_heif.from_bytes(mode, size, values.tobytes()).save(buffer, **LOSSLESS)
    return buffer.getvalue()


def avif(image, **options):
    return encoded(image, "AVIF", **BEST | options)


WRITERS = pytest.mark.parametrize("write", [heic, avif], ids=["HEIC", "AVIF"])


def test_pillow_reads_avif():
    assert features.check("avif")


@WRITERS
def test_pixels_are_those_that_were_saved(write):
    assert np.abs(loaded(write(CORNERS)).astype(int) - np.asarray(CORNERS)).max() <= 3


@pytest.mark.parametrize(
    "data", [heic(GREY), avif(GREY, subsampling="4:0:0")], ids=["HEIC", "AVIF"]
)
def test_grey_stays_grey(data):
    assert np.abs(loaded(data, "L").astype(int) - PIXELS[..., 0]).max() <= 6


@WRITERS
def test_alpha_lies_on_white(write):
    image = CORNERS.copy()
    image.putalpha(Image.new("L", image.size, 51))  # a fifth
    expected = 255 - (255 - np.asarray(CORNERS, float)) / 5
    assert np.abs(loaded(write(image)) - expected).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = loaded(encoded(CORNERS, "PNG", exif=exif))
    found = loaded(avif(CORNERS, exif=exif))
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= 3


def test_a_heic_is_turned_as_its_own_transformation_says_and_not_twice():
    """A phone writes the rotation twice; the standard ignores the one in EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = CORNERS.transpose(Image.Transpose.ROTATE_270)
    phone = heic(CORNERS, exif=exif.tobytes())  # the library writes both
    assert np.abs(loaded(phone).astype(int) - np.asarray(turned)).max() <= 3


def test_10_bits_become_8():
    values = np.asarray(CORNERS).astype(np.uint16) * 257
    data = heic_of_16_bits("RGB;16", values)
    assert pillow_heif.open_heif(io.BytesIO(data)).info["bit_depth"] == 10
    assert np.abs(loaded(data).astype(int) - np.asarray(CORNERS)).max() <= 3
    grey = np.full((24, 16), 40000, np.uint16)
    assert np.abs(loaded(heic_of_16_bits("L;16", grey), "L") - 40000 / 257).max() <= 1


def test_of_several_images_the_main_one():
    several = pillow_heif.from_pillow(CORNERS)
    several.add_from_pillow(CORNERS.rotate(180))
    buffer = io.BytesIO()
    several.save(buffer, primary_index=1, **LOSSLESS)
    expected = np.asarray(CORNERS.rotate(180))
    assert np.abs(loaded(buffer.getvalue()).astype(int) - expected).max() <= 3


@WRITERS
def test_a_damaged_file_is_one_line(write):
    data = write(PHOTO)
    damaged = [data[:length] for length in (*range(12, len(data), 97), len(data) - 1)]
    for _ in range(60):
        changed = np.frombuffer(data, np.uint8).copy()
        changed[RNG.integers(12, len(data), 3)] = RNG.integers(0, 256, 3)
        damaged.append(changed.tobytes())
    refused = 0
    for content in damaged:
        try:
            load_image(content, "IMG_1.HEIC", max_pixels=10**6)
        except InputError as error:
            assert str(error).startswith("IMG_1.HEIC: ") and "\n" not in str(error)
            refused += 1
    assert refused > 20
    with pytest.raises(ImageError, match="a damaged or incomplete image"):
        load_image(data[: len(data) // 2], "IMG_1.HEIC")


@WRITERS
def test_too_many_pixels_are_refused_before_they_are_unpacked(write):
    with pytest.raises(ImageError, match="found 16 x 24 pixels, expected at most 383"):
        load_image(write(PHOTO), "a file", max_pixels=383)


def test_pillow_is_left_as_it_is():
    loaded(heic(CORNERS))
    assert "HEIF" not in Image.OPEN
