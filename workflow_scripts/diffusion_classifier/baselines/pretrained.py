"""ImageNet classifiers that others have trained, as published by timm or torchvision.

The paper compares class-conditional models with torchvision's ResNet-18, -34, -50 and -101,
ViT-L/32, -L/16 and -B/16, trained on ImageNet-1k.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion_classifier.data.prompt_sets import CONDITION
from diffusion_classifier.files import read_json, read_tensors
from diffusion_classifier.messages import InputError
from diffusion_classifier.progress import Progress
from diffusion_classifier.weights.model_parts import check_classifier_folder
from diffusion_classifier.weights.reading import reading
from diffusion_classifier.weights.weight_files import (
    STEMS,
    Shapes,
    WeightFiles,
    account_for,
    find_weights,
    network_shapes,
)

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image
    from torch import nn

CONFIG = "config.json"


class Pretrained:
    """A network and its preprocessing; see `load`."""

    def __init__(
        self,
        model: nn.Module,
        transform: Callable[[Image], Tensor],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.model = model.eval().requires_grad_(False).to(device, dtype)
        self.transform, self.device, self.dtype = transform, device, dtype

    @torch.inference_mode()
    def logits(self, images: Iterable[Image], total: int | None = None, batch: int = 64) -> Tensor:
        """The network's logits for each image, `(image, 1000)` float32 on the CPU.

        Images may have any size and mode. One of them and the inputs of `batch` images are in
        memory at a time. With `total`, the number of images, progress is printed.
        """
        pixels = (self.transform(image.convert("RGB")) for image in images)
        progress = Progress(total, "images") if total else None
        parts, done = [], 0
        while group := list(islice(pixels, batch)):
            logits = self.model(torch.stack(group).to(self.device, self.dtype))
            parts.append(logits.float().cpu())
            done += len(group)
            if progress:
                progress.update(done)
        return torch.cat(parts)


def load(folder: str | os.PathLike, device: torch.device, dtype: torch.dtype) -> Pretrained:
    """Read a folder of `model.safetensors` and `config.json`; nothing is downloaded.

    The config is that of timm, as in `timm/resnet50.tv_in1k`, or the one that
    `weights.torchvision_weights` writes. It names the network and the preprocessing. Raises
    InputError for another config, or if the weights do not fit the network.
    """
    root = Path(folder)
    check_classifier_folder(root)
    stored = find_weights(root, STEMS["transformers"])
    found = stored.shapes()
    with reading(
        folder, "an ImageNet network", f"a {CONFIG} with the {stored.file.name} it describes"
    ):
        config = read_json(root / CONFIG)
        if "torchvision" in config:
            model, transform = _torchvision(stored, found, config)
        elif "architecture" in config:
            model, transform = _timm(root, stored, found)
        else:
            raise InputError(
                f"{root / CONFIG}: found neither `architecture` (timm) nor `torchvision`, expected "
                "an ImageNet network of one of them; choose another folder"
            )
        return Pretrained(model, transform, device, dtype)


def class_rows(prompts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """ImageNet indices and the data set's classes to which they belong, int64 `(row,)` each.

    The column `condition` of the prompts has the ImageNet index; without it, `classidx` is the
    index. A class may have several indices. Pairs that several templates repeat are listed once.
    """
    column = CONDITION if CONDITION in prompts else "classidx"
    pairs = np.unique(prompts[[column, "classidx"]].to_numpy("int64"), axis=0)
    return pairs[:, 0], pairs[:, 1]


def predict(
    logits: Tensor, class_index: np.ndarray, class_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, int64 `(image,)`, and scores, float32 `(image, class)`.

    `logits` are `(image, 1000)`. Only those at `class_index` `(row,)` are compared, and `class_of`
    `(row,)` is the data set's class of each. Scores are log-probabilities among the rows. A class
    with several rows has the score of the best one, as in ObjectNet (Barbu et al. 2019), and a
    class without rows has -inf. ImageNet-A is classified in this way among its 200 classes
    (Hendrycks et al. 2021). Raises InputError for an index that the network does not have.
    """
    known = logits.shape[1]
    for index, label in zip(class_index, class_of, strict=True):
        if not 0 <= index < known:
            raise InputError(
                f"prompts: found the ImageNet index {index} of class {label}, expected 0 to "
                f"{known - 1}, the classes of the network; correct the list of classes"
            )
    rows = F.log_softmax(logits[:, torch.tensor(class_index)].float(), dim=1)
    columns = torch.tensor(class_of, dtype=torch.int64).expand(len(rows), -1)
    lowest = rows.new_full((len(rows), int(np.max(class_of)) + 1), -torch.inf)
    scores = lowest.scatter_reduce(1, columns, rows, "amax")
    return scores.argmax(dim=1).numpy(), scores.numpy()


def _timm(
    root: Path, stored: WeightFiles, found: Shapes
) -> tuple[nn.Module, Callable[[Image], Tensor]]:
    """The network as timm builds it; timm also translates its own earlier names of tensors.

    It would also resize position embeddings and draw a new classifier for other classes. The
    comparisons with the tensors in the file refuse such weights.
    """
    import timm

    name = f"local-dir:{root}"
    model = timm.create_model(name)
    needed, config = network_shapes(model), model.pretrained_cfg
    if config.get("label_offset"):  # timm removes a class before the others
        layers = config["classifier"]
        for layer in [layers] if isinstance(layers, str) else layers:
            found = {key: shape for key, shape in found.items() if not key.startswith(f"{layer}.")}
    shared = {key: found.get(key, shape) for key, shape in needed.items()}
    account_for(stored.file, config["architecture"], needed, shared)  # compares only the shapes
    try:
        _read_weights(model, stored, found, config["architecture"])
    except InputError:
        foreign = config.get("label_offset") or not set(found) <= set(needed)
        model = _converted(name) if foreign else None
        if model is None:
            raise
    return model, timm.data.create_transform(**timm.data.resolve_model_data_config(model))


def _converted(name: str) -> nn.Module | None:
    """The network, if timm can rename all tensors in the file; otherwise None."""
    import timm

    try:
        return timm.create_model(name, pretrained=True)
    except Exception:  # timm raises errors of any kind for a file that it cannot convert
        return None


def _read_weights(model: nn.Module, stored: WeightFiles, found: Shapes, name: str) -> None:
    needed = network_shapes(model)
    account_for(stored.file, name, needed, found)
    for path in stored.files:
        tensors = read_tensors(path)
        used = {key: tensor for key, tensor in tensors.items() if key in needed}
        model.load_state_dict(used, strict=False)


def _torchvision(
    stored: WeightFiles, found: Shapes, config: dict[str, Any]
) -> tuple[nn.Module, Callable[[Image], Tensor]]:
    from torchvision.models import get_model
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms._presets import ImageClassification

    name, transforms = config["torchvision"], config["transforms"]
    model = get_model(name, weights=None, **_options(name, transforms["crop"]))
    _read_weights(model, stored, found, name)
    return model, ImageClassification(
        resize_size=transforms["resize"],
        crop_size=transforms["crop"],
        mean=transforms["mean"],
        std=transforms["std"],
        interpolation=InterpolationMode(transforms["interpolation"]),
    )


def _options(name: str, crop: int) -> dict[str, Any]:
    """The arguments that torchvision's builder sets itself only if it also loads the weights."""
    if name.startswith("vit_"):  # weights for larger images have more positions
        return {"image_size": crop}
    if name in ("googlenet", "inception_v3"):  # from TensorFlow, with another normalisation
        return {"transform_input": True, "init_weights": False}
    return {}
