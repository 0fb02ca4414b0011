"""The data on which evaluations learn their timesteps: one data set for each set of prompts."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.config.checks.evaluation_checks import (
    CALIBRATION_CLASSES,
    CALIBRATION_SAMPLES,
)
from diffusion_classifier.selection.schedules import UNIFORM

from .evaluations import Evaluations


class Calibrations:
    """The key `calibration` of evaluations."""

    def __init__(self, evaluations: Evaluations) -> None:
        self.evaluations = evaluations

    def spec(self, evaluation: str) -> dict[str, Any]:
        """The `calibration` of an evaluation."""
        return self.evaluations.spec(evaluation)["calibration"]

    def dataset(self, evaluation: str, prompts: str) -> str:
        """The data set on which the timesteps of a set of prompts are learned."""
        return self.spec(evaluation)["datasets"][prompts]

    def data(self, evaluation: str, prompts: str) -> str:
        """The file of `dataset`."""
        return self.evaluations.layout.data(self.dataset(evaluation, prompts))

    def latents(self, evaluation: str, prompts: str) -> list[str]:
        """The latents of `dataset`, a file for each shard."""
        model = self.evaluations.model(evaluation)
        return self.evaluations.data.latents(model, self.dataset(evaluation, prompts))

    def samples(self, evaluation: str) -> int:
        return self.spec(evaluation).get("samples", CALIBRATION_SAMPLES)

    def classes(self, evaluation: str) -> int:
        """The number of classes with which an image is compared."""
        return self.spec(evaluation).get("classes", CALIBRATION_CLASSES)

    def uniform(self, evaluation: str, prompts: str) -> float:
        """The share of the uniform density in the mixture from which timesteps are drawn."""
        return self.spec(evaluation).get("uniform", {}).get(prompts, UNIFORM)
