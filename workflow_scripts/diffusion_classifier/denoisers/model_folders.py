"""Read family, image size and timesteps from a model's folder in the diffusers layout."""

from __future__ import annotations

from pathlib import Path

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.family import Family
from diffusion_classifier.weights.model_parts import refuse_single_part
from diffusion_classifier.weights.reading import read_config as _config

from .families import FAMILIES

_MODES = {1: "L", 3: "RGB"}


def detect_family(folder: str) -> str:
    """The family of the model in `folder`, from its model_index.json or else its subfolders.

    Without an index, unet/ with text_encoder/ means Stable Diffusion (with text_encoder_2/ too
    Stable Diffusion XL), and the class in transformer/config.json names the other families. Raises
    InputError if the folder does not exist, or has no model or one of an unknown family.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"{folder}: found no such folder, expected a model's; correct the path")
    pipeline = None
    if (root / "model_index.json").is_file():
        pipeline = str(_config(root, ".", "model_index.json").get("_class_name"))
        families = [one for one in FAMILIES.values() if pipeline.startswith(one.pipeline)]
        if families:  # `StableDiffusionXL…` starts with `StableDiffusion`, too
            return max(families, key=lambda one: len(one.pipeline)).name
    # a pipeline of another name may have known parts; their configs are checked later
    if (root / "unet").is_dir() and (root / "text_encoder").is_dir():
        unets = [one for one in FAMILIES.values() if one.part == "unet"]
        families = [one for one in unets if _has_texts(root, one)]
        return max(families, key=lambda one: len(one.text_encoders)).name
    if (root / "transformer").is_dir():
        name = str(_config(root, "transformer").get("_class_name"))
        families = [one.name for one in FAMILIES.values() if one.network == name]
        return families[0] if families else _unknown(folder, name)
    if pipeline is not None:
        _unknown(folder, pipeline)
    refuse_single_part(root)
    raise InputError(
        f"{folder}: found neither model_index.json nor unet/ with text_encoder/ nor transformer/, "
        "expected a diffusion model in the diffusers layout; choose its folder"
    )


def input_form(folder: str, family: str) -> tuple[int | None, str, int]:
    """The model's images: edge in pixels (None if unknown), mode, and a divisor of the edge.

    The edge is the denoiser's `sample_size` times the VAE's downsampling factor, as the VAE's
    `sample_size` often differs (768 in Stable Diffusion 2's base of 512). Raises InputError for a
    folder that is no model of `family`.
    """
    root = Path(folder)
    part = FAMILIES[family].part
    denoiser = _config(root, part)
    scale, channels = 1, denoiser.get("in_channels")
    if (root / "vae").is_dir():
        scale, channels = vae_scale_factor(folder), _config(root, "vae").get("in_channels")
    if channels not in _MODES:
        raise InputError(
            f"{folder}: found a model of images with {channels} channels, expected 1 (greyscale) "
            "or 3 (RGB); choose another model"
        )
    size = denoiser.get("sample_size")
    if isinstance(size, list) and len(set(size)) == 1:
        size = size[0]
    edge = size * scale if isinstance(size, int) else None
    patch = denoiser.get("patch_size") if part == "transformer" else None
    return edge, _MODES[channels], scale * (patch or 1) * FAMILIES[family].packed


def input_size(
    folder: str, family: str, size: int | None, key: str, remedy: str
) -> tuple[int, str]:
    """The edge of the model's images in pixels, `size` if it is given, and their mode.

    Raises InputError, which begins with `key`, for a size that is not known (`remedy` says what to
    do) or that the model cannot take, and as `input_form`.
    """
    edge, mode, multiple = input_form(folder, family)
    size = size or edge
    if size is None:
        raise InputError(f"{key}the model's folder does not say it; {remedy}")
    if size % multiple:
        raise InputError(
            f"{key}found {size}, expected a multiple of {multiple}, as the model works on patches "
            "of so many pixels; change it"
        )
    return size, mode


def vae_scale_factor(folder: str) -> int:
    """Pixels per latent along an edge, from the VAE in `folder`; 8 without a VAE."""
    if not (Path(folder) / "vae" / "config.json").is_file():
        return 8
    return 2 ** (len(_config(Path(folder), "vae").get("block_out_channels", [0])) - 1)


def train_timesteps(folder: str) -> int:
    """T, the number of timesteps of the model's training."""
    config = _config(Path(folder), "scheduler", "scheduler_config.json")
    return int(config.get("num_train_timesteps", 1000))


def class_count(folder: str, family: str) -> int | None:
    """The number of classes of a class-conditional model; None for a model that reads text."""
    if not FAMILIES[family].class_conditional:
        return None
    return _config(Path(folder), "transformer").get("num_embeds_ada_norm")


def _has_texts(root: Path, family: Family) -> bool:
    return all((root / f"text_encoder{suffix}").is_dir() for suffix in family.text_encoders)


def _unknown(folder: str, name: str) -> str:
    raise InputError(
        f"{folder}: found the class {name!r}, expected one of the families {', '.join(FAMILIES)}; "
        "choose another model, or name its family"
    )
