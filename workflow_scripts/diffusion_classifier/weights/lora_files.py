"""LoRA files: what is in them, and which layer of a model each of their matrices is for."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from diffusion_classifier.messages import InputError

from .stored import Stored
from .tensors import account_for, stored_shapes

if TYPE_CHECKING:
    from torch import Tensor, nn

# a matrix of a layer, in peft's names or in those that diffusers gives to kohya's
_MATRIX = re.compile(
    r"(?P<layer>.+?)(?:\.processor)?"
    r"(?:\.(?P<projection>to_q|to_k|to_v|to_out)_lora|\.lora_linear_layer|\.lora)?"
    r"\.(?P<side>down|up|lora_A|lora_B)\.weight"
)
# one half of a pair in any of the formats, and the other half
_HALF = re.compile(r"(?<=[._])(?:lora_)?(?P<side>down|up|A|B)(?=(?:\.\w+)?\.weight$)")
_OTHER = {"down": "up", "up": "down", "A": "B", "B": "A"}
_SIDES = {"down": "lora_A", "up": "lora_B", "lora_A": "lora_A", "lora_B": "lora_B"}
_UNET = {"to_q": "to_q", "to_k": "to_k", "to_v": "to_v", "to_out": "to_out.0"}
_CLIP = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


def read_lora(base: Path, file: Path) -> tuple[dict[str, Tensor], dict | None, dict | None]:
    """The LoRA's tensors under diffusers' names, its alphas per layer, its adapters' settings.

    `base` is the model's folder. Raises InputError if the file is missing, or no LoRA that
    diffusers can read from safetensors.
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
        # kohya numbers the blocks of an XL as its authors' code does
        config = UNet2DConditionModel.load_config(base, subfolder="unet")
        options["unet_config"] = SimpleNamespace(**config)
    try:
        with safe_open(file, "pt") as opened:
            magnitudes = any("dora_scale" in key for key in opened.keys())  # noqa: SIM118
        state, alphas, metadata = mixin.lora_state_dict(
            str(file.parent),
            weight_name=file.name,
            use_safetensors=True,  # and never a pickle in its place
            local_files_only=True,
            return_lora_metadata=True,
            **options,
        )
    except Exception as error:  # of any kind: whatever the file is, diffusers tries to convert it
        raise InputError(
            f"{file}: cannot be read as a LoRA ({one_line(error)}), expected a .safetensors file "
            "in the format of diffusers or kohya; convert it, or name another"
        ) from None
    if magnitudes:  # diffusers would leave the magnitudes out and go on
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
    """Raise InputError if a matrix lacks its other half, which would be drawn or taken for zero."""
    try:
        found = stored_shapes(Stored(file, (file,), None))
    except InputError:  # no safetensors: said by who reads it
        return
    halves = {}
    for name, shape in found.items():
        if match := _HALF.search(name):
            other = f"{name[: match.start('side')]}{_OTHER[match['side']]}{name[match.end() :]}"
            halves |= {name: shape, other: found.get(other, ())}
    own = {name: shape for name, shape in found.items() if name in halves}
    account_for(file, "this LoRA", halves, own, "use a LoRA that is whole")


def check_layers(file: str, model: nn.Module, name: str, state: dict[str, Tensor]) -> None:
    """Raise InputError unless every tensor of the part `name` fits a layer of `model`.

    `state` is what `named_as_layers` returned: matrices A `(r, in)` and B `(out, r)` of a layer
    `(out, in)`, of a convolution with its kernel and of 1 by 1. `file` begins the message.
    """
    modules = dict(model.named_modules())
    needed, found = {}, {key.removeprefix(f"{name}."): value for key, value in state.items()}
    for key in found:
        layer, _, side = key.rpartition(".lora_")
        weight = getattr(modules.get(layer), "weight", None)
        if weight is None or side not in ("A.weight", "B.weight", "B.bias"):
            raise InputError(
                f"{file}: found the tensor {key} of no layer, expected layers of its names and "
                "shapes; use a LoRA made for this model"
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
    """The matrices of the part `name` under their layers' names, α/r multiplied into B.

    diffusers would do so itself, but leaves out, in silence, an α that is not that of most layers,
    and the attention of a text encoder whose output projection the LoRA does not change. Raises
    ValueError if there is an α of no layer.
    """
    projections = _UNET if name == "unet" else _CLIP
    left = {key: alpha for key, alpha in (alphas or {}).items() if key.startswith(f"{name}.")}
    named = {}
    for key, tensor in state.items():
        if not key.startswith(f"{name}."):
            continue
        found = _MATRIX.fullmatch(key)
        if found is None:
            named[key] = tensor
            continue
        layer, side = found["layer"], _SIDES[found["side"]]
        if found["projection"]:
            layer += f".{projections[found['projection']]}"
        if not hasattr(model, "text_model"):  # as transformers 5 calls a text encoder's layers
            layer = layer.replace(f"{name}.text_model.", f"{name}.")
        if side == "lora_B":
            # diffusers calls the alpha after the layer or, in attention, after the other matrix
            written = f"{key.replace('.up.', '.down.')}.alpha", f"{key.split('.lora.')[0]}.alpha"
            alpha = next((left.pop(each) for each in written if each in left), tensor.shape[1])
            tensor = tensor * (alpha / tensor.shape[1])
        named[f"{layer}.{side}.weight"] = tensor
    if left:
        raise ValueError(f"{min(left)} belongs to no layer")
    return named


def one_line(error: Exception) -> str:
    """The error's first words, on one line and without the home it may name."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.replace(str(Path.home()), "~")[:200]
