"""Check that a folder holds a whole model: all parts that it needs, and the weights of each."""

from __future__ import annotations

import os
from pathlib import Path

from diffusion_classifier.messages import InputError

from .conventions import check_conventions
from .family import CLIP, T5, Family
from .inputs import check_inputs
from .reading import read_config
from .weight_files import STEMS, find_weights

INDEX = "model_index.json"
OPEN_CLIP_CONFIG = "open_clip_config.json"
OPEN_CLIP_STEMS = ("open_clip_model", "open_clip_pytorch_model")
"""The beginning of the names of open_clip's weights; the second is that of a converted .bin."""

# each of these sets of files is a complete tokenizer
_TOKENIZERS = {
    CLIP: (("tokenizer.json",), ("vocab.json", "merges.txt")),
    T5: (("tokenizer.json",), ("spiece.model",)),
}


def check_model_folder(folder: str | os.PathLike, family: Family) -> None:
    """Raise InputError unless `folder` holds a whole model of `family` that can be evaluated.

    The network must take the inputs that the classifier has (see `inputs`), the network, scheduler,
    VAE, text encoders and tokenizers must be present, and the workflow must follow the model's
    conventions (see `conventions`). Only configs are read, which takes milliseconds.
    """
    refuse_single_part(Path(folder))
    check_denoiser(folder, family)
    check_vae(folder)
    check_text_encoders(folder, family)


def check_denoiser(folder: str | os.PathLike, family: Family) -> None:
    """Raise InputError unless the network and its scheduler are present and can be used."""
    folder, part = Path(folder), family.part
    try:
        check_inputs(folder, family)
        find_weights(folder / part, STEMS["diffusers"])
        _require(folder / "scheduler", "the schedule of its noise", (("scheduler_config.json",),))
        check_conventions(folder, family)
    except (TypeError, AttributeError) as error:  # a value of another type than it should be
        raise InputError(
            f"{folder}: found configs that do not describe a model of the family {family.name} "
            f"({error}), expected those that diffusers writes; fetch them again"
        ) from None


def check_vae(folder: str | os.PathLike) -> None:
    """Raise InputError unless the VAE is present, or the model works on pixels and needs none."""
    folder = Path(folder)
    if (folder / "vae").is_dir():
        read_config(folder, "vae")
        find_weights(folder / "vae", STEMS["diffusers"])
        return
    part = "unet" if (folder / "unet").is_dir() else "transformer"
    channels = read_config(folder, part).get("in_channels", 4)
    if _has_part(folder, "vae") or channels not in (1, 3):
        raise InputError(
            f"{folder}: found no vae/, expected the VAE that makes latents of images, as {part}/ "
            f"takes {channels} channels; add it, or choose a whole model"
        )


def check_text_encoders(folder: str | os.PathLike, family: Family) -> None:
    """Raise InputError unless the text encoders and tokenizers of `family` are present.

    An optional text encoder is required only if the model has its folder or its index names it.
    """
    folder = Path(folder)
    for suffix, kinds in family.text_encoders.items():
        if suffix not in family.optional or _has_part(folder, f"text_encoder{suffix}"):
            _check_text_encoder(folder, suffix, kinds)


def check_clip_folder(folder: str | os.PathLike) -> None:
    """Raise InputError unless `folder` holds a CLIP, in transformers' or open_clip's layout."""
    folder = Path(folder)
    if in_open_clips_layout(folder):
        find_weights(folder, OPEN_CLIP_STEMS)
        return
    found = read_config(folder, ".").get("model_type", "clip")
    if found != "clip":
        raise InputError(
            f"{folder / 'config.json'}: found a model of the type {found}, expected clip, with "
            "both of its towers; choose another folder"
        )
    find_weights(folder, STEMS["transformers"])
    _require(folder, "a tokenizer", _TOKENIZERS[CLIP])
    preprocessing = (("preprocessor_config.json",), ("processor_config.json",))
    _require(folder, "how images are preprocessed", preprocessing)


def check_classifier_folder(folder: str | os.PathLike) -> None:
    """Raise InputError unless `folder` holds the config and the weights of a classifier."""
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: found no config.json, expected an ImageNet network of timm or torchvision "
            "as config.json and model.safetensors; complete the folder or choose another"
        )
    find_weights(folder, STEMS["transformers"])


def in_open_clips_layout(folder: str | os.PathLike) -> bool:
    """Whether open_clip reads `folder`; it is preferred if transformers could read it, too.

    It does not if a repository with both layouts was fetched with transformers' weights alone.
    """
    folder = Path(folder)
    if not (folder / OPEN_CLIP_CONFIG).is_file():
        return False
    if any(path.name.startswith(OPEN_CLIP_STEMS) for path in folder.glob("*.safetensors*")):
        return True
    other = folder / "config.json"  # of transformers, or of timm for the image tower alone
    return not other.is_file() or "model_type" not in read_config(folder, ".")


def refuse_single_part(folder: Path) -> None:
    """Raise InputError for a single part of a model: a ControlNet, a UNet, a LoRA or one file."""
    if any((folder / name).exists() for name in ("unet", "transformer", INDEX)):
        return
    names = sorted(path.name for path in folder.glob("*"))
    if "config.json" in names:
        config = read_config(folder, ".")
        found = f"a {config.get('_class_name') or config.get('model_type') or 'network'} alone"
    else:
        files = [name for name in names if name.endswith((".safetensors", ".ckpt"))]
        if names and not files:
            return  # other parts of a model: later checks name what is missing
        found = f"the file {files[0]} alone" if files else "an empty folder"
    raise InputError(
        f"{folder}: found {found}, expected a whole model in the diffusers layout (unet/ or "
        "transformer/, scheduler/ and its other parts); name the folder of a whole model"
    )


def _has_part(folder: Path, part: str) -> bool:
    """Whether a model has the folder of a part, or its index names the part."""
    if (folder / part).is_dir():
        return True
    index = read_config(folder, ".", INDEX) if (folder / INDEX).is_file() else {}
    value = index.get(part)
    return isinstance(value, list) and all(value)


def _check_text_encoder(folder: Path, suffix: str, kinds: tuple[str, ...]) -> None:
    part = f"text_encoder{suffix}"
    found = read_config(folder, part).get("model_type", kinds[0])
    if found not in kinds:
        raise InputError(
            f"{folder / part / 'config.json'}: found a text encoder of the type {found}, expected "
            f"{kinds[0]}; choose another model, or name its own family"
        )
    find_weights(folder / part, STEMS["transformers"])
    _require(folder / f"tokenizer{suffix}", f"the tokenizer of {part}/", _TOKENIZERS[kinds])


def _require(folder: Path, what: str, choices: tuple[tuple[str, ...], ...]) -> None:
    """Raise InputError unless `folder` holds all files of one of the `choices`."""
    if any(all((folder / name).is_file() for name in names) for names in choices):
        return
    expected = ", or ".join(" and ".join(names) for names in choices)
    found = "no such folder" if not folder.is_dir() else f"no {choices[0][0]}"
    raise InputError(
        f"{folder}: found {found}, expected {what} ({expected}); add it, or choose a whole model"
    )
