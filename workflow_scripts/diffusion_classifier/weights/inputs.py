"""Check from a network's config that the classifier has all inputs that the network takes.

The classifier has noised latents, a timestep and the encoded prompts. It has no second image, mask,
depth map, noise level or guidance scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

from .family import Family
from .reading import read_config

SUPPORTED = (
    "supported are models whose only condition is a text (Stable Diffusion 1 to 3.5 and XL, "
    "PixArt) or a class (DiT)"
)

# the earlier name in diffusers of the networks of DiT and PixArt; their `norm_type` differs
_OLD_CLASS = "Transformer2DModel"

# key of a UNet's config -> its value in a supported model, and the input that other values require
_CONDITIONS = {
    "class_embed_type": (None, "a class, a noise level or an image's embedding beside the text"),
    "num_class_embeds": (None, "a class or a noise level beside the text, as upscalers do"),
    "time_cond_proj_dim": (None, "the scale of guidance, as models distilled for it do (LCM)"),
    "dual_cross_attention": (False, "an image's embedding beside the text"),
    "attention_type": ("default", "boxes or other places beside the text, as GLIGEN does"),
}
_IMAGE_PROJECTIONS = ("text_image_proj", "image_proj", "ip_image_proj")
SIZES = 6
"""Numbers in SDXL's micro-conditioning: two each for original size, crop corner and target size."""


def check_inputs(folder: Path, family: Family) -> None:
    """Raise InputError unless the classifier has all inputs of the network of a `family` model.

    Checks the network's class, its input and output channels, its further conditions, and whether
    the widths of its texts are those of the text encoders in `folder`. Missing parts are not
    compared; only configs are read.
    """
    part = family.part
    config = read_config(folder, part)
    where = folder / part / "config.json"
    _check_class(where, config, family)
    _check_channels(folder, where, config, family)
    if part == "unet" and not family.class_conditional:
        _check_conditions(where, config)
    family.check(folder, where, config)


def _check_class(where: Path, config: dict[str, Any], family: Family) -> None:
    found = config.get("_class_name")
    if found == _OLD_CLASS and config.get("norm_type") == family.old_norm:
        return
    if found is not None and found != family.network:
        raise InputError(
            f"{where}: found a network of the class {found}, expected {family.network}, that of "
            f"the family {family.name}; choose another model, or name its own family ({SUPPORTED})"
        )


def _check_channels(folder: Path, where: Path, config: dict[str, Any], family: Family) -> None:
    """The network takes only the latents; its output has as many channels, or twice as many."""
    taken = config.get("in_channels", family.channels)
    latents = latent_channels(folder)
    if latents is None:
        if taken not in (1, 3):  # not pixels: `check_vae` reports that the VAE is missing
            return
        latents = taken
    if taken != latents:
        _refuse(where, f"takes {taken} channels{_purpose(taken, latents)}", latents)
    default = 4 if family.part == "unet" else taken
    out = config.get("out_channels", default)
    out = taken if out is None else out
    allowed = (latents, 2 * latents) if family.learned_variance else (latents,)
    if out not in allowed:
        _refuse(where, f"puts out {out} channels", latents)


def latent_channels(folder: Path) -> int | None:
    """Number of channels of the latents of the VAE in `folder`; None without a VAE."""
    if not (folder / "vae").is_dir():
        return None
    vae = read_config(folder, "vae")
    found = vae.get("_class_name", "AutoencoderKL")
    if found != "AutoencoderKL":
        raise InputError(
            f"{folder / 'vae' / 'config.json'}: found a VAE of the class {found}, expected "
            "AutoencoderKL; choose a model with one"
        )
    return vae.get("latent_channels", 4)


def _purpose(taken: int, latents: int) -> str:
    """The inputs for which known networks have this number of channels, in brackets."""
    kinds = {
        2 * latents + 1: "the latents, those of a masked image and a mask, as inpainting does",
        2 * latents: "the latents and those of another image, as InstructPix2Pix does",
        latents + 1: "the latents and a depth map",
        latents + 3: "the latents and a small image, as upscalers do",
    }
    return f" ({kinds[taken]})" if taken in kinds else ""


def _check_conditions(where: Path, config: dict[str, Any]) -> None:
    for key, (usual, wanted) in _CONDITIONS.items():
        if config.get(key, usual) not in (usual, None):
            _refuse(where, f"takes {wanted} ({key}: {config[key]})")
    projection = config.get("encoder_hid_dim_type")
    if projection in _IMAGE_PROJECTIONS:
        _refuse(where, f"takes an image's embedding (encoder_hid_dim_type: {projection})")
    added = config.get("addition_embed_type")
    if added not in (None, "text_time"):
        _refuse(where, f"takes more than the text (addition_embed_type: {added})")


