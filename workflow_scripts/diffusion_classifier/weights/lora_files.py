"""Read LoRA files, and find the layer of the model to which each of their matrices belongs."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from diffusion_classifier.messages import InputError, one_line

from .weight_files import WeightFiles, account_for

if TYPE_CHECKING:
    from torch import Tensor, nn

# the name of a layer's matrix in peft's style, or in the style to which diffusers converts kohya's
_MATRIX = re.compile(
    r"(?P<layer>.+?)(?:\.processor)?"
    r"(?:\.(?P<projection>to_q|to_k|to_v|to_out)_lora|\.lora_linear_layer|\.lora)?"
    r"\.(?P<side>down|up|lora_A|lora_B)\.weight"
)
# the name of one matrix of a pair in any of the formats; `_OTHER` gives the other one
_HALF = re.compile(r"(?<=[._])(?:lora_)?(?P<side>down|up|A|B)(?=(?:\.\w+)?\.weight$)")
_OTHER = {"down": "up", "up": "down", "A": "B", "B": "A"}
_SIDES = {"down": "lora_A", "up": "lora_B", "lora_A": "lora_A", "lora_B": "lora_B"}
_UNET = {"to_q": "to_q", "to_k": "to_k", "to_v": "to_v", "to_out": "to_out.0"}
_CLIP = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


def read_lora(base: Path, file: Path) -> tuple[dict[str, Tensor], dict | None, dict | None]:
    """The LoRA's tensors under diffusers' names, the alphas of its layers, its adapters' settings.

    `base` is the model's folder. Raises InputError if the file is missing, or is no LoRA in
    safetensors that diffusers can read.
    """
    from diffusers import UNet2DConditionModel
    from diffusers.loaders import StableDiffusionLoraLoaderMixin, StableDiffusionXLLoraLoaderMixin
    from safetensors import safe_open

    if not file.is_file():
        raise InputError(f"{file}: found no such file, expected a LoRA's; correct the path")
    _check_pairs(file)
    options: dict[str, Any] = {}
    mixin = StableDiffusionLoraLoaderMixin
    if (base / "text_encoder_2").is_dir():
        mixin = StableDiffusionXLLoraLoaderMixin
        # to convert kohya's names, which number the blocks of SDXL as its authors' code does
        config = UNet2DConditionModel.load_config(base, subfolder="unet")
        options["unet_config"] = SimpleNamespace(**config)
    try:
        with safe_open(file, "pt") as opened:
            magnitudes = any("dora_scale" in key for key in opened.keys())  # noqa: SIM118
        state, alphas, metadata = mixin.lora_state_dict(
            str(file.parent),
            weight_name=file.name,
            use_safetensors=True,  # otherwise it would also read a pickle
            local_files_only=True,
            return_lora_metadata=True,
            **options,
        )
    except Exception as error:  # diffusers tries to convert any file, with errors of any kind
        raise InputError(
            f"{file}: cannot be read as a LoRA ({one_line(error, 200)}), expected a .safetensors "
            "file in the format of diffusers or kohya; convert it, or name another"
        ) from None
    if magnitudes:  # diffusers would ignore the magnitudes
        raise InputError(
            f"{file}: found a DoRA (dora_scale), expected a LoRA; use one without magnitudes"
        )
    if not state or not all("lora" in key for key in state):
        raise InputError(
            f"{file}: found tensors that are no LoRA's, expected names with lora_A and lora_B, or "
            "lora_down and lora_up; name another file"
        )
    return state, alphas, metadata


def _check_pairs(file: Path) -> None:
    """Raise InputError if one matrix of a pair is missing; diffusers would draw it or use zeros."""
    try:
        found = WeightFiles(file, (file,), None).shapes()
    except InputError:  # `read_lora` reports a file that is not in safetensors
        return
    halves = {}
    for name, shape in found.items():
        if match := _HALF.search(name):
            other = f"{name[: match.start('side')]}{_OTHER[match['side']]}{name[match.end() :]}"
            halves |= {name: shape, other: found.get(other, ())}
    present = {name: shape for name, shape in found.items() if name in halves}
    account_for(file, "this LoRA", halves, present, "use a LoRA that is whole")


def check_layers(file: str, model: nn.Module, name: str, state: dict[str, Tensor]) -> None:
    """Raise InputError unless every tensor of the part `name` fits a layer of `model`.

    `state` is the result of `named_as_layers`: matrices A `(r, in)` and B `(out, r)` of a layer
    `(out, in)`; for a convolution, A has the layer's kernel and B one of 1 × 1. `file` begins the
    message.
    """
    modules = dict(model.named_modules())
    needed, found = {}, {key.removeprefix(f"{name}."): value for key, value in state.items()}
    for key in found:
        layer, _, side = key.rpartition(".lora_")
        weight = getattr(modules.get(layer), "weight", None)
        if weight is None or side not in ("A.weight", "B.weight", "B.bias"):
            raise InputError(
                f"{file}: found the tensor {key} of no layer, expected the names and shapes of "
                "the model's layers; use a LoRA made for this model"
            )
        rank, (outputs, *inputs) = found[f"{layer}.lora_A.weight"].shape[0], weight.shape
        needed[f"{layer}.lora_A.weight"] = (rank, *inputs)
        needed[f"{layer}.lora_B.weight"] = (outputs, rank, *[1] * len(inputs[1:]))
        if side == "B.bias":
            needed[key] = (outputs,)
    shapes = {key: tuple(tensor.shape) for key, tensor in found.items()}
    account_for(file, f"{name}/", needed, shapes, "use a LoRA made for this model")


def named_as_layers(
    model: nn.Module, name: str, state: dict[str, Tensor], alphas: dict[str, float] | None
) -> dict[str, Tensor]:
    """The matrices of the part `name` under their layers' names, with B multiplied by α/r.

    This is done here because diffusers ignores without a warning an α that differs from that of
    most layers, and a text encoder's attention if the LoRA does not change its output projection.
    Raises ValueError if an α belongs to no layer.
    """
    projections = _UNET if name == "unet" else _CLIP
    unused = {key: alpha for key, alpha in (alphas or {}).items() if key.startswith(f"{name}.")}
    named = {}
    for key, tensor in state.items():
        if not key.startswith(f"{name}."):
            continue
        match = _MATRIX.fullmatch(key)
        if match is None:
            named[key] = tensor
            continue
        layer, side = match["layer"], _SIDES[match["side"]]
        if match["projection"]:
            layer += f".{projections[match['projection']]}"
        if not hasattr(model, "text_model"):  # transformers 5 has no such level in a text encoder
            layer = layer.replace(f"{name}.text_model.", f"{name}.")
        if side == "lora_B":
            # diffusers names an α after the layer or, in attention, after the matrix A
            names = f"{key.replace('.up.', '.down.')}.alpha", f"{key.split('.lora.')[0]}.alpha"
            alpha = next((unused.pop(each) for each in names if each in unused), tensor.shape[1])
            tensor = tensor * (alpha / tensor.shape[1])
        named[f"{layer}.{side}.weight"] = tensor
    if unused:
        raise ValueError(f"{min(unused)} belongs to no layer")
    return named
