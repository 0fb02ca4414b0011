"""Baselines of the text-to-image table, against transformers and diffusers."""

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionPipeline
from PIL import Image
from tiny_stable_diffusion import BETAS, prompts, save_pipeline, tokenizer
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

from diffusion_classifier.baselines import clip, features, synthetic
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.messages import InputError

CPU = torch.device("cpu")
TEXTS = ["a red circle", "a photo of a red circle", "a blue square", "a photo of a blue square"]
CLASS_OF = np.array([0, 0, 1, 1])


def random_images(count, size=(20, 14), seed=0):
    """Colour images; the last one is grey."""
    rng = np.random.default_rng(seed)
    images = [
        Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
        for _ in range(count)
    ]
    return [*images[:-1], images[-1].convert("L")]


# --- CLIP


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    tokens = tokenizer()
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
    ends = {
        "bos_token_id": tokens.bos_token_id,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
    }
    config = CLIPConfig(
        text_config={
            **tower,
            **ends,
            "num_hidden_layers": 2,
            "vocab_size": len(tokens),
            "max_position_embeddings": 8,
        },
        vision_config={**tower, "num_hidden_layers": 2, "image_size": 16, "patch_size": 8},
        projection_dim=12,
    )
    model = CLIPModel(config)
    with torch.no_grad():  # so that random texts and images differ
        model.logit_scale.fill_(3.0)
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(5)
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=16).save_pretrained(folder)
    return folder


def test_clip_scores_are_the_models_logits(clip_folder):
    images = random_images(5)
    model = CLIPModel.from_pretrained(clip_folder)
    processor = CLIPProcessor(
        CLIPImageProcessorPil.from_pretrained(clip_folder),
        clip.load(clip_folder, CPU, torch.float32).tokenizer,
    )
    inputs = processor(text=TEXTS, images=images, return_tensors="pt", padding=True)
    with torch.no_grad():
        expected = model(**inputs).logits_per_image
    network = clip.load(clip_folder, CPU, torch.float32)
    assert network.scale == pytest.approx(np.exp(3.0))
    image, text = network.embed_images(iter(images), batch=2), network.embed_texts(TEXTS, batch=3)
    torch.testing.assert_close(image.norm(dim=1), torch.ones(5))
    each = np.arange(len(TEXTS))
    predictions, scores = clip.classify(image, text, each, network.scale)
    np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(predictions, expected.argmax(dim=1).numpy())
    assert predictions.dtype == np.int64 and scores.dtype == np.float32
    assert scores.std(axis=1).min() > 0.01


