"""What a model's folder says by its configs alone: whether it is whole, and what it takes in."""

import json
import shutil

import pytest

from diffusion_classifier.command_line import main
from diffusion_classifier.denoisers import FAMILIES
from diffusion_classifier.messages import InputError
from diffusion_classifier.model_folders import detect_family
from diffusion_classifier.weights.parts import (
    check_classifier_folder,
    check_clip_folder,
    check_model_folder,
)

UNET = {"_class_name": "UNet2DConditionModel", "in_channels": 4, "out_channels": 4}
CLIP = {"model_type": "clip_text_model"}
T5 = {"model_type": "t5", "d_model": 4096}
VAE = {"_class_name": "AutoencoderKL", "latent_channels": 4, "in_channels": 3}
# configs as of published models
CONFIGS = {
    "stable-diffusion": {
        "unet": UNET | {"cross_attention_dim": 768},
        "vae": VAE,
        "text_encoder": CLIP | {"hidden_size": 768},
    },
    "stable-diffusion-xl": {
        "unet": UNET
        | {
            "cross_attention_dim": 2048,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
        "vae": VAE,
        "text_encoder": CLIP | {"hidden_size": 768, "projection_dim": 768},
        "text_encoder_2": CLIP | {"hidden_size": 1280, "projection_dim": 1280},
    },
    "stable-diffusion-3": {
        "transformer": {"_class_name": "SD3Transformer2DModel", "in_channels": 16}
        | {"joint_attention_dim": 4096, "pooled_projection_dim": 2048, "out_channels": 16},
        "vae": VAE | {"latent_channels": 16},
        "text_encoder": CLIP | {"hidden_size": 768, "projection_dim": 768},
        "text_encoder_2": CLIP | {"hidden_size": 1280, "projection_dim": 1280},
        "text_encoder_3": T5,
    },
    "pixart": {
        "transformer": {"_class_name": "PixArtTransformer2DModel", "in_channels": 4}
        | {"out_channels": 8, "caption_channels": 4096, "cross_attention_dim": 1152},
        "vae": VAE,
        "text_encoder": T5,
    },
    "dit": {
        "transformer": {"_class_name": "DiTTransformer2DModel", "in_channels": 4}
        | {"out_channels": 8, "num_embeds_ada_norm": 1000},
        "vae": VAE,
    },
}
PIPELINES = {
    "stable-diffusion": "StableDiffusionPipeline",
    "stable-diffusion-xl": "StableDiffusionXLPipeline",
    "stable-diffusion-3": "StableDiffusion3Pipeline",
    "pixart": "PixArtAlphaPipeline",
    "dit": "DiTPipeline",
}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def save(folder, family, index=True):
    """A folder of `family`: configs as they are published, and empty files for all the rest."""
    parts = CONFIGS[family]
    for part, config in parts.items():
        write(folder / part / "config.json", config)
        stem = "model" if "text" in part else "diffusion_pytorch_model"
        write(folder / part / f"{stem}.safetensors", "")
        if "text" in part:
            tokenizer = folder / part.replace("text_encoder", "tokenizer")
            names = ["spiece.model"] if config is T5 else ["vocab.json", "merges.txt"]
            for name in names:
                write(tokenizer / name, "")
    write(folder / "scheduler" / "scheduler_config.json", {})
    named = {part: ["library", "Class"] for part in parts}
    if index:
        write(folder / "model_index.json", {"_class_name": PIPELINES[family], **named})
    return folder


def change(folder, part, **values):
    path = folder / part / "config.json"
    write(path, json.loads(path.read_text()) | values)


def refused(check, *arguments):
    with pytest.raises(InputError) as error:
        check(*arguments)
    message = str(error.value)
    assert "\n" not in message and len(message) < 600
    return message


@pytest.mark.parametrize("family", FAMILIES)
def test_published_configs_pass(tmp_path, family):
    check_model_folder(save(tmp_path / "a", family), family)
    check_model_folder(save(tmp_path / "b", family, index=False), family)


SD, XL, SD3, PIXART, DIT = CONFIGS
GOOD = {
    "an inpainting pipeline around a plain network": (
        *(SD, ".", {}),
        "StableDiffusionInpaintPipeline",
    ),
    "a pipeline of another name": (SD, ".", {}, "AnimateSomethingPipeline"),
    "a text projected by the UNet": (SD, "unet", {"cross_attention_dim": 1024,
                                                  "encoder_hid_dim": 768,
                                                  "encoder_hid_dim_type": "text_proj"}),
    "a width for each block": (SD, "unet", {"cross_attention_dim": [768, 768, 768, 768]}),
    "blocks without a text": (SD, "unet", {"cross_attention_dim": [768, 5],
                                           "down_block_types": ["CrossAttnDownBlock2D",
                                                                "DownBlock2D"]}),
    "keys that are null": (SD, "unet", {"attention_type": None, "dual_cross_attention": None}),
    "a whole CLIP": (SD, "text_encoder", {"model_type": "clip", "hidden_size": None,
                                          "text_config": {"hidden_size": 768}}),
    "a fixed variance": (DIT, "transformer", {"out_channels": 4}),
    "as many out as in": (DIT, "transformer", {"out_channels": None}),
    "DiT's older class": (DIT, "transformer", {"_class_name": "Transformer2DModel",
                                               "norm_type": "ada_norm_zero"}),
    "PixArt's older class": (PIXART, "transformer", {"_class_name": "Transformer2DModel",
                                                     "norm_type": "ada_norm_single"}),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD)
def test_other_networks_that_fit_pass(tmp_path, case):
    family, part, values, *pipeline = case
    save(tmp_path, family)
    if pipeline:
        path = tmp_path / "model_index.json"
        write(path, json.loads(path.read_text()) | {"_class_name": pipeline[0]})
        assert detect_family(str(tmp_path)) == family
    else:
        change(tmp_path, part, **values)
    check_model_folder(tmp_path, family)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("family", ["dit", "stable-diffusion"])
def test_a_model_of_pixels_needs_no_vae(tmp_path, family, channels):
    save(tmp_path, family, index=False)
    shutil.rmtree(tmp_path / "vae")
    part = "transformer" if family == "dit" else "unet"
    change(tmp_path, part, in_channels=channels, out_channels=channels)
    check_model_folder(tmp_path, family)


def unet(said, **values):
    return [(family, "unet", values, said) for family in (SD, XL)]


BAD = {
    "inpainting": unet(["takes 9 channels", "as inpainting"], in_channels=9),
    "InstructPix2Pix": unet(["takes 8 channels", "InstructPix2Pix"], in_channels=8),
    "depth": unet(["takes 5 channels", "depth map"], in_channels=5),
    "x4 upscaler": unet(["takes 7 channels", "upscalers"], in_channels=7, num_class_embeds=1000),
    "an unknown number": unet(["takes 6 channels, but the model's latents have 4"], in_channels=6),
    "noise levels": unet(["takes a class or a noise level", "num_class_embeds: 1000"],
                         num_class_embeds=1000),
    "unCLIP": unet(["takes a class", "class_embed_type: projection"], class_embed_type="projection",
                   projection_class_embeddings_input_dim=2048),
    "a distilled model": unet(["takes the scale of guidance", "time_cond_proj_dim: 256"],
                              time_cond_proj_dim=256),
    "an image beside the text": unet(["takes an image's embedding", "ip_image_proj"],
                                     encoder_hid_dim_type="ip_image_proj"),
    "two attentions": unet(["takes an image's", "dual_cross"], dual_cross_attention=True),
    "GLIGEN": unet(["takes boxes", "attention_type: gated"], attention_type="gated"),
    "Kandinsky": unet(["takes more than the text", "text_image"], addition_embed_type="text_image"),
    "learned variance": unet(["puts out 8 channels"], out_channels=8),
    "video": unet(["of the class UNet3DConditionModel"], _class_name="UNet3DConditionModel"),
    "ControlNet": unet(["of the class ControlNetModel"], _class_name="ControlNetModel"),
    "another text encoder": unet(["told texts of 1024 channels", "put out"],
                                 cross_attention_dim=1024),
    "XL as another family": [(SD, "unet", {"addition_embed_type": "text_time"},
                              ["family stable-diffusion-xl"])],
    "another family as XL": [(XL, "unet", {"addition_embed_type": None}, ["takes no sizes"])],
    "a refiner": [(XL, "unet", {"projection_class_embeddings_input_dim": 2560},
                   ["is 2560, expected 2816", "not a refiner"])],
    "another VAE": [(f, "vae", {"latent_channels": 32}, ["latents have 32 channels"])
                    for f in CONFIGS],
    "a tiny VAE": [(f, "vae", {"_class_name": "AutoencoderTiny"}, ["class AutoencoderTiny"])
                   for f in CONFIGS],
    "inpainting transformer": [(SD3, "transformer", {"in_channels": 33}, ["takes 33", "inpainting"]),
                               (PIXART, "transformer", {"in_channels": 9}, ["as inpainting"]),
                               (DIT, "transformer", {"in_channels": 8}, ["takes 8 channels"])],
    "another transformer": [(f, "transformer", {"_class_name": "FluxTransformer2DModel"},
                             ["class FluxTransformer2DModel, expected"])
                            for f in (SD3, PIXART, DIT)],
    "channels out of a transformer": [(f, "transformer", {"out_channels": 12}, ["puts out 12"])
                                      for f in (SD3, PIXART, DIT)],
    "narrow captions": [(PIXART, "transformer", {"caption_channels": 2048}, ["texts of 2048"]),
                        (SD3, "transformer", {"joint_attention_dim": 2048}, ["texts of 2048"]),
                        (SD3, "transformer", {"pooled_projection_dim": 768}, ["pooled text"])],
    "captions of another encoder": [(SD, "text_encoder", {"model_type": "xlm-roberta"},
                                     ["type xlm-roberta, expected clip"]),
                                    (PIXART, "text_encoder", {"model_type": "gemma"}, ["gemma"])],
    "nonsense": [(SD, "unet", {"cross_attention_dim": {"a": 1}, "in_channels": None}, ["config"]),
                 (XL, "text_encoder", {"hidden_size": "wide"}, ["do not describe a model"])],
}  # fmt: skip


@pytest.mark.parametrize("cases", BAD.values(), ids=BAD)
def test_a_network_that_takes_something_else_is_refused(tmp_path, cases):
    for number, (family, part, values, said) in enumerate(cases):
        folder = save(tmp_path / str(number), family)
        change(folder, part, **values)
        message = refused(check_model_folder, folder, family)
        assert all(words in message for words in [str(folder), *said]), message


PARTS = [
    (family, path)
    for family, parts in CONFIGS.items()
    for path in [
        "scheduler/scheduler_config.json",
        *(f"{part}/config.json" for part in parts),
        *(
            f"{part}/{'model' if 'text' in part else 'diffusion_pytorch_model'}.safetensors"
            for part in parts
        ),
        *(
            part.replace("text_encoder", "tokenizer")
            + ("/spiece.model" if config is T5 else "/merges.txt")
            for part, config in parts.items()
            if "text" in part
        ),
    ]
]


@pytest.mark.parametrize(("family", "path"), PARTS, ids=[f"{f} {path}" for f, path in PARTS])
def test_a_missing_part_is_named(tmp_path, family, path):
    folder = save(tmp_path / "file", family)
    (folder / path).unlink()
    assert str((folder / path).parent) in refused(check_model_folder, folder, family)
    folder = save(tmp_path / "folder", family)
    shutil.rmtree((folder / path).parent)
    message = refused(check_model_folder, folder, family)
    assert path.split("/")[0] in message and str(folder) in message


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_of_another_format_is_no_part(tmp_path, family):
    folder = save(tmp_path, family)
    part = next(iter(CONFIGS[family]))
    weights = folder / part / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    message = refused(check_model_folder, folder, family)
    assert "a pickle is never opened" in message and part in message
    write(folder / part / "config.json", "{")
    assert "config.json: cannot be read (not JSON)" in refused(check_model_folder, folder, family)


def test_stable_diffusion_3_without_t5_says_so_in_its_index(tmp_path):
    folder = save(tmp_path, "stable-diffusion-3")
    shutil.rmtree(folder / "text_encoder_3")
    assert "text_encoder_3" in refused(check_model_folder, folder, "stable-diffusion-3")
    index = json.loads((folder / "model_index.json").read_text())
    write(folder / "model_index.json", index | {"text_encoder_3": [None, None]})
    check_model_folder(folder, "stable-diffusion-3")


SINGLE = {
    "a ControlNet": ({"config.json": {"_class_name": "ControlNetModel"}}, "a ControlNetModel alone"),
    "a UNet": ({"config.json": UNET}, "a UNet2DConditionModel alone"),
    "a text encoder": ({"config.json": CLIP}, "a clip_text_model alone"),
    "a LoRA": ({"pytorch_lora_weights.safetensors": ""}, "pytorch_lora_weights.safetensors alone"),
    "one file": ({"v1-5-pruned.ckpt": "", "README.md": ""}, "the file v1-5-pruned.ckpt alone"),
    "nothing": ({}, "an empty folder"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "said"), SINGLE.values(), ids=SINGLE)
def test_a_single_part_is_no_model(tmp_path, files, said):
    for name, content in files.items():
        write(tmp_path / name, content)
    for family in FAMILIES:
        message = refused(check_model_folder, tmp_path, family)
        assert f"{tmp_path}: found {said}, expected a whole model" in message
    assert said in refused(detect_family, str(tmp_path))


def test_the_command_says_it_before_anything_else(tmp_path, capsys):
    folder = save(tmp_path / "sd", "stable-diffusion")
    change(folder, "unet", in_channels=9)
    arguments = ["none.png", "--model", str(folder), "--prompts", "a", "b"]
    assert main(["classify", *arguments]) == 2
    assert "takes 9 channels" in capsys.readouterr().err


def test_clips(tmp_path):
    config = {"model_type": "clip"}
    files = {"config.json": config, "model.safetensors": "", "tokenizer.json": "{}"}
    files["preprocessor_config.json"] = {}
    for name, content in files.items():
        write(tmp_path / name, content)
    check_clip_folder(tmp_path)
    for name, content in files.items():
        (tmp_path / name).unlink()
        assert name in refused(check_clip_folder, tmp_path)
        write(tmp_path / name, content)
    write(tmp_path / "config.json", {"model_type": "siglip"})
    assert "type siglip, expected clip" in refused(check_clip_folder, tmp_path)
    write(tmp_path / "open_clip_config.json", {})
    assert "type siglip" in refused(check_clip_folder, tmp_path)  # no weights of open_clip's
    write(tmp_path / "open_clip_model.safetensors", "")
    check_clip_folder(tmp_path)


def test_classifiers(tmp_path):
    assert "no config.json" in refused(check_classifier_folder, tmp_path)
    write(tmp_path / "config.json", {})
    assert "no model.safetensors" in refused(check_classifier_folder, tmp_path)
    write(tmp_path / "model.safetensors", "")
    check_classifier_folder(tmp_path)
