"""One-step reconstructions, with a denoiser that knows the noise and the pipeline's parts."""

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.forward_process import ForwardProcess
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.one_step import reconstruct
from diffusion_classifier.messages import InputError

CPU = torch.device("cpu")
PROCESS = ForwardProcess(torch.linspace(0.999, 0.01, 100))
TIMESTEPS = [10, 50, 90]


class Oracle:
    """A denoiser that returns ε plus the condition's `offset`; it knows the noise at TIMESTEPS."""

    process = PROCESS

    def __init__(self, noise):
        self.noise = noise

    def predict(self, x_t, timestep, condition):
        level = torch.tensor([TIMESTEPS.index(t) for t in timestep.tolist()])
        offset = condition["offset"].view(-1, 1, 1, 1)
        return self.noise[level % len(self.noise)].to(x_t.dtype) + offset.to(x_t.dtype), None


OFFSETS = {"offset": torch.tensor([0.5, 0.0, -0.2])}
ROWS = np.array([[1, 0], [1, 2]])  # the right prompt gives the true noise


def pixels(count=2, size=4):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8


@pytest.fixture(scope="module", params=[2, 3], ids=["small bank", "a noise per level"])
def found(request, tmp_path_factory):
    noise = noise_bank((3, 4, 4), request.param, 0)
    folder = str(tmp_path_factory.mktemp("pixels"))
    arguments = (OFFSETS, ROWS, noise, TIMESTEPS, CPU, torch.float32)
    return noise, reconstruct(Oracle(noise), folder, pixels(), *arguments)


def test_layout(found):
    _, recon = found
    assert recon["decoded"].dims == ("image", "level", "prompt", "channel", "row", "column")
    assert recon["decoded"].shape == (2, 3, 2, 3, 4, 4)
    assert recon["noised"].shape == (2, 3, 3, 4, 4)
    assert {recon[name].dtype for name in recon} == {np.dtype("float32")}
    assert recon["timestep"].values.tolist() == TIMESTEPS
    assert recon["prompt"].values.tolist() == ["right", "wrong"]


def test_true_noise_gives_back_the_image(found):
    expected = (pixels().numpy() + 1) / 2
    right = found[1]["decoded"].sel(prompt="right")
    for level in range(len(TIMESTEPS)):
        np.testing.assert_allclose(right.isel(level=level), expected, atol=1e-5)
    np.testing.assert_allclose(found[1]["error"].sel(prompt="right"), 0, atol=1e-12)


def test_a_wrong_noise_is_off_by_what_the_process_says(found):
    """x̂_0 - x_0 = -√(1/ᾱ - 1) (ε_θ - ε), here a constant per image and level."""
    recon = found[1]
    alpha_bar = PROCESS.alphas_cumprod[TIMESTEPS].numpy()
    for image, offset in enumerate([0.5, -0.2]):
        shift = -np.sqrt(1 / alpha_bar - 1) * offset
        expected = pixels()[image].numpy() + shift[:, None, None, None]
        wrong = recon["decoded"].sel(prompt="wrong").isel(image=image)
        np.testing.assert_allclose(wrong, np.clip((expected + 1) / 2, 0, 1), atol=1e-5)
        np.testing.assert_allclose(
            recon["error"].sel(prompt="wrong").isel(image=image), offset**2, rtol=1e-4
        )


def test_noised_images_are_x_t(found):
    noise, recon = found
    for level, t in enumerate(TIMESTEPS):
        alpha_bar = float(PROCESS.alphas_cumprod[t])
        epsilon = noise[level % len(noise)].numpy()
        x_t = alpha_bar**0.5 * pixels().numpy() + (1 - alpha_bar) ** 0.5 * epsilon
        expected = np.clip((x_t + 1) / 2, 0, 1)
        np.testing.assert_allclose(recon["noised"].isel(level=level), expected, atol=1e-5)


def test_latents_are_decoded_by_the_models_vae(tmp_path):
    """With the true noise, decoding gives the VAE's reconstruction of the image."""
    from PIL import Image

    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(8, 16), latent_channels=4, norm_num_groups=4, sample_size=16,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
        scaling_factor=0.3,
    ).eval()  # fmt: skip
    vae.save_pretrained(tmp_path / "vae", safe_serialization=True)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    preprocess = Preprocess(size=16)
    latents = encode_images(str(tmp_path), preprocess, [image], CPU, torch.float32)
    noise = noise_bank(latents.shape[1:], 3, 0)
    arguments = (OFFSETS, ROWS[:1], noise, TIMESTEPS, CPU, torch.float32)
    recon = reconstruct(Oracle(noise), str(tmp_path), latents, *arguments)
    with torch.no_grad():
        there = vae.encode(preprocess(image)[None]).latent_dist.mean
        back = (vae.decode(there).sample[0] / 2 + 0.5).clamp(0, 1).numpy()
    right = recon["decoded"].sel(prompt="right").isel(image=0, level=0)
    np.testing.assert_allclose(right, back, atol=1e-4)
    assert not np.allclose(recon["decoded"].sel(prompt="wrong").isel(image=0, level=2), back)


@pytest.mark.parametrize(("timesteps", "named"), [([10, 100], "timestep 100"), ([], "no timestep")])
def test_timesteps_the_model_lacks_are_named(timesteps, named, tmp_path):
    noise = noise_bank((3, 4, 4), 1, 0)
    arguments = (OFFSETS, ROWS, noise, timesteps, CPU, torch.float32)
    with pytest.raises(InputError, match=f"found {named}, expected some of 0 to 99"):
        reconstruct(Oracle(noise), str(tmp_path), pixels(), *arguments)
