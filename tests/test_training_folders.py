"""Text-to-image models: the config's entries become folders that other libraries read."""

import json
from dataclasses import asdict

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from trained_text import CLIP, TEXT, UNET, VAE
from transformers import CLIPTokenizer

from diffusion_classifier.baselines import clip
from diffusion_classifier.data.preprocess import Preprocess, pixels
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.training import text_to_image
from diffusion_classifier.training.loop import Optimisation
from diffusion_classifier.training.recipes import train_model
from diffusion_classifier.training.tokenizer import token_ids


def scenes_entry(family, steps, **recipe):
    """An entry of the config's `models` for images of the rendered world."""
    budget = {"steps": steps, "batch_size": 4, "learning_rate": 1e-7, "warmup": 1, "ema": 0}
    return {
        "family": family,
        "preprocess": {"mode": "RGB", "size": 32},
        "training": {"data": "captions", "optimisation": budget, **recipe},
    }


CLIP_ENTRY = scenes_entry(
    "clip",
    3,
    architecture={
        **CLIP,
        "tokens": 24,
        "vision": {**TEXT, "patch_size": 8},
    },
)
SD_ENTRY = scenes_entry(
    "stable-diffusion",
    4,
    text_encoder="clip",
    architecture={
        "vae": {**VAE, "sample_size": 32},
        "unet": {**UNET, "sample_size": 16},
    },
    scheduler={
        "num_train_timesteps": 100,
        "prediction_type": "v_prediction",
        "clip_sample": False,
        "steps_offset": 1,
    },
    kl_weight=1e-5,
    vae_optimisation={"steps": 2, "batch_size": 4, "learning_rate": 1e-3, "warmup": 1},
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A CLIP and a Stable Diffusion of a few steps: the data, their folders, curves, records."""
    folder = tmp_path_factory.mktemp("models")
    table = dataset({"source": "scenes", "task": "captions", "split": "train", "limit": 12})
    found, device = {"table": table}, torch.device("cpu")
    for name, entry in (("clip", CLIP_ENTRY), ("sd", SD_ENTRY)):
        (folder / name).mkdir()
        clip = str(folder / "clip") if name == "sd" else None
        curve, record = train_model(table, entry, folder / name, device, clip)
        found[name] = folder / name, curve, record
    return found


def test_nothing_pickled_is_saved(trained):
    for name in ("clip", "sd"):
        files = {path.suffix for path in trained[name][0].rglob("*") if path.is_file()}
        assert files <= {".json", ".safetensors", ".txt"}


def test_a_trained_clip_is_a_clip_of_transformers(trained):
    from transformers import CLIPModel

    folder, curve, record = trained["clip"]
    model = CLIPModel.from_pretrained(folder)
    assert record["parameters"] == sum(p.numel() for p in model.parameters())
    assert model.config.text_config.max_position_embeddings == 24
    assert [row["step"] for row in curve] == [3]
    found = clip.load(folder, torch.device("cpu"), torch.float32)
    images = [decode(data) for data in trained["table"]["bytes"][:2]]
    # the processor does what the model was trained on
    pixel_values = found.processor(images, return_tensors="pt").pixel_values
    expected = pixels(trained["table"][:2], Preprocess(**CLIP_ENTRY["preprocess"]))
    torch.testing.assert_close(pixel_values, expected)
    texts = found.embed_texts(["a red circle", "a blue square"])
    assert found.embed_images(images).shape == texts.shape == (2, 8)


def test_a_trained_stable_diffusion_is_what_the_classifier_reads(trained):
    folder, curve, record = trained["sd"]
    adapter, cpu = family("stable-diffusion"), torch.device("cpu")
    denoiser = adapter.load(str(folder), cpu, torch.float32)
    assert denoiser.prediction == "v_prediction"
    assert denoiser.process.timesteps == 100
    preprocess = Preprocess(**SD_ENTRY["preprocess"])
    images = map(decode, trained["table"]["bytes"])
    latents = encode_images(str(folder), preprocess, images, cpu, torch.float32)
    assert latents.shape == (12, 2, 16, 16)
    assert float(latents.std()) == pytest.approx(1, rel=1e-4)  # scaled by the folder's own factor
    captions = ["a red circle left of a blue square", ""]
    prompts = pd.DataFrame({"prompt": captions, "classname": captions, "classidx": [0, 1]})
    condition = adapter.encode_prompts(str(folder), prompts, cpu, torch.float32)
    assert condition["text"].shape == (2, 24, 16)
    with torch.inference_mode():
        predicted, variance = denoiser.predict(latents[:2], torch.tensor([5, 50]), condition)
    assert predicted.shape == (2, 2, 16, 16)
    assert bool(predicted.isfinite().all())
    assert variance is None
    parts = ["vae", "text_encoder", "unet"]
    sizes = [sum(t.numel() for t in load_file(next((folder / p).glob("*.safetensors"))).values())
             for p in parts]  # fmt: skip
    assert record["parameters"] == pytest.approx(sum(sizes), abs=100)  # buffers of positions
    assert [(row["part"], row["step"]) for row in curve] == [("vae", 2), ("unet", 4)]


def test_a_stable_diffusion_starts_from_its_clips_text_encoder(trained):
    """Its learning rate here is too small to be seen."""
    from transformers import CLIPTextModel

    ours = CLIPTextModel.from_pretrained(trained["sd"][0], subfolder="text_encoder").state_dict()
    given = CLIPTextModel.from_pretrained(trained["clip"][0]).state_dict()
    assert set(ours) == set(given)
    for name, value in given.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=1e-5)
    tokens = [clip.load(trained["clip"][0], torch.device("cpu"), torch.float32).tokenizer]
    tokens.append(CLIPTokenizer.from_pretrained(trained["sd"][0], subfolder="tokenizer"))
    ids = [token_ids(tokenizer, ["a red circle", "there is a zebra"]) for tokenizer in tokens]
    assert torch.equal(*ids)


@pytest.mark.parametrize(("name", "entry"), [("clip", CLIP_ENTRY), ("sd", SD_ENTRY)])
def test_the_record_is_the_whole_recipe(trained, name, entry):
    record = trained[name][2]
    assert record["images"] == 12
    assert record["preprocess"] == entry["preprocess"]
    assert record["seconds"] >= 0
    assert {"torch", "diffusers", "transformers", "python"} == set(record["versions"])
    assert set(record["recipe"]) == set(entry["training"])
    for key, value in entry["training"].items():
        if key.endswith("optimisation"):  # including defaults
            assert record["recipe"][key] == asdict(Optimisation(**value))
            assert record["recipe"][key]["seed"] == 0
        else:
            assert record["recipe"][key] == value
    json.dumps(record)


def test_the_unet_is_trained_on_scaled_latents(trained, tmp_path, monkeypatch):
    def check(latents, captions, *_):
        assert latents.shape == (12, 2, 16, 16)
        assert float(latents.std()) == pytest.approx(1, rel=1e-4)
        assert [len(texts) for texts in captions] == [4] * 12
        raise InterruptedError

    monkeypatch.setattr(text_to_image, "train_unet", check)
    with pytest.raises(InterruptedError):
        clip_folder = str(trained["clip"][0])
        train_model(trained["table"], SD_ENTRY, tmp_path, torch.device("cpu"), clip_folder)
