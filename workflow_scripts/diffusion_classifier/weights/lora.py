"""LoRA weights merged into a Stable Diffusion: W + scale · α/r · B A (Hu et al. 2021, section 4).

What comes out is a folder like any other model's, so nothing downstream knows of LoRA.
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
from diffusion_classifier.messages import InputError

from .hub import link
from .lora_files import check_layers, named_as_layers, one_line, read_lora
from .networks import load_network
from .stored import STEMS, find_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

_RECORDS = ("hub.json", "lora.json")  # what is said of the base is not true of the merged model


def merge_lora(
    base: str | os.PathLike,
    lora_file: str | os.PathLike,
    scale: float,
    folder: str | os.PathLike,
) -> None:
    """Write the Stable Diffusion in `base`, a LoRA merged in at `scale`, to `folder`, atomically.

    `base` needs unet/ and, where the LoRA has a part for them, text_encoder/ and (XL)
    text_encoder_2/; `lora_file` is what diffusers' `load_lora_weights` takes, in its own or
    kohya's names. The sum is taken in float32 and kept in the base's dtype. Files that stay the
    same are linked; `lora.json` says what was merged into what.

    Raises InputError if the file is missing or no LoRA in safetensors, or any layer of it is not
    one of the base, or of another shape.
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
    """Say in one line, which `fit` begins, that the LoRA does not; without the libraries' own."""
    logging.disable(logging.ERROR)
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(
            f"{fit} ({one_line(error)}), expected layers of its names and shapes; use a LoRA made "
            "for this model"
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
    """Add the LoRA's part `name` to the weights of `model`, in place; how many layers it changes.

    Raises InputError, which `fit` begins, or ValueError unless every matrix has found its layer.
    """
    from diffusers.loaders import StableDiffusionLoraLoaderMixin as Loader
    from diffusers.utils import recurse_remove_peft_layers
    from peft.tuners.lora import LoraLayer

    state, alphas, metadata = weights
    if not any(key.startswith(f"{name}.") for key in metadata or ()):
        metadata = None  # diffusers would take an empty one for a description
    state = named_as_layers(model, name, state, alphas)
    check_layers(fit, model, name, state)
    if name == "unet":
        Loader.load_lora_into_unet(state, None, model, metadata=metadata)
    else:
        Loader.load_lora_into_text_encoder(state, None, model, prefix=name, metadata=metadata)
    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    expected = [key for key, up in state.items() if key.endswith(".lora_B.weight") and up.any()]
    # peft gives B of layers that the file does not speak of the value zero: these change nothing
    changed = [layer for layer in layers if any(up.weight.any() for up in layer.lora_B.values())]
    if not layers or len(changed) != len(expected):
        raise ValueError(f"{len(changed)} of its {len(expected)} layers are layers of the model")
    for layer in layers:
        layer.scale_layer(scale)
        layer.merge(safe_merge=True)  # refuses what is not finite
    recurse_remove_peft_layers(model)
    del model.peft_config
    model._hf_peft_config_loaded = False  # or else it would save its adapters alone
    return len(changed)


def _save(model: Any, folder: Path) -> None:
    """The model's weights alone; its config stays that of the base."""
    model.save_pretrained(folder, safe_serialization=True)
    for path in folder.iterdir():
        if not (path.name.endswith(".safetensors") or ".index." in path.name):
            path.unlink()


def _link_others(base: Path, folder: Path, merged: dict[str, int]) -> None:
    """Link everything in `base` but the weights of the parts `merged` into `folder`."""

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
    """The floating-point type a model's weights are stored in."""
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
