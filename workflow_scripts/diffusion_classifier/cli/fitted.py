"""What `DiffusionClassifier.fit_calibration` learns, and its files."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from diffusion_classifier.files import read_json, read_tensors, write_json, write_tensors
from diffusion_classifier.messages import InputError, one_line
from diffusion_classifier.scores.calibration import Calibration

_JSON, _TENSORS = "calibration.json", "timesteps.safetensors"
_FORM = f"a folder of `save`, with {_JSON} and {_TENSORS}"


@dataclass(frozen=True)
class Fitted:
    """The densities of timesteps (`learned_timesteps.fit_densities`) and the probabilities' scale.

    `loss` is the loss of the calibration, `labels` and `template` are those that were asked about.
    `shape` is the shape of a latent and `timesteps` T: a model of others has another calibration.
    """

    densities: pd.DataFrame
    calibration: Calibration
    loss: str
    labels: tuple[str, ...]
    template: str | tuple[str, ...]
    shape: tuple[int, ...]
    timesteps: int
    source: str

    def save(self, folder: str | os.PathLike) -> None:
        """Write a JSON file, and the densities as safetensors, into `folder`."""
        values = asdict(self) | {"calibration": asdict(self.calibration)}
        del values["densities"]
        numbers = {
            f"{loss}.{name}": torch.tensor(rows[name].to_numpy())
            for loss, rows in self.densities.groupby("loss", sort=False)
            for name in rows.columns.drop("loss")
        }
        write_tensors(numbers, Path(folder) / _TENSORS)
        write_json(values | {"losses": list(self.densities["loss"].unique())}, Path(folder) / _JSON)


def load_fitted(folder: str | os.PathLike, shape: tuple[int, ...], timesteps: int) -> Fitted:
    """What `Fitted.save` wrote, for a model of latents of `shape` with T = `timesteps`.

    Raises InputError for a folder that cannot be read, and for another model's.
    """
    try:
        values: dict[str, Any] = read_json(Path(folder) / _JSON)
        numbers = read_tensors(Path(folder) / _TENSORS)
        densities = [
            pd.DataFrame({name.partition(".")[2]: numbers[name].numpy() for name in numbers
                          if name.partition(".")[0] == loss}).assign(loss=loss)
            for loss in values.pop("losses")
        ]  # fmt: skip
        found = Fitted(
            pd.concat(densities, ignore_index=True)[
                ["loss", "start", "stop", "rms", "sd", "density"]
            ],
            Calibration(**values.pop("calibration")),
            **{key: tuple(part) if isinstance(part, list) else part
               for key, part in values.items()},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{folder}: cannot be read ({one_line(error)}), expected {_FORM}; correct the "
            "path, or fit anew"
        ) from None
    if (found.shape, found.timesteps) != (tuple(shape), timesteps):
        raise InputError(
            f"{folder}: found the calibration of a model of latents {found.shape} and "
            f"{found.timesteps} timesteps ({found.source}), expected {tuple(shape)} and "
            f"{timesteps}; load its own, or fit anew"
        )
    return found
