"""A network that takes something else than the classifier has is refused by its config."""

import json
import shutil

import pytest
from model_skeletons import CONFIGS, change, save, write
from refusals import refused

from diffusion_classifier.cli.commands import main
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.denoisers.model_folders import detect_family
from diffusion_classifier.weights.model_parts import check_model_folder


@pytest.mark.parametrize("family", FAMILIES)
def test_published_configs_pass(tmp_path, family):
    check_model_folder(save(tmp_path / "a", family), FAMILIES[family])
    check_model_folder(save(tmp_path / "b", family, index=False), FAMILIES[family])


SD, XL, SD3, FLUX, PIXART, DIT = CONFIGS
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
    check_model_folder(tmp_path, FAMILIES[family])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("family", ["dit", "stable-diffusion"])
def test_a_model_of_pixels_needs_no_vae(tmp_path, family, channels):
    save(tmp_path, family, index=False)
    shutil.rmtree(tmp_path / "vae")
    part = "transformer" if family == "dit" else "unet"
    change(tmp_path, part, in_channels=channels, out_channels=channels)
    check_model_folder(tmp_path, FAMILIES[family])


def unet(output, **values):
    return [(family, "unet", values, output) for family in (SD, XL)]


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
    "another text encoder": unet(["takes texts of 1024 channels", "put out"],
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
    "FLUX.1's other tasks": [(FLUX, "transformer", {"in_channels": 384, "out_channels": 64},
                              ["takes 384 channels", "16 channels, packed 64"]),  # Fill
                             (FLUX, "transformer", {"in_channels": 128, "out_channels": 64},
                              ["takes 128 channels", "another image"])],  # Canny and Depth
    "patches of packed latents": [(FLUX, "transformer", {"patch_size": 2}, ["patch_size: 2"])],
    "FLUX.2": [(FLUX, "transformer", {"_class_name": "Flux2Transformer2DModel"},
                ["class Flux2Transformer2DModel, expected FluxTransformer2DModel"])],
    "inpainting transformer": [(SD3, "transformer", {"in_channels": 33}, ["takes 33"]),
                               (PIXART, "transformer", {"in_channels": 9}, ["as inpainting"]),
                               (DIT, "transformer", {"in_channels": 8}, ["takes 8 channels"])],
    "another transformer": [(f, "transformer", {"_class_name": "FluxTransformer2DModel"},
                             ["class FluxTransformer2DModel, expected"])
                            for f in (SD3, PIXART, DIT)],
    "channels out of a transformer": [(f, "transformer", {"out_channels": 12}, ["puts out 12"])
                                      for f in (SD3, FLUX, PIXART, DIT)],
    "narrow captions": [(PIXART, "transformer", {"caption_channels": 2048}, ["texts of 2048"]),
                        (SD3, "transformer", {"joint_attention_dim": 2048}, ["texts of 2048"]),
                        (SD3, "transformer", {"pooled_projection_dim": 768}, ["pooled text"]),
                        (FLUX, "transformer", {"joint_attention_dim": 2048}, ["texts of 2048"]),
                        (FLUX, "transformer", {"pooled_projection_dim": 1280}, ["pooled text"])],
    "captions of another encoder": [(SD, "text_encoder", {"model_type": "xlm-roberta"},
                                     ["type xlm-roberta, expected clip"]),
                                    (PIXART, "text_encoder", {"model_type": "gemma"}, ["gemma"]),
                                    (FLUX, "text_encoder_2", {"model_type": "umt5"}, ["umt5"])],
    "nonsense": [(SD, "unet", {"cross_attention_dim": {"a": 1}, "in_channels": None}, ["config"]),
                 (XL, "text_encoder", {"hidden_size": "wide"}, ["do not describe a model"])],
}  # fmt: skip


@pytest.mark.parametrize("cases", BAD.values(), ids=BAD)
def test_a_network_that_takes_something_else_is_refused(tmp_path, cases):
    for number, (family, part, values, output) in enumerate(cases):
        folder = save(tmp_path / str(number), family)
        change(folder, part, **values)
        message = refused(check_model_folder, folder, FAMILIES[family])
        assert all(words in message for words in [str(folder), *output]), message


def test_the_command_says_it_before_anything_else(tmp_path, capsys):
    folder = save(tmp_path / "sd", "stable-diffusion")
    change(folder, "unet", in_channels=9)
    arguments = ["none.png", "--model", str(folder), "--prompts", "a", "b"]
    assert main(["classify", *arguments]) == 2
    assert "takes 9 channels" in capsys.readouterr().err
