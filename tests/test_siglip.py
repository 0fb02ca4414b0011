"""SigLIP as the hub has it: open_clip's layout, a tower of timm's, a T5 tokenizer."""

import open_clip
import pytest
import torch
from family_pipelines import t5
from open_clip.model import set_model_preprocess_cfg
from open_clip.push_to_hf_hub import save_for_hf
from test_open_clip import random_images
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from diffusion_classifier.baselines import clip
from diffusion_classifier.messages import InputError

pytestmark = pytest.mark.usefixtures("offline")

CPU = torch.device("cpu")
TEXTS = ["A red, red cat.", "a dog", "two cups on a shelf"]


def siglip(folder):
    """A random SigLIP, saved by open_clip's own function; (model, tokenizer of transformers)."""
    _, tokens = t5()
    config = {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": 160, "timm_model_name": "test_vit", "timm_model_pretrained": False,
            "timm_pool": "map", "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": 32, "vocab_size": len(tokens), "width": 64, "heads": 2, "layers": 2,
            "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "no_causal_mask": True, "proj_bias": True, "pool_type": "last",
            "norm_kwargs": {"eps": 1e-6},
        },
    }  # fmt: skip
    torch.manual_seed(0)
    given = {key: value for key, value in config.items() if key != "custom_text"}
    model = open_clip.CustomTextCLIP(**given).eval()
    form = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}
    set_model_preprocess_cfg(model, form | {"resize_mode": "squash"})
    save_for_hf(model, tokens, config, folder, safe_serialization=True)
    return model, tokens


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("siglip")
    return folder, *siglip(folder)


def test_embeddings_are_open_clips(saved):
    folder, model, tokens = saved
    found = clip.load(folder, CPU, torch.float32)
    # SigLIP's canonical texts have no punctuation and are lower case
    canonical = [text.lower().replace(",", "").replace(".", "") for text in TEXTS]
    ids = tokens(canonical, padding="max_length", max_length=32, truncation=True,
                 return_tensors="pt").input_ids  # fmt: skip
    steps = [
        transforms.Resize((160, 160), InterpolationMode.BICUBIC),
        transforms.ToTensor(),
        transforms.Normalize((0.5,) * 3, (0.5,) * 3),
    ]
    images = random_images(3)
    pixels = torch.stack([transforms.Compose(steps)(image.convert("RGB")) for image in images])
    with torch.no_grad():
        texts = model.encode_text(ids, normalize=True)
        pictures = model.encode_image(pixels, normalize=True)
    torch.testing.assert_close(found.embed_texts(TEXTS), texts)
    torch.testing.assert_close(found.embed_images(images), pictures, rtol=1e-4, atol=1e-5)
    assert found.scale == pytest.approx(model.logit_scale.exp().item())


def test_a_long_caption_is_refused_or_cut(saved):
    long = "cup " * 20
    with pytest.raises(InputError, match="cup"):
        clip.load(saved[0], CPU, torch.float32).embed_texts([long])
    assert clip.load(saved[0], CPU, torch.float32, truncate=True).embed_texts([long]).shape == (
        1,
        64,
    )
