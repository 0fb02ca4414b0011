"""Searches: the inputs and parameters of the jobs that look at all classes of an image at once."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.selection.searches import KEPT

from .candidates import OptionalPath
from .evaluations import Evaluations

BACKWARD = 2
"""A pass with a backward pass has this many times fewer images than one of evaluations."""
_NOT_SEARCHED = ("calibration", "risk", "keep", "timesteps")


class Searches:
    """The key `search` of evaluations."""

    def __init__(self, evaluations: Evaluations) -> None:
        self.evaluations, self.layout = evaluations, evaluations.layout

    def spec(self, evaluation: str) -> dict[str, Any]:
        """The `search` of an evaluation."""
        return self.evaluations.spec(evaluation)["search"]

    def settings(self, evaluation: str) -> dict[str, Any]:
        """The keys of `search` that affect scores."""
        spec = self.spec(evaluation)
        return {key: value for key, value in spec.items() if key not in _NOT_SEARCHED}

    def entries(self, evaluation: str) -> tuple[str]:
        """The name of the search in the library's registry."""
        return (self.spec(evaluation)["kind"],)

    def risk(self, evaluation: str) -> float:
        return self.spec(evaluation)["risk"]

    def keep(self, evaluation: str) -> int:
        return self.spec(evaluation).get("keep", KEPT)

    def batch_size(self, evaluation: str) -> int | str:
        """Images in a pass: a backward pass holds all activations, so fewer than evaluations."""
        size = self.evaluations.batch_size(evaluation)
        return size if size == "auto" else max(1, size // BACKWARD)

    def speed(self, evaluation: str) -> dict[str, Any]:
        """Settings of speed, without compilation, which would not know of the mixtures."""
        return {**self.evaluations.speed(evaluation), "compile": False}

    def timesteps(self, evaluation: str, prompts: str) -> OptionalPath:
        """The density from which the timesteps of the search are drawn, if they are learned."""
        if self.spec(evaluation).get("timesteps") != "learned":
            return []
        return self.layout.timesteps(evaluation, prompts)

    # --- calibration

    def calibration_dataset(self, evaluation: str, prompts: str) -> str:
        """The data set on which the search is calibrated for a set of prompts."""
        return self.spec(evaluation)["calibration"][prompts]

    def calibration_data(self, evaluation: str, prompts: str) -> str:
        """The file of `calibration_dataset`."""
        return self.layout.data(self.calibration_dataset(evaluation, prompts))

    def calibration_latents(self, evaluation: str, prompts: str) -> list[str]:
        """The latents of `calibration_dataset`, a file for each shard."""
        dataset = self.calibration_dataset(evaluation, prompts)
        return self.evaluations.data.latents(self.evaluations.model(evaluation), dataset)

    # --- a data set

    def calibration(self, evaluation: str, dataset: str) -> str:
        """The calibration of the search for a data set's prompts."""
        prompts = self.evaluations.data.prompts_of(dataset)
        return self.layout.search_calibration(evaluation, prompts)

    def dataset_timesteps(self, evaluation: str, dataset: str) -> OptionalPath:
        """`timesteps` for a data set's prompts."""
        return self.timesteps(evaluation, self.evaluations.data.prompts_of(dataset))
