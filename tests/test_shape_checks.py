"""What a model's folder says of its latents, timesteps and classes is compared with the config."""

import json

import pytest
import yaml
from model_skeletons import change, save

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError
from job import _is_memory_error

VAE = {"in_channels": 3, "block_out_channels": [8, 8, 8, 8]}
UNET = {"down_block_types": ["DownBlock2D"] * 4, "sample_size": 64}
SD3 = {"patch_size": 2, "sample_size": 64, "pos_embed_max_size": 48}
FLUX = {"patch_size": 1}
PIXART = {"patch_size": 2, "sample_size": 64}
DIT = {"patch_size": 2, "sample_size": 32, "num_embeds_ada_norm": 1000}
SLOW = {"_class_name": "DDIMScheduler", "num_train_timesteps": 4000}


@pytest.fixture
def model(root, tmp_path, monkeypatch):
    """Makes a config of digits and a model's folder whose parts say this; its weights are empty."""
    monkeypatch.chdir(tmp_path)

    def make(family, parts, latent_shape, size, **preprocess):
        folder = save(tmp_path / "model", family)
        for name, content in parts.items():
            if name == "scheduler":
                (folder / name / "scheduler_config.json").write_text(json.dumps(content))
            else:
                change(folder, name, **content)
        config = yaml.safe_load((root / "config/my-model.yaml").read_text(encoding="utf-8"))
        config["models"]["my-model"] |= {
            **{"family": family, "weights": "model", "latent_shape": latent_shape},
            **{"preprocess": {"size": size, **preprocess}},
        }
        return config

    return make


GOOD = {
    "as it was trained": ("stable-diffusion", {"vae": VAE, "unet": UNET}, [4, 64, 64], 512),
    "smaller than it was trained": (
        "stable-diffusion",
        {"vae": VAE, "unet": UNET},
        [4, 32, 32],
        256,
    ),
    "a size that the VAE rounds": (
        "stable-diffusion",
        {"vae": VAE, "unet": UNET},
        [4, 32, 32],
        260,
    ),
    "cropped positions": (
        "stable-diffusion-3",
        {"vae": VAE, "transformer": SD3},
        [16, 64, 64],
        512,
    ),
    "packed latents of any size": (
        "flux",
        {"vae": VAE, "transformer": FLUX},
        [16, 42, 42],
        336,
    ),
    "positions of any size": ("pixart", {"vae": VAE, "transformer": PIXART}, [4, 128, 128], 1024),
    "a class-conditional model": ("dit", {"vae": VAE, "transformer": DIT}, [4, 32, 32], 256),
    "a model that reads texts": (
        "pixart",
        {"vae": VAE, "transformer": PIXART | {"num_embeds_ada_norm": 2}},
        [4, 64, 64],
        512,
    ),
    "parts that say nothing of sizes": ("pixart", {}, [4, 64, 64], 512),
}


@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD)
def test_models_that_fit_pass(root, model, case):
    check_config(model(*case), root)


BAD = {
    "channels": (
        ("stable-diffusion", {"vae": VAE, "unet": UNET}, [16, 64, 64], 512),
        ["latent_shape: found [16, 64, 64]", "512 pixels", "VAE makes [4, 64, 64]", "set it"],
    ),
    "pixels": (
        ("stable-diffusion", {"vae": VAE, "unet": UNET}, [4, 512, 512], 512),
        ["latent_shape: found [4, 512, 512]", "VAE makes [4, 64, 64]"],
    ),
    "no square": (
        ("stable-diffusion", {"vae": VAE, "unet": UNET}, [4, 64, 96], 512),
        ["latent_shape: found [4, 64, 96]", "VAE makes [4, 64, 64]"],
    ),
    "halves": (
        ("stable-diffusion", {"vae": VAE, "unet": UNET}, [4, 36, 36], 288),
        ["latent_shape: found [4, 36, 36]", "sides that 8 divides", "UNet halves"],
    ),
    "patches": (
        ("pixart", {"vae": VAE, "transformer": PIXART}, [4, 33, 33], 264),
        ["latent_shape: found [4, 33, 33]", "sides that 2 divides", "patches"],
    ),
    "packed latents": (
        ("flux", {"vae": VAE, "transformer": FLUX}, [16, 33, 33], 264),
        ["latent_shape: found [16, 33, 33]", "sides that 2 divides", "reads squares of 2"],
    ),
    "positions": (
        ("stable-diffusion-3", {"vae": VAE, "transformer": SD3}, [16, 128, 128], 1024),
        ["latent_shape: found [16, 128, 128]", "48 × 48 patches of 2", "at most 96", "smaller"],
    ),
    "learned positions": (
        ("dit", {"vae": VAE, "transformer": DIT}, [4, 64, 64], 512),
        [
            "latent_shape: found [4, 64, 64]",
            "only for latents with sides of 32",
            "`preprocess.size`",
        ],
    ),
    "classes": (
        ("dit", {"vae": VAE, "transformer": DIT | {"num_embeds_ada_norm": 8}}, [4, 32, 32], 256),
        ["prompts.digits: found the class index 9", "the classes 0 to 7", "correct"],
    ),
    "timesteps beyond the schedule": (
        (
            "dit",
            {"vae": VAE, "transformer": DIT, "scheduler": SLOW},
            [4, 32, 32],
            256,
        ),
        ["evaluations.my-evaluation.model: found a model of 4000 timesteps", "expected a model of"],
    ),
}


@pytest.mark.parametrize("case,message", BAD.values(), ids=BAD)
def test_models_that_do_not_fit_are_refused(root, model, case, message):
    with pytest.raises(InputError) as error:
        check_config(model(*case), root)
    for words in message:
        assert words in str(error.value)


def test_memory_that_pytorch_does_not_get_is_too_little_memory():
    """Nothing of it is allocated: a job says it in one line instead of a traceback."""
    import torch

    with pytest.raises(RuntimeError) as error:
        torch.empty(10**15)
    assert _is_memory_error(error.value)
    assert not _is_memory_error(RuntimeError("shapes do not fit"))
