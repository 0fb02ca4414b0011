"""Searches: the inputs and parameters of the jobs that look at all classes of an image at once."""

from __future__ import annotations

from typing import Any

from .candidate_jobs import OptionalPath
from .evaluations import Evaluations

BACKWARD = 2
"""A pass with a backward pass has this many times fewer images than one of evaluations."""
_NOT_SEARCHED = ("calibration", "learn", "risk", "keep", "timesteps")


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

    def batch_size(self, evaluation: str) -> int | str:
        """Images in a pass: a backward pass holds all activations, so fewer than evaluations."""
        size = self.evaluations.batch_size(evaluation)
        return size if size == "auto" else max(1, size // BACKWARD)

    def speed(self, evaluation: str) -> dict[str, Any]:
        """Settings of speed, without compilation, which would not know of the mixtures."""
        return {**self.evaluations.speed(evaluation), "compile": False}

    def learned(self, evaluation: str, prompts: str) -> OptionalPath:
        """What the search learns once from the images of `learn`, if it learns."""
        return self.layout.learned(evaluation, prompts) if "learn" in self.spec(evaluation) else []

    def learning_data(self, evaluation: str, prompts: str) -> str:
        """The images that a search learns from, with their labels."""
        return self.layout.data(self.spec(evaluation)["learn"][prompts])

    def learning_latents(self, evaluation: str, prompts: str) -> list[str]:
        """The latents of `learning_data`, a file for each shard."""
        model = self.evaluations.model(evaluation)
        return self.evaluations.data.latents(model, self.spec(evaluation)["learn"][prompts])

    def learning(self) -> list[str]:
        """The evaluations whose search learns."""
        found = self.evaluations.config["evaluations"].items()
        return [name for name, spec in found if "learn" in spec.get("search", {})]

    def timesteps(self, evaluation: str, prompts: str) -> OptionalPath:
        """The density from which the timesteps of the search are drawn, if they are learned."""
        if self.spec(evaluation).get("timesteps") != "learned":
            return []
        return self.layout.timesteps(evaluation, prompts)