def test_several_prompts_of_a_class():
    """By hand, in plain NumPy; `class_of` need not be sorted."""
    rng = np.random.default_rng(0)
    image, text = rng.normal(size=(6, 5)), rng.normal(size=(4, 5))
    image /= np.linalg.norm(image, axis=1, keepdims=True)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    class_of = pd.Series([1, 0, 1, 1]).to_numpy()
    tensors = torch.tensor(image).float(), torch.tensor(text).float()
    _, mean = clip.classify(*tensors, class_of, 7.0, "mean")
    predictions, best = clip.classify(*tensors, class_of, 7.0, "best")
    for label in (0, 1):
        own = text[class_of == label]
        centre = own.mean(axis=0)
        centre /= np.linalg.norm(centre)
        np.testing.assert_allclose(mean[:, label], 7 * image @ centre, rtol=1e-5, atol=1e-6)
        nearest = [max(7 * row @ other for other in own) for row in image]
        np.testing.assert_allclose(best[:, label], nearest, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(predictions, best.argmax(axis=1))
    with pytest.raises(InputError, match=r"`combine`.*found 'median', expected 'mean' or 'best'"):
        clip.classify(*tensors, class_of, 7.0, "median")


def test_clip_names_a_prompt_too_long(clip_folder):
    network = clip.load(clip_folder, CPU, torch.float32)
    long = "a photo of a red circle of a blue square"
    with pytest.raises(InputError, match=f"found '{long}' with 12 tokens, expected at most 8"):
        network.embed_texts(["a", long])
    cutting = clip.load(clip_folder, CPU, torch.float32, truncate=True)
    found, short = cutting.embed_texts([long, "a photo of a red circle"])
    torch.testing.assert_close(found, short)  # six words between the two ends


# --- the UNet's features


@pytest.fixture(scope="module", params=[(1, "epsilon"), (2, "v_prediction")], ids=["1.x", "2.x v"])
def saved(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    return save_pipeline(folder, *request.param), str(folder), request.param[1]


def test_features_are_those_of_a_hook_by_hand(saved):
    pipeline, folder, prediction = saved
    latents = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    layers, timesteps = ["up_blocks.0", "mid_block", "down_blocks.0"], [30, 700]
    found = features.unet_features(folder, latents, timesteps, layers, CPU, torch.float32, 5, 2)
    assert set(found) == {(layer, t) for layer in layers for t in timesteps}
    text, _ = pipeline.encode_prompt("", "cpu", 1, False)
    noise = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(5))
    scheduler = DDPMScheduler(**BETAS, prediction_type=prediction)
    kept = {}

    def keep(module, inputs, output):
        kept["map"] = output[0] if isinstance(output, tuple) else output

    for layer, t in found:
        handle = pipeline.unet.get_submodule(layer).register_forward_hook(keep)
        for number, x0 in enumerate(latents):
            x_t = scheduler.add_noise(x0[None], noise[None], torch.tensor([t]))
            with torch.no_grad():
                pipeline.unet(x_t, t, text)
            channels, side = kept["map"].shape[1], kept["map"].shape[2]
            cell = max(side // 4, 1)  # maps of 8 × 8 and 4 × 4: equal areas
            areas = kept["map"].reshape(channels, side // cell, cell, side // cell, cell)
            expected = areas.mean(dim=(2, 4)).flatten().numpy()
            np.testing.assert_allclose(found[layer, t][number], expected, rtol=1e-3, atol=1e-4)
        handle.remove()
        assert found[layer, t].shape == (3, channels * 16) and found[layer, t].dtype == np.float32


@pytest.mark.parametrize(
    ("layer", "timestep", "message"),
    [
        ("middle", 5, "'middle'.*down_blocks.0, down_blocks.1, mid_block, up_blocks.0, up_blocks"),
        ("mid_block.attentions.0.transformer_blocks.0", 5, "mid_block.attentions"),
        ("mid_block", 1000, "`timesteps`.*found 1000, expected 0 to 999"),
    ],
)
def test_features_there_are_not(saved, layer, timestep, message):
    latents = torch.zeros(1, 4, 8, 8)
    with pytest.raises(InputError, match=message):
        features.unet_features(saved[1], latents, [timestep], [layer], CPU, torch.float32, 0)


# --- images sampled by the model itself


def pixels(table):
    return [np.asarray(decode(data)).astype(int) for data in table["bytes"]]


FOUR = prompts(*TEXTS).assign(classname=["red circle"] * 2 + ["blue square"] * 2, classidx=CLASS_OF)


def sample(folder, per_class, **more):
    settings = {"size": 16, "guidance": 3.0, "steps": 3, "seed": 4} | more
    return synthetic.sample_images(
        folder, FOUR, per_class, **settings, device=CPU, dtype=torch.float32
    )


def test_images_are_the_pipelines_and_depend_on_their_number_alone(saved):
    _, folder, prediction = saved
    table = sample(folder, 3)
    assert table["image"].tolist() == list(range(6))
    assert table["label"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["classname"].tolist() == ["red circle"] * 3 + ["blue square"] * 3
    assert table["source"][5] == "a blue square guidance=3.0 steps=3 seed=4/1/2"
    assert [source.split(" guidance")[0] for source in table["source"][:3]] == [
        TEXTS[0], TEXTS[1], TEXTS[0],
    ]  # fmt: skip
    found = pixels(table)
    assert len({image.tobytes() for image in found}) == 6
    assert all(image.shape == (16, 16, 3) for image in found)
    # the fifth image: a pipeline and scheduler set up by hand, called directly
    scheduler = DDIMScheduler(
        **BETAS, prediction_type=prediction, clip_sample=False, steps_offset=1,
        set_alpha_to_one=DDIMScheduler.from_pretrained(folder, subfolder="scheduler")
        .config.set_alpha_to_one,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, scheduler=scheduler, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline(
        TEXTS[3], height=16, width=16, guidance_scale=3.0, num_inference_steps=3,
        generator=synthetic.generator(4, 1, 1),
    ).images[0]  # fmt: skip
    assert np.abs(np.asarray(image).astype(int) - found[4]).max() <= 1


def test_neither_batch_nor_number_changes_an_image(saved):
    found, small = pixels(sample(saved[1], 3)), pixels(sample(saved[1], 2, batch=3))
    for image, other in zip([*found[:2], *found[3:5]], small, strict=True):
        assert np.abs(image - other).max() <= 1
    other = pixels(sample(saved[1], 1, seed=5))
    assert np.abs(other[0] - found[0]).max() > 1


def test_a_clipping_scheduler_does_not_clip_latents(saved):
    """PNDM says nothing of clipping, which DDIM does by default; latents are not in [-1, 1]."""
    config = synthetic.load(saved[1], CPU, torch.float32).scheduler.config
    assert (config.clip_sample, config.steps_offset) == (False, 1)
    assert config.prediction_type == saved[2]


def test_a_size_that_cannot_be_drawn(saved):
    with pytest.raises(InputError, match=r"`size`.*found 18, expected a multiple of 8"):
        sample(saved[1], 1, size=18)
