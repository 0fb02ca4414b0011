"""Merge LoRA weights into a Stable Diffusion: W + scale · α/r · B A (Hu et al. 2021, section 4).

The result is a folder like that of any other model, so no later step needs to know about LoRA.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from diffusion_classifier.files import atomic_folder, read_json, write_json
from diffusion_classifier.messages import InputError, one_line

from .hub import link
from .lora_files import check_layers, named_as_layers, read_lora
from .networks import load_network
from .weight_files import STEMS, find_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

_RECORDS = ("hub.json", "lora.json")  # describe the base, so they are not copied to the result


def merge_lora(
    base: str | os.PathLike,
    lora_file: str | os.PathLike,
    scale: float,
    folder: str | os.PathLike,
) -> None:
    """Merge a LoRA into the Stable Diffusion in `base` at `scale`; write `folder` atomically.

    `base` needs unet/ and, if the LoRA changes them, text_encoder/ and (SDXL) text_encoder_2/.
    `lora_file` is a file for diffusers' `load_lora_weights`, with diffusers' or kohya's names. The
    sum is computed in float32 and stored in the base's dtype. Unchanged files are linked.
    `lora.json` records the base, the LoRA and the number of changed layers.

    Raises InputError if the file is missing or is no LoRA in safetensors, or if one of its layers
    does not exist in the base or has another shape there.
    """
    base, lora_file = Path(base), Path(lora_file)
    models = {name: kind for name, kind in _models().items() if (base / name).is_dir()}
    if "unet" not in models:
        raise InputError(f"{base}: found no unet/, expected a Stable Diffusion; name its folder")
    weights = read_lora(base, lora_file)
    foreign = [key for key in weights[0] if key.split(".")[0] not in models]
    if foreign:
        raise InputError(
            f"{lora_file}: found the layer {foreign[0]} and {len(foreign) - 1} others for no part "
            f"of {base}, expected those of {', '.join(models)}; use a LoRA made for this model"
        )
    layers = {}
    with atomic_folder(folder) as temporary:
        for name, kind in models.items():
            if any(key.startswith(f"{name}.") for key in weights[0]):
                model, dtype = load_network(kind, base, name), _dtype(base / name)
                fit = f"{lora_file}: does not fit {name}/ of {base}"
                with _fitting(fit):
                    layers[name] = _merge(model, name, weights, scale, fit)
                _save(model if dtype == torch.float32 else model.to(dtype), temporary / name)
        _link_others(base, temporary, layers)
        write_json(_record(base, lora_file, scale, layers), temporary / "lora.json")


def _models() -> dict[str, Any]:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    return {
        "unet": UNet2DConditionModel,
        "text_encoder": CLIPTextModel,
        "text_encoder_2": CLIPTextModelWithProjection,
    }


@contextmanager
def _fitting(fit: str) -> Iterator[None]:
    """Raise InputError, beginning with `fit`, for any error in the block; silence the libraries."""
    logging.disable(logging.ERROR)
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(
            f"{fit} ({one_line(error, 200)}), expected the names and shapes of the model's "
            "layers; use a LoRA made for this model"
        ) from None
    finally:
        logging.disable(logging.NOTSET)


def _merge(
    model: nn.Module,
    name: str,
    weights: tuple[dict[str, Tensor], dict | None, dict | None],
    scale: float,
    fit: str,
) -> int:
    """Add the LoRA's part `name` to the weights of `model` in place; return the changed layers.

    Raises InputError, beginning with `fit`, or ValueError unless every matrix belongs to a layer.
    """
    from diffusers.loaders import StableDiffusionLoraLoaderMixin as Loader
    from diffusers.utils import recurse_remove_peft_layers
    from peft.tuners.lora import LoraLayer

    state, alphas, metadata = weights
    if not any(key.startswith(f"{name}.") for key in metadata or ()):
        metadata = None  # diffusers would apply an empty one, too
    state = named_as_layers(model, name, state, alphas)
    check_layers(fit, model, name, state)
    if name == "unet":
        Loader.load_lora_into_unet(state, None, model, metadata=metadata)
    else:
        Loader.load_lora_into_text_encoder(state, None, model, prefix=name, metadata=metadata)
    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    expected = [key for key, up in state.items() if key.endswith(".lora_B.weight") and up.any()]
    # peft sets B to zero in layers that the file does not have: these change nothing
    changed = [layer for layer in layers if any(up.weight.any() for up in layer.lora_B.values())]
    if not layers or len(changed) != len(expected):
        raise ValueError(f"{len(changed)} of its {len(expected)} layers are layers of the model")
    for layer in layers:
        layer.scale_layer(scale)
        layer.merge(safe_merge=True)  # refuses weights that are not finite
    recurse_remove_peft_layers(model)
    del model.peft_config
    model._hf_peft_config_loaded = False  # otherwise it would save only its adapters
    return len(changed)


def _save(model: Any, folder: Path) -> None:
    """Write only the model's weights; its config stays that of the base."""
    model.save_pretrained(folder, safe_serialization=True)
    for path in folder.iterdir():
        if not (path.name.endswith(".safetensors") or ".index." in path.name):
            path.unlink()


def _link_others(base: Path, folder: Path, merged: dict[str, int]) -> None:
    """Link the files of `base` into `folder`, except the weights of the `merged` parts."""

    def ignored(directory: str, names: list[str]) -> set[str]:
        within = Path(directory).relative_to(base).as_posix()
        if within == ".":
            return {name for name in names if name in _RECORDS or name.startswith(".")}
        weights = (".safetensors", ".bin")
        if within not in merged:
            return set()
        return {name for name in names if name.endswith(weights) or ".index." in name}

    shutil.copytree(base, folder, copy_function=link, ignore=ignored, dirs_exist_ok=True)


def _dtype(folder: Path) -> torch.dtype:
    """The floating-point type in which a model's weights are stored."""
    from safetensors import safe_open

    stems = [stem for library in STEMS.values() for stem in library]
    with safe_open(find_weights(folder, stems).files[0], "pt") as file:
        dtypes = (file.get_tensor(name).dtype for name in file.keys())  # noqa: SIM118 (no mapping)
        return next((dtype for dtype in dtypes if dtype.is_floating_point), torch.float32)


def _record(base: Path, file: Path, scale: float, layers: dict[str, int]) -> dict[str, Any]:
    with open(file, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    of_base = {name: read_json(base / name) for name in _RECORDS if (base / name).is_file()}
    return {
        "lora": file.name,
        "sha256": digest,
        "scale": scale,
        "layers": layers,
        "base": of_base,
    }
