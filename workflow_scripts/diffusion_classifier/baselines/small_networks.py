"""Train and apply small ResNets and vision transformers of the library transformers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network
from diffusion_classifier.training.augment import Augmentation
from diffusion_classifier.training.loop import Optimisation, fit
from diffusion_classifier.weights.networks import load_network

if TYPE_CHECKING:
    import os

    from transformers import PreTrainedModel

KINDS = ("resnet", "vit")


def build(
    kind: str, params: dict[str, Any], classes: int, image_size: int, channels: int = 1
) -> PreTrainedModel:
    """An untrained classifier of square images, initialised from torch's global generator.

    The `params` of `resnet` (He et al. 2016) are `width` (channels of the first stage, doubled in
    each further stage), `stages`, `depth` (blocks per stage, one number or a list) and `block`
    (`basic`, or `bottleneck` with four times as many output channels). Those of `vit` (Dosovitskiy
    et al. 2021) are `width`, `layers`, `heads` and `patch` (pixels). Raises InputError for another
    kind or parameter.
    """
    if kind not in KINDS:
        raise InputError(
            f"`kind` of a baseline: found {kind!r}, expected one of {', '.join(KINDS)}; "
            "correct it in `baselines`"
        )
    make = _resnet if kind == "resnet" else _vit
    try:
        return make(classes, image_size, channels, **params)
    except TypeError as error:
        raise InputError(f"baseline of kind {kind!r}: found {params}: {error}") from error


def train(
    kind: str,
    params: dict[str, Any],
    images: Tensor,
    labels: Tensor,
    optimisation: Optimisation,
    augment: Augmentation,
    log_every: int = 200,
) -> tuple[PreTrainedModel, list[dict[str, float]]]:
    """Train on `images` `(image, channel, size, size)`, float32 in [-1, 1].

    `labels` are int64 `(image,)`; the number of classes is the largest label plus one.
    `optimisation.seed` determines initial weights, batches and augmentation. Returns the model, on
    the device of `images`, and the loss curve. Raises InputError as `build` does, and
    FloatingPointError if training diverges.
    """
    torch.manual_seed(optimisation.seed)
    classes = int(labels.max()) + 1
    model = build(kind, params, classes, images.shape[-1], images.shape[1]).to(images.device)
    model.train()

    def batch_loss(indices: Tensor) -> Tensor:
        logits = model(augment(images[indices])).logits
        return cross_entropy(logits, labels[indices])

    curve = fit(model, batch_loss, len(images), optimisation, log_every)
    return model.eval(), curve


@torch.inference_mode()
def predict(
    model: PreTrainedModel, images: Tensor | Iterable[Tensor], batch: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, int64 `(image,)`, and log-probabilities, float32 `(image, class)`.

    `images` are `(image, channel, size, size)`, as one tensor or as an iterable of batches.
    """
    model.eval()
    device = next(model.parameters()).device
    parts = images.split(batch) if isinstance(images, Tensor) else images
    logits = []
    for part in parts:
        with in_network():
            logits.append(model(part.to(device)).logits.float().cpu())
    scores = log_softmax(torch.cat(logits), dim=1)
    return scores.argmax(dim=1).numpy(), scores.numpy()


def save(model: PreTrainedModel, folder: str | os.PathLike) -> None:
    """Write `config.json` and `model.safetensors` into `folder`."""
    model.save_pretrained(folder)


def load(folder: str | os.PathLike) -> PreTrainedModel:
    """The model in `folder`, ready to predict; nothing is downloaded."""
    from transformers import AutoModelForImageClassification

    return load_network(AutoModelForImageClassification, folder)


def _resnet(
    classes: int,
    image_size: int,
    channels: int,
    width: int = 16,
    stages: int = 3,
    depth: int | Sequence[int] = 1,
    block: str = "basic",
) -> PreTrainedModel:
    from transformers import ResNetConfig, ResNetForImageClassification

    depths = [depth] * stages if isinstance(depth, int) else list(depth)
    if len(depths) != stages or block not in ("basic", "bottleneck"):
        raise InputError(
            f"`params` of a `resnet` baseline: found depth {depth} and block {block!r}, expected "
            f"{stages} depths, as many as `stages`, and basic or bottleneck; correct it in "
            "`baselines`"
        )
    widening = 4 if block == "bottleneck" else 1
    # image_size is not needed, as the network averages over all positions at its end
    config = ResNetConfig(
        num_channels=channels,
        embedding_size=width,
        hidden_sizes=[widening * width * 2**stage for stage in range(stages)],
        depths=depths,
        layer_type=block,
        num_labels=classes,
    )
    return ResNetForImageClassification(config)


def _vit(
    classes: int,
    image_size: int,
    channels: int,
    width: int = 32,
    layers: int = 3,
    heads: int = 4,
    patch: int = 7,
) -> PreTrainedModel:
    from transformers import ViTConfig, ViTForImageClassification

    if image_size % patch:
        raise InputError(
            f"`patch` of a `vit` baseline: found {patch}, expected a divisor of the image size "
            f"{image_size}; correct it in `baselines`"
        )
    config = ViTConfig(
        num_channels=channels,
        image_size=image_size,
        patch_size=patch,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_labels=classes,
    )
    return ViTForImageClassification(config)
