"""SigLIP as the hub has it: open_clip's layout, a tower of timm's, a T5 tokenizer."""

import pytest
import torch
from tiny_open_clip import random_images, siglip
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from diffusion_classifier.baselines import clip
from diffusion_classifier.messages import InputError

pytestmark = pytest.mark.usefixtures("offline")

CPU = torch.device("cpu")
TEXTS = ["A red, red cat.", "a dog", "two cups on a shelf"]


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
