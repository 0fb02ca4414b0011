"""A linear probe of a UNet's features, the paper's "SD features" baseline.

The features are recorded as in Baranchuk et al. (2022), with the empty prompt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion_classifier.data.preprocess import Preprocess
from diffusion_classifier.denoisers import stable_diffusion
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.files import read_json, read_tensors, write_json, write_tensors
from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network
from diffusion_classifier.progress import Progress

from .classical import CONVERGED, fit_converged

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

    from .baseline import Images, Setting

Features = dict[tuple[str, int], np.ndarray]
"""(layer, timestep) -> `(image, feature)` float32."""

POOLED = 4  # largest height and width of a pooled feature map


@torch.inference_mode()
def unet_features(
    folder: str,
    latents: Tensor,
    timesteps: Sequence[int],
    layers: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
    seed: int,
    batch: int = 64,
) -> Features:
    """The outputs of `layers` for `latents` `(image, c, h, w)` at each of `timesteps`.

    Layers are the UNet's blocks: `mid_block`, `down_blocks.0`, `up_blocks.1` and so on. All images
    and timesteps get the same noise, drawn from `seed`, and the empty prompt. Each feature map is
    averaged over areas to at most 4 × 4 positions and flattened.
    Raises InputError for a layer or timestep that the model does not have.
    """
    denoiser = stable_diffusion.load(folder, device, dtype)
    _check(denoiser.network, denoiser.process.timesteps, layers, timesteps)
    empty = pd.DataFrame({"prompt": [""]})
    text = stable_diffusion.encode_prompts(folder, empty, device, dtype)["text"].to(device, dtype)
    noise = noise_bank(latents.shape[1:], 1, seed).to(device)
    parts: dict[tuple[str, int], list[Tensor]] = {}
    progress, done = Progress(len(latents) * len(timesteps), "evaluations"), 0
    with _recorded(denoiser.network, layers) as maps:
        for x0 in latents.split(batch):
            condition = {"text": text.expand(len(x0), -1, -1)}
            for timestep in timesteps:
                t = torch.full((len(x0),), timestep, device=device)
                x_t = denoiser.process.noised(x0.to(device), noise, t).to(dtype)
                with in_network():
                    denoiser.predict(x_t, t, condition)
                for layer in layers:
                    parts.setdefault((layer, timestep), []).append(pooled(maps[layer], POOLED))
                progress.update(done := done + len(x0))
    return {key: torch.cat(tensors).numpy() for key, tensors in parts.items()}


@dataclass(frozen=True)
class Probe:
    """Multinomial logistic regression on the standardised features of one layer and timestep.

    `mean` and `scale` are `(feature,)`, `coef` `(class, feature)`, `intercept` and `classes` (the
    labels of the training images, int64) `(class,)`. `validation` has the columns `layer, timestep,
    accuracy`, with a row for each probe that was compared.
    """

    layer: str
    timestep: int
    mean: np.ndarray
    scale: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    classes: np.ndarray
    validation: pd.DataFrame = field(default_factory=pd.DataFrame)

    def predict(self, features: Features, classes_total: int) -> tuple[np.ndarray, np.ndarray]:
        """Predictions, int64 `(image,)`, and log-probabilities, float32 `(image, class)`.

        `features` must have the probe's layer and timestep. Classes without a training image have
        -inf.
        """
        x = (features[self.layer, self.timestep] - self.mean) / self.scale
        logits = x @ self.coef.T + self.intercept
        known = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        scores = np.full((len(x), classes_total), -np.inf, dtype=np.float32)
        scores[:, self.classes] = known
        return self.classes[logits.argmax(axis=1)], scores


def fit_probe(
    features: Features,
    labels: np.ndarray,
    validation: Features,
    validation_labels: np.ndarray,
    C: float = 1.0,  # noqa: N803 - scikit-learn's name
) -> Probe:
    """Train a probe on every layer and timestep; return the most accurate one on `validation`.

    Ties go to the first. `labels` are int64 `(image,)`; `C` is the inverse strength of the L2
    penalty. Raises InputError if all labels are equal, or if a fit does not converge.
    """
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"probe of UNet features: found {len(np.unique(labels))} class in the training "
            "images, expected at least 2; raise the `limit` of that data set"
        )
    rows, best = [], None
    for layer, timestep in features:
        probe = _fit(layer, timestep, features[layer, timestep], labels, C)
        predictions, _ = probe.predict(validation, int(labels.max()) + 1)
        accuracy = float((predictions == validation_labels).mean())
        rows.append({"layer": layer, "timestep": timestep, "accuracy": accuracy})
        if best is None or accuracy > best[0]:
            best = accuracy, probe
    return replace(best[1], validation=pd.DataFrame(rows))


def save(probe: Probe, folder: str | os.PathLike) -> None:
    """Write `probe.safetensors` and `probe.json` into `folder`."""
    tensors = {name: torch.from_numpy(getattr(probe, name)) for name in _ARRAYS}
    write_tensors(tensors, Path(folder) / "probe.safetensors")
    rows = probe.validation.to_dict("records")
    chosen = {"layer": probe.layer, "timestep": probe.timestep, "validation": rows}
    write_json(chosen, Path(folder) / "probe.json")


def load(folder: str | os.PathLike) -> Probe:
    """The probe that `save` wrote into `folder`."""
    chosen = read_json(Path(folder) / "probe.json")
    tensors = read_tensors(Path(folder) / "probe.safetensors")
    arrays = {name: tensors[name].numpy() for name in _ARRAYS}
    validation = pd.DataFrame(chosen["validation"])
    return Probe(chosen["layer"], chosen["timestep"], validation=validation, **arrays)


_ARRAYS = ("mean", "scale", "coef", "intercept", "classes")


def _fit(layer: str, timestep: int, x: np.ndarray, labels: np.ndarray, c: float) -> Probe:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler, model = StandardScaler(), LogisticRegression(C=c, **CONVERGED)
    try:
        fit_converged(model, scaler.fit_transform(np.asarray(x, dtype=np.float64)), labels)
    except ValueError as error:
        raise InputError(
            f"probe of UNet features, {layer} at timestep {timestep}: found `C` {c}: {error}; "
            "correct it in the baseline's `params`"
        ) from error
    coef, intercept = model.coef_, model.intercept_
    if len(coef) == 1:  # for two classes, scikit-learn stores only the row of the second
        coef, intercept = np.vstack([0 * coef, coef]), np.append(0 * intercept, intercept)
    classes = model.classes_.astype(np.int64)
    return Probe(layer, timestep, scaler.mean_, scaler.scale_, coef, intercept, classes)


@contextmanager
def _recorded(unet: UNet2DConditionModel, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """A dict that always has the latest output of each layer, `(batch, channel, height, width)`."""
    maps: dict[str, Tensor] = {}

    def hook(layer: str) -> Callable[..., None]:
        def record(module: nn.Module, inputs: tuple, output: Tensor | tuple) -> None:
            # a down block also returns the tensors for its up block
            maps[layer] = output[0] if isinstance(output, tuple) else output

        return record

    handles = [unet.get_submodule(layer).register_forward_hook(hook(layer)) for layer in layers]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()


def pooled(maps: Tensor, edge: int) -> Tensor:
    """Maps `(image, c, h, w)` averaged to at most `edge` × `edge` positions, and flattened."""
    size = [min(edge, length) for length in maps.shape[2:]]
    return F.adaptive_avg_pool2d(maps.float(), size).flatten(1).cpu()


def image_latents(images: Images, setting: Setting) -> Tensor:
    """The latents of a data set's images, encoded by the model of a baseline."""
    preprocess = Preprocess(**setting.model["preprocess"])
    family = setting.model.get("family", "stable-diffusion")
    on = (setting.device, setting.dtype)
    return encode_images(setting.folder, preprocess, images.decoded(), *on, family)


def _check(
    unet: UNet2DConditionModel, total: int, layers: Sequence[str], timesteps: Sequence[int]
) -> None:
    known = [f"down_blocks.{number}" for number in range(len(unet.down_blocks))]
    known += ["mid_block"] if unet.mid_block is not None else []
    known += [f"up_blocks.{number}" for number in range(len(unet.up_blocks))]
    for layer in layers:
        if layer not in known:
            raise InputError(
                f"`layers` of UNet features: found {layer!r}, expected some of "
                f"{', '.join(known)}; correct it in `baselines`"
            )
    for timestep in timesteps:
        if not 0 <= timestep < total:
            raise InputError(
                f"`timesteps` of UNet features: found {timestep}, expected 0 to {total - 1}; "
                "correct it in `baselines`"
            )
