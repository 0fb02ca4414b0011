"""Encoded images become a model's input, and then latents."""

import numpy as np
import pytest
import torch
from PIL import Image

from diffusion_classifier.data.preprocess import Preprocess, pixels, stack
from diffusion_classifier.data.sources.image_source import decode, encode
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.messages import InputError

GREY_LEVEL = 2 / 255 + 1e-6  # PIL rounds after rows and again after columns


def random_image(width, height, mode="RGB", seed=0):
    """An image that is smooth enough for resampling to matter, without symmetry."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def block_mean(array, factor):
    height, width = array.shape
    return array.reshape(height // factor, factor, width // factor, factor).mean(axis=(1, 3))


def test_digits_are_padded_and_averaged():
    table = dataset({"source": "mnist", "split": "test", "limit": 10})
    found = pixels(table, Preprocess(mode="L", pad=2, size=16, interpolation="box"))
    assert found.shape == (10, 1, 16, 16)
    assert found.dtype == torch.float32
    for image, data in zip(found, table["bytes"], strict=True):
        expected = block_mean(np.pad(np.asarray(decode(data), dtype=float), 2), 2) / 127.5 - 1
        assert np.abs(image[0].numpy() - expected).max() <= GREY_LEVEL


def test_range_is_minus_one_to_one():
    pixels = np.array([[0, 255], [51, 204]], dtype=np.uint8)
    found = Preprocess(mode="L")(Image.fromarray(pixels))
    torch.testing.assert_close(found, torch.tensor([[[-1.0, 1.0], [-0.6, 0.6]]]))


def test_grey_becomes_three_equal_channels():
    image = random_image(12, 9, "L")
    found = Preprocess(mode="RGB")(image)
    assert found.shape == (3, 9, 12)
    for channel in found:
        torch.testing.assert_close(channel, Preprocess(mode="L")(image)[0])


def test_colour_channels_keep_their_order():
    image = random_image(12, 9)
    expected = np.asarray(image).transpose(2, 0, 1) / 127.5 - 1
    np.testing.assert_allclose(Preprocess(mode="RGB")(image), expected, atol=1e-6)


def test_colour_becomes_luma():
    image = random_image(12, 9)
    luma = np.asarray(image, dtype=float) @ [0.299, 0.587, 0.114]
    found = Preprocess(mode="L")(image)[0].numpy()
    assert np.abs(found - (luma / 127.5 - 1)).max() <= GREY_LEVEL


def test_palette_images_are_read_as_colours():
    image = Image.new("RGB", (4, 4), (255, 0, 0))
    found = stack([encode(image.quantize(2))], Preprocess(mode="RGB"))[0]
    torch.testing.assert_close(found.mean(dim=(1, 2)), torch.tensor([1.0, -1.0, -1.0]))


def test_padding_is_black_in_colour():
    found = Preprocess(mode="RGB", pad=3)(Image.new("RGB", (4, 2), (255, 255, 255)))
    assert found.shape == (3, 8, 10)
    expected = torch.full((3, 8, 10), -1.0)
    expected[:, 3:5, 3:7] = 1
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("width", "height"), [(40, 20), (20, 40)])
def test_center_cuts_out_the_middle(width, height):
    image = random_image(width, height, "L")
    small = block_mean(np.asarray(image, dtype=float), 2)
    middle = small[:, 5:15] if width > height else small[5:15]
    found = Preprocess(mode="L", size=10, interpolation="box", crop="center")(image)[0].numpy()
    assert np.abs(found - (middle / 127.5 - 1)).max() <= GREY_LEVEL


def test_without_a_crop_the_whole_image_is_squeezed():
    pixels = np.zeros((10, 40), dtype=np.uint8)
    pixels[:, :10] = 255  # a quarter
    found = Preprocess(mode="L", size=10, interpolation="box")(Image.fromarray(pixels))[0]
    assert found.shape == (10, 10)
    assert float(found.mean()) == pytest.approx(-0.5, abs=GREY_LEVEL)


def center_crop_arr(image, image_size):
    """A copy of the algorithm in openai/guided-diffusion, guided_diffusion/image_datasets.py."""
    width, height = image.size
    while min(width, height) >= 2 * image_size:
        width, height = width // 2, height // 2
        image = image.resize((width, height), resample=Image.BOX)
    scale = image_size / min(width, height)
    image = image.resize((round(width * scale), round(height * scale)), resample=Image.BICUBIC)
    array = np.array(image)
    y = (array.shape[0] - image_size) // 2
    x = (array.shape[1] - image_size) // 2
    return array[y : y + image_size, x : x + image_size]


@pytest.mark.parametrize("width_height", [(333, 500), (500, 375), (64, 64), (131, 97), (20, 31)])
def test_adm_crop_is_guided_diffusions(width_height):
    image = random_image(*width_height)
    found = Preprocess(size=32, interpolation="box", crop="adm")(image)
    expected = center_crop_arr(image, 32).transpose(2, 0, 1) / 127.5 - 1
    assert found.shape == (3, 32, 32)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "CMYK"}, "mode`: found 'CMYK', expected one of L, RGB"),
        ({"interpolation": "nearest"}, "interpolation`: found 'nearest', expected one of box"),
        ({"crop": "middle"}, "crop`: found 'middle', expected one of none, center, adm"),
        ({"crop": "adm"}, "`crop: adm` needs a `size`"),
    ],
)
def test_wrong_options_are_explained(options, message):
    with pytest.raises(InputError, match=message):
        Preprocess(**options)


# --- latents

CPU = torch.device("cpu")


def test_without_a_vae_latents_are_pixels(tmp_path):
    images = [random_image(20, 20, seed=seed) for seed in range(3)]
    preprocess = Preprocess(mode="L", size=8)
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "config.json").write_text('{"in_channels": 1}')
    found = encode_images(str(tmp_path), preprocess, images, CPU, torch.bfloat16)
    expected = torch.stack([preprocess(image) for image in images])
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    """A model folder with a tiny random VAE, and the VAE."""
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        block_out_channels=(8, 8),
        latent_channels=2,
        norm_num_groups=4,
        scaling_factor=0.37,
    ).eval()
    folder = tmp_path_factory.mktemp("model")
    vae.save_pretrained(folder / "vae", safe_serialization=True)
    return folder, vae


@torch.inference_mode()
def test_with_a_vae_latents_are_the_scaled_posterior_mean(vae):
    folder, vae = vae
    images = [random_image(20, 20, seed=seed) for seed in range(3)]
    preprocess = Preprocess(size=16)
    batch = torch.stack([preprocess(image) for image in images])
    expected = 0.37 * vae.encode(batch).latent_dist.mode()
    found = encode_images(str(folder), preprocess, iter(images), CPU, torch.float32)
    assert found.shape == (3, 2, 8, 8)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    half = encode_images(str(folder), preprocess, images, CPU, torch.bfloat16)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, expected, rtol=0.05, atol=0.05)