def check_stable_diffusion(folder: Path, where: Path, config: dict[str, Any]) -> None:
    """Raise InputError unless the UNet takes only a text, of the text encoder's width."""
    if config.get("addition_embed_type") == "text_time":
        _refuse(where, "takes sizes beside the text, as the family stable-diffusion-xl does")
    _check_width(where, _unet_widths(config), [_width(folder, "text_encoder")])


def check_stable_diffusion_xl(folder: Path, where: Path, config: dict[str, Any]) -> None:
    """Raise InputError unless the UNet takes sizes, and both encoders' texts side by side."""
    if config.get("addition_embed_type") is None:
        _refuse(where, "takes no sizes beside the text, unlike the family stable-diffusion-xl")
    _check_sizes(folder, where, config)
    both = [_width(folder, "text_encoder"), _width(folder, "text_encoder_2")]
    _check_width(where, _unet_widths(config), both)


def check_pixart(folder: Path, where: Path, config: dict[str, Any]) -> None:
    """Raise InputError unless the text has the width that the transformer takes."""
    caption = config.get("caption_channels") or config.get("cross_attention_dim", 1152)
    _check_width(where, {caption}, [_width(folder, "text_encoder")])


def check_stable_diffusion_3(folder: Path, where: Path, config: dict[str, Any]) -> None:
    """Raise InputError unless T5's text and both CLIPs' pooled texts have the widths it takes."""
    taken = {config.get("joint_attention_dim", 4096)}
    _check_width(where, taken, [_width(folder, "text_encoder_3")])
    pooled = [_projection(folder, part) for part in ("text_encoder", "text_encoder_2")]
    taken = {config.get("pooled_projection_dim", 2048)}
    _check_width(where, taken, pooled, "pooled text embeddings")


def _check_width(
    where: Path, taken: set[int], widths: Sequence[int | None], what: str = "texts"
) -> None:
    """Compare the widths that the network takes with those of the text encoders side by side.

    A text encoder that is missing has the width None; then nothing is compared.
    """
    if None in widths or taken == {sum(widths)}:
        return
    wanted = " or ".join(map(str, sorted(taken)))
    found = " + ".join(map(str, widths))
    raise InputError(
        f"{where}: found a network that takes {what} of {wanted} channels, but the model's text "
        f"encoders put out {found}, expected the same; choose a whole model whose parts belong "
        f"together ({SUPPORTED})"
    )


def _unet_widths(config: dict[str, Any]) -> set[int]:
    """Channels of the texts that a UNet's blocks take, before the UNet's own projection if any."""
    if config.get("encoder_hid_dim") is not None:
        return {config["encoder_hid_dim"]}
    widths = config.get("cross_attention_dim", 1280)
    if isinstance(widths, int):
        return {widths}
    blocks = config.get("down_block_types", ["CrossAttn"] * len(widths))
    return {width for width, block in zip(widths, blocks, strict=False) if "CrossAttn" in block}


def _check_sizes(folder: Path, where: Path, config: dict[str, Any]) -> None:
    """SDXL's UNet embeds the pooled text and SIZES numbers; a refiner's also takes a score."""
    pooled = _projection(folder, "text_encoder_2")
    channels = config.get("addition_time_embed_dim") or 0
    found = config.get("projection_class_embeddings_input_dim")
    if pooled is not None and (not channels or found != pooled + SIZES * channels):
        raise InputError(
            f"{where}: found a UNet whose projection_class_embeddings_input_dim is {found}, "
            f"expected {pooled + SIZES * channels}: the pooled text's {pooled} and {SIZES} sizes "
            f"of {channels} channels; choose an SDXL base model, not a refiner or another family's"
        )


def _width(folder: Path, part: str) -> int | None:
    """Channels of a text encoder's hidden states; None if it is missing."""
    config = _text_config(folder, part)
    return config and config.get("hidden_size", config.get("d_model", 512))


def _projection(folder: Path, part: str) -> int | None:
    """Channels of a CLIP's text embeddings; None if it is missing."""
    config = _text_config(folder, part)
    return config and config.get("projection_dim", 512)


def _text_config(folder: Path, part: str) -> dict[str, Any] | None:
    if not (folder / part).is_dir():
        return None
    config = read_config(folder, part)
    return config | (config.get("text_config") or {})  # of a whole CLIP


def _refuse(where: Path, takes: str, latents: int | None = None) -> None:
    have = f"the model's latents have {latents} channels" if latents else "the classifier has none"
    raise InputError(
        f"{where}: found a network that {takes}, but {have}, expected one that takes noised "
        f"latents, a timestep and the prompt alone; choose another model ({SUPPORTED})"
    )
