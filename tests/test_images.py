"""Decoding of image files of every kind."""

import io
import struct

import numpy as np
import pytest
from photographs import GREY, PHOTO, PIXELS, RNG, encoded, loaded
from PIL import Image, ImageCms

from diffusion_classifier.data.image_files.images import load_image
from diffusion_classifier.data.sources.image_source import decode, encode
from diffusion_classifier.messages import InputError

# --- formats


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *(("PNG", {}), ("BMP", {}), ("PPM", {}), ("TIFF", {})),
        *(("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True})),
    ],
)
def test_lossless_formats_give_the_pixels_that_were_saved(kind, options):
    np.testing.assert_array_equal(loaded(encoded(PHOTO, kind, **options)), PIXELS)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_greyscale_stays_greyscale(kind):
    np.testing.assert_array_equal(loaded(encoded(GREY, kind), "L"), PIXELS[..., 0])


def test_jpeg_is_decoded_as_pil_does():
    data = encoded(PHOTO, "JPEG", quality=90, progressive=True)
    np.testing.assert_array_equal(loaded(data), np.asarray(Image.open(io.BytesIO(data))))


def test_a_phones_jpeg_of_several_pictures_gives_the_first():
    data = encoded(PHOTO, "MPO", save_all=True, append_images=[PHOTO.rotate(180)], quality=95)
    expected = Image.open(io.BytesIO(encoded(PHOTO, "JPEG", quality=95)))
    np.testing.assert_array_equal(loaded(data), np.asarray(expected))


def test_black_and_white_becomes_grey():
    assert (
        loaded(encoded(GREY.convert("1"), "PNG"), "L").tolist()
        == (np.asarray(GREY.convert("1")) * 255).tolist()
    )


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame(kind):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert (loaded(data) == [255, 0, 0]).all()


def test_of_a_tiff_the_first_page():
    data = encoded(PHOTO, "TIFF", save_all=True, append_images=[Image.new("RGB", (3, 3))])
    np.testing.assert_array_equal(loaded(data), PIXELS)


# --- colour and transparency


def test_palette_becomes_rgb():
    palette = PHOTO.quantize(16)
    np.testing.assert_array_equal(
        loaded(encoded(palette, "PNG")),
        np.asarray(palette.getpalette("RGB")).reshape(-1, 3)[np.asarray(palette)],
    )


@pytest.mark.parametrize("colours", [1, 3])
def test_alpha_lies_on_white(colours):
    alpha = RNG.integers(0, 256, (24, 16, 1), dtype=np.uint8)
    image = Image.fromarray(np.concatenate([PIXELS[..., :colours], alpha], axis=2))
    share = alpha / 255
    expected = (share * PIXELS[..., :colours] + (1 - share) * 255).squeeze()
    pixels = loaded(encoded(image, "PNG"), "L" if colours == 1 else "RGB")
    assert np.abs(pixels - expected).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_colour_becomes_white(kind):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    assert loaded(encoded(image, kind, transparency=0)).tolist() == [[[255] * 3, [40, 50, 60]]]


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (1, 2, 3)), ("L", 7)])
def test_transparent_colour_of_a_png_becomes_white(mode, colour):
    data = encoded(Image.new(mode, (2, 2), colour), "PNG", transparency=colour)
    assert (loaded(data, mode) == 255).all()


def test_cmyk_jpeg_becomes_rgb():
    data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    assert np.abs(loaded(data) - np.array([255.0, 0, 0])).max() <= 2


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_tiff_of_other_colour_models_becomes_rgb(mode):
    data = encoded(PHOTO.convert(mode), "TIFF")
    assert np.abs(loaded(data).astype(int) - PIXELS).max() <= 3


