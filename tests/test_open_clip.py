"""CLIP in open_clip's layout, against open_clip itself and torchvision's transforms."""

import json

import numpy as np
import open_clip
import pytest
import torch
from tiny_open_clip import OWN, RESNET, VIT, random_images, save
from tiny_stable_diffusion import tokenizer
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from diffusion_classifier.baselines import clip, openclip
from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.model_parts import in_open_clips_layout

pytestmark = pytest.mark.usefixtures("offline")

CPU = torch.device("cpu")
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
TEXTS = ["a photo of a tabby cat.", "A photo of a  red circle", "dog", "one"]


@pytest.fixture(scope="module", params=["resnet", "vit"])
def saved(request, tmp_path_factory):
    """(folder, model, the transform of an image by hand)."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "resnet":
        mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
        steps = [transforms.Resize(64, InterpolationMode.BICUBIC), transforms.CenterCrop(64)]
        config, preprocessing = RESNET, {"mean": mean, "std": std, "interpolation": "bicubic"}
    else:
        mean, std = OWN["mean"], OWN["std"]
        steps = [transforms.Resize((32, 32), InterpolationMode.BILINEAR)]
        config, preprocessing = VIT, OWN
    steps += [transforms.ToTensor(), transforms.Normalize(mean, std)]
    return folder, save(folder, config, preprocessing), transforms.Compose(steps)


def test_embeddings_are_open_clips(saved, caplog):
    folder, model, transform = saved
    images = random_images(5)
    network = clip.load(folder, CPU, torch.float32)
    assert not caplog.records  # that a model has random weights, before they are read
    with torch.no_grad():
        pixels = torch.stack([transform(image.convert("RGB")) for image in images])
        tokens = open_clip.SimpleTokenizer(context_length=10)(TEXTS)
        image, text = model.encode_image(pixels, True), model.encode_text(tokens, True)
    found = network.embed_images(iter(images), batch=2)
    torch.testing.assert_close(found, image, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network.embed_texts(TEXTS, batch=3), text, rtol=1e-4, atol=1e-5)
    assert network.scale == pytest.approx(np.exp(3.0))
    assert found.dtype == torch.float32 and image.std(dim=0).min() > 1e-3
    assert not any(parameter.requires_grad for parameter in network.model.parameters())
    _, scores = clip.classify(found, text, np.arange(4), network.scale)
    expected = np.exp(3.0) * image @ text.T
    np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-3, atol=1e-3)


def test_the_activation_is_the_configs(tmp_path):
    """OpenAI's weights were trained with QuickGELU; the same weights without it say otherwise."""
    model = save(tmp_path, RESNET, OWN)
    tokens = open_clip.SimpleTokenizer(context_length=10)(TEXTS)
    plain = open_clip.CLIP(**(RESNET | {"quick_gelu": False})).eval()
    plain.load_state_dict(model.state_dict())
    with torch.no_grad():
        quick, exact = model.encode_text(tokens, True), plain.encode_text(tokens, True)
    found = clip.load(tmp_path, CPU, torch.float32).embed_texts(TEXTS)
    torch.testing.assert_close(found, quick, rtol=1e-4, atol=1e-5)
    assert (found - exact).abs().max() > 1e-3


def test_half_precision_keeps_the_norms(saved):
    folder, _, _ = saved
    images, whole = random_images(3), clip.load(folder, CPU, torch.float32)
    half = clip.load(folder, CPU, torch.bfloat16)
    assert half.model.ln_final.weight.dtype == torch.float32
    assert half.model.text_projection.dtype == torch.bfloat16
    for found, expected in [
        (half.embed_images(images), whole.embed_images(images)),
        (half.embed_texts(TEXTS), whole.embed_texts(TEXTS)),
    ]:
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.norm(dim=1), torch.ones(len(found)))
        assert ((found * expected).sum(dim=1) > 0.995).all()


