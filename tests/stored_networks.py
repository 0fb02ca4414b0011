"""One tiny network of each kind that the library loads, and what loads it."""

import shutil
from functools import partial

import numpy as np
import timm
import torch
from family_pipelines import CPU, NAMES, flux, pixart, sd3, sdxl
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.models import save_for_hf
from tiny_classifiers import MEAN, STD, save_torchvision
from tiny_dit import save_dit
from tiny_open_clip import OWN, RESNET, VIT
from tiny_open_clip import save as save_open_clip
from tiny_stable_diffusion import TWO, save_pipeline, tokenizer
from torchvision import models
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextModel,
)

from diffusion_classifier.baselines import clip, pretrained, synthetic
from diffusion_classifier.baselines import small_networks as networks
from diffusion_classifier.benchmarks.timed_networks import plain_model
from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.one_step import decoder
from diffusion_classifier.weights.networks import load_network

FLOAT = torch.float32


def save_clip(folder):
    width = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    width |= {"num_hidden_layers": 1}
    tokens = tokenizer()
    text = {"vocab_size": len(tokens), "max_position_embeddings": 8, **width}
    vision = {"image_size": 16, "patch_size": 8, **width}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    tokens.save_pretrained(folder)
    CLIPImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(folder)


def save_timm(folder):
    form = {"input_size": (3, 64, 64), "crop_pct": 0.875, "mean": MEAN, "std": STD}
    save_for_hf(timm.create_model("test_resnet"), folder, safe_serialization=True, data_config=form)


def save_network(kind, params, folder):
    networks.save(networks.build(kind, params, 3, 8), folder)


def save_squeezenet(folder):
    form = {"resize": 8, "crop": 8, "mean": MEAN, "std": STD, "interpolation": "bilinear"}
    save_torchvision(folder, "squeezenet1_1", models.squeezenet1_1(), form)


SAVED = {
    "dit": save_dit,
    "sd": lambda folder: save_pipeline(folder, 2, "epsilon"),
    "xl": sdxl,
    "pixart": pixart,
    "3": sd3,
    "flux": flux,
    "clip": save_clip,
    "open_clip vit": lambda folder: save_open_clip(folder, VIT, OWN),
    "open_clip resnet": lambda folder: save_open_clip(folder, RESNET, OWN),
    "timm": save_timm,
    "torchvision": save_squeezenet,
    "our resnet": partial(save_network, "resnet", {"width": 4, "stages": 1}),
    "our vit": partial(save_network, "vit", {"width": 8, "layers": 1, "heads": 2, "patch": 4}),
}


def adapter(name):
    return family({"sd": "stable-diffusion", "dit": "dit", **NAMES}[name])


def denoiser(name, folder):
    return adapter(name).load(folder, CPU, FLOAT)


def texts(name, folder):
    return adapter(name).encode_prompts(folder, TWO, CPU, FLOAT)


def latents(folder):
    image = Image.fromarray(np.zeros((16, 16, 3), np.uint8))
    return encode_images(folder, Preprocess(size=16), [image], CPU, FLOAT)


OF_CLIP = {name: partial(clip.load, device=CPU, dtype=FLOAT) for name in SAVED if "clip" in name}
OF_IMAGES = {n: partial(pretrained.load, device=CPU, dtype=FLOAT) for n in ("timm", "torchvision")}
# which model, which part of it loses tensors, and what reads it
LOADERS = [
    *((n, "transformer", partial(denoiser, n)) for n in ("dit", "pixart", "3", "flux")),
    *((n, "unet", partial(denoiser, n)) for n in ("sd", "xl")),
    *((n, "text_encoder", partial(texts, n)) for n in ("sd", "xl", "pixart", "3", "flux")),
    *((n, "text_encoder_2", partial(texts, n)) for n in ("xl", "3", "flux")),
    ("3", "text_encoder_3", partial(texts, "3")),
    ("sd", "vae", latents),
    *((name, ".", load) for name, load in (OF_CLIP | OF_IMAGES).items()),
    *((name, ".", networks.load) for name in ("our resnet", "our vit")),
]
# what reads the same parts by the same function
OTHERS = {
    "decoded": ("sd", "vae", partial(decoder, device=CPU, dtype=FLOAT)),
    "sampled": ("sd", "text_encoder", partial(synthetic.load, device=CPU, dtype=FLOAT)),
    "sampled from a VAE": ("sd", "vae", partial(synthetic.load, device=CPU, dtype=FLOAT)),
    "timed": ("sd", "unet", lambda folder: plain_model("stable-diffusion", folder, CPU, FLOAT)),
    "start of training": ("clip", ".", partial(load_network, CLIPTextModel)),
}
IDS = [f"{name} {part}".removesuffix(" .") for name, part, _ in LOADERS]


def changed(folder, part, change, tmp_path):
    """A copy of the model whose weights in `part` are changed, and their file."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (path,) = (copy / part).glob("*.safetensors")
    tensors = change(load_file(path))
    path.unlink()  # not written through a link
    save_file(tensors, path, {"format": "pt"})
    return copy, path