def test_lab_becomes_rgb():
    colour = (180, 120, 90)  # well inside sRGB: near its edge 8 bits of Lab are too coarse
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    image = Image.new("RGB", (4, 4), colour)
    data = encoded(ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB"), "TIFF")
    assert np.abs(loaded(data) - np.array(colour, float)).max() <= 2


def test_metadata_is_dropped():
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    data = encoded(PHOTO, "PNG", exif=exif, icc_profile=b"a profile", dpi=(72, 72))
    image = load_image(data, "a file")
    assert image.info == {}
    again = decode(encode(image))
    assert (again.info, dict(again.getexif())) == ({}, {})


# --- orientation

# EXIF 2.3, table of Orientation: how the stored rows and columns lie -> how to put them upright
UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: np.swapaxes(x, 0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.swapaxes(x[::-1, ::-1], 0, 1),
    8: lambda x: np.rot90(x),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_image_is_turned_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(PHOTO, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(loaded(data), UPRIGHT[orientation](PIXELS))


def test_16_bit_greyscale_is_turned_upright():
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 257
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(values), "PNG", exif=exif)
    assert loaded(data, "L").tolist() == [[3, 0], [4, 1], [5, 2]]


def test_unreadable_exif_is_passed_over():
    for rubbish in (
        b"Exif\0\0rubbish",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff",
    ):
        data = encoded(PHOTO, "PNG", exif=rubbish)
        np.testing.assert_array_equal(loaded(data), PIXELS)


# --- more than 8 bits


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_greyscale_is_scaled(kind):
    values = np.array([[0, 128, 129, 255, 257, 32768, 65407, 65535]], np.uint16)
    expected = [[0, 0, 1, 1, 1, 128, 255, 255]]  # value / 257, rounded
    assert loaded(encoded(Image.fromarray(values), kind), "L").tolist() == expected


def test_big_endian_16_bit_tiff_is_scaled():
    values = np.array([[0, 257, 25700, 65535]], np.uint16)
    data = _tiff(values.astype(">u2").tobytes(), 4, bits=16, order=">")
    assert loaded(data, "L").tolist() == [[0, 1, 100, 255]]


def test_pgm_is_scaled_from_its_own_white():
    data = b"P5 3 1 1023\n" + struct.pack(">3H", 0, 512, 1023)
    assert loaded(data, "L").tolist() == [[0, 128, 255]]


def test_16_bit_rgb_becomes_8_bit():
    data = b"P6 2 1 65535\n" + struct.pack(">6H", 0, 25700, 65535, 257, 514, 771)
    assert loaded(data).tolist() == [[[0, 100, 255], [1, 2, 3]]]


@pytest.mark.parametrize(
    ("kind", "bits", "signed", "white"),
    [("i4", 32, True, 2**31 - 1), ("u4", 32, False, 2**32 - 1), ("i2", 16, True, 2**15 - 1)],
)
def test_wide_integers_are_scaled_from_their_own_white(kind, bits, signed, white):
    values = np.array([0, white // 3, white // 2, white]).astype("<" + kind)
    data = _tiff(values.tobytes(), 4, bits=bits, sample_format=2 if signed else 1)
    assert loaded(data, "L").tolist() == [[0, 85, 127, 255]]


def test_float_is_scaled_from_one():
    values = np.array([[0, 0.1, 0.5, 1]], np.float32)
    assert loaded(encoded(Image.fromarray(values), "TIFF"), "L").tolist() == [[0, 26, 128, 255]]


def test_tiff_with_white_at_zero_is_inverted():
    for dtype, bits in (("<u2", 16), ("<u1", 8)):
        values = np.array([0, 100, 255]).astype(dtype) * (257 if bits == 16 else 1)
        data = _tiff(values.astype(dtype).tobytes(), 3, bits=bits, photometric=0)
        assert loaded(data, "L").tolist() == [[255, 155, 0]]


@pytest.mark.parametrize("value", [-1.0, 1.1, 200.0, np.nan, np.inf])
def test_float_outside_its_scale_is_refused(value):
    data = encoded(Image.fromarray(np.array([[0, value]], np.float32)), "TIFF")
    with pytest.raises(InputError, match=r"^a file: found grey values from .*expected 0 to 1;"):
        load_image(data, "a file")


def test_integers_outside_their_scale_are_refused():
    negative = _tiff(struct.pack("<2h", -1000, 1000), 2, bits=16, sample_format=2)
    with pytest.raises(InputError, match="from -1000 to 1000, expected 0 to 32767"):
        load_image(negative, "scan.tif")
    dark = _tiff(struct.pack("<2i", 0, 4095), 2, bits=32, sample_format=2)
    with pytest.raises(InputError, match="up to 4095, which is black where white is 2147483647"):
        load_image(dark, "scan.tif")


def test_black_is_black():
    assert not loaded(_tiff(bytes(8), 2, bits=32), "L").any()


def _tiff(data, width, bits, sample_format=1, photometric=1, order="<"):
    """An uncompressed TIFF 6.0 of one row of greyscale, written by hand."""
    tags = [(256, width), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 8)]
    tags += [(277, 1), (278, 1), (279, len(data)), (339, sample_format)]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    entries = b"".join(struct.pack(order + "HHIHH", tag, 3, 1, x, 0) for tag, x in tags)
    return head + data + struct.pack(order + "H", len(tags)) + entries + bytes(4)