def test_images_are_read_as_they_are_needed(saved, monkeypatch):
    network = clip.load(saved[0], CPU, torch.float32)
    taken, sizes = 0, []

    def images():
        nonlocal taken
        for image in random_images(5):
            taken += 1
            yield image

    encode = network.encode_images
    monkeypatch.setattr(
        network,
        "encode_images",
        lambda pixels: sizes.append((len(pixels), taken)) or encode(pixels),
    )
    assert network.embed_images(images(), batch=2).shape == (5, 12)
    assert sizes == [(2, 2), (2, 4), (1, 5)]


def test_a_prompt_too_long(saved):
    long = "a photo of a red circle and of a blue square"
    with pytest.raises(InputError, match=f"found '{long}' with 13 tokens, expected at most 10"):
        clip.load(saved[0], CPU, torch.float32).embed_texts(["a", long])
    cutting = clip.load(saved[0], CPU, torch.float32, truncate=True)
    found, short = cutting.embed_texts([long, "a photo of a red circle and of"])
    torch.testing.assert_close(found, short)  # eight words between the two ends


def edit(folder, part, **changes):
    path = folder / openclip.CONFIG
    config = json.loads(path.read_text())
    (config["model_cfg"][part] if part else config).update(changes)
    path.write_text(json.dumps(config))


def test_a_tokenizer_of_transformers_lies_in_the_folder(tmp_path):
    model, own = save(tmp_path, VIT, OWN), tokenizer(10)
    edit(tmp_path, "text_cfg", hf_tokenizer_name="nobody/nowhere")
    texts = ["a red circle", "a photo of a blue square"]
    tokens = own(texts, padding="max_length", max_length=10, return_tensors="pt").input_ids
    with torch.no_grad():
        expected = model.encode_text(tokens, True)
    network = clip.load(tmp_path, CPU, torch.float32)
    torch.testing.assert_close(network.embed_texts(texts), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="with 12 tokens, expected at most 10"):
        network.embed_texts(["a photo of a red circle of a blue square"])
    for path in tmp_path.iterdir():
        if path.name != openclip.CONFIG and path.name not in WEIGHTS:
            path.unlink()
    with pytest.raises(InputError, match=r"cannot be read as an OpenCLIP model \("):
        clip.load(tmp_path, CPU, torch.float32)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("text_cfg", {"hf_model_name": "roberta-base"}, "found 'roberta-base' as a part"),
        ("vision_cfg", {"timm_model_name": "hf-hub:a/b"}, "found 'hf-hub:a/b' as a part"),
        ("vision_cfg", {"width": 48}, r"32 of the 62 tensors of CLIP in another shape"),
        (None, {"model_cfg": None}, "cannot be read as an OpenCLIP model"),
    ],
)
def test_folders_that_are_refused(tmp_path, part, changes, message):
    save(tmp_path, VIT, OWN)
    edit(tmp_path, part, **changes)
    with pytest.raises(InputError, match=message):
        clip.load(tmp_path, CPU, torch.float32)


def test_a_pickle_is_no_weights(tmp_path):
    save(tmp_path, VIT, OWN)
    (tmp_path / "open_clip_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"found no open_clip_model\.safetensors, expected"):
        clip.load(tmp_path, CPU, torch.float32)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([openclip.CONFIG, "open_clip_model.safetensors"], True),
        ([openclip.CONFIG, WEIGHTS[1], "config.json", "model.safetensors"], True),
        ([openclip.CONFIG, "config.json", "model.safetensors"], False),
        (["config.json", "model.safetensors"], False),
        ([openclip.CONFIG], True),
    ],
)
def test_which_layout(tmp_path, files, expected):
    for name in files:
        (tmp_path / name).write_text('{"model_type": "clip"}')
    assert in_open_clips_layout(tmp_path) == expected


def test_timms_image_tower_is_no_clip(tmp_path):
    """Some repositories of open_clip's also hold timm's copy of the image tower."""
    save(tmp_path, VIT, OWN)
    (tmp_path / "open_clip_model.safetensors").rename(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"architecture": "resnet50_clip"}')
    with pytest.raises(InputError, match=r"found no open_clip_model\.safetensors, expected"):
        clip.load(tmp_path, CPU, torch.float32)
