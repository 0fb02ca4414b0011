"""The noise schedule a model was trained with, from scheduler/ of its folder."""

from __future__ import annotations

from collections.abc import Sequence

from ..forward_process import ForwardProcess
from ..messages import InputError


def read_scheduler(folder: str, predictions: Sequence[str]) -> tuple[ForwardProcess, str]:
    """The forward process and the prediction type, which must be one of `predictions`.

    Any discrete diffusers scheduler will do: only its betas are read. Raises InputError if there
    are none, as in a scheduler of flow matching, or if the model predicts something else.
    """
    from diffusers import DDPMScheduler

    config = DDPMScheduler.load_config(folder, subfolder="scheduler")
    if not {"beta_schedule", "trained_betas"} & set(config):
        raise InputError(
            f"{folder}: found the scheduler {config.get('_class_name')} without betas, expected a "
            "noise schedule given by its betas; choose the model's own family"
        )
    scheduler = DDPMScheduler.from_pretrained(folder, subfolder="scheduler")
    prediction = scheduler.config.prediction_type
    if prediction not in predictions:
        expected = " or ".join(map(repr, predictions))
        raise InputError(
            f"{folder}: found the prediction_type {prediction!r} in its scheduler, expected "
            f"{expected}; choose a model that predicts that"
        )
    return ForwardProcess(scheduler.alphas_cumprod), prediction
