"""Baselines whose kind has no rule of its own: one job per method fits and predicts.

A kind has rules of its own if it keeps files between jobs (networks, probes) or has several
trainings in one job (CLIP, guesses). A new kind of baseline needs no rule.
"""

from __future__ import annotations

from typing import Any

from diffusion_classifier.baselines.registry import BASELINES
from diffusion_classifier.config.methods import baseline_class

from .baselines import Baselines, Job

WITH_RULES = ("resnet", "vit", "probe", "clip", "chance")
"""Kinds with rules of their own."""


class OtherBaselines:
    """The jobs of these baselines, one for each method, with their inputs and parameters."""

    def __init__(self, baselines: Baselines) -> None:
        self.baselines, self.config = baselines, baselines.config
        self.models, self.layout = baselines.models, baselines.layout

    def jobs(self) -> list[Job]:
        """A job for each method that has a question."""
        return self.baselines.jobs(*(kind for kind in BASELINES if kind not in WITH_RULES))

    def entries(self, method: str) -> tuple[str]:
        """The name of a method's class in the library's registry of baselines."""
        return (self.baselines.spec(method)["kind"],)

    def uses_gpu(self, method: str) -> bool:
        """Whether a method runs a network."""
        kind = baseline_class(self.config, method)
        return bool(kind.model or kind.weights)

    def memory(self, method: str) -> int:
        """Main memory of the method's job, in MB."""
        kind = baseline_class(self.config, method)
        memory = self.models.memory(self.models.of_baseline(method)) if kind.model else 0
        return max(memory, 8000 if kind.weights else 4000)

    def inputs(self, method: str) -> list[str]:
        """The files of the method's model or weights, if it has any."""
        kind = baseline_class(self.config, method)
        if kind.model:
            return self.models.inputs(self.models.of_baseline(method))
        return self.models.pretrained_inputs(method) if kind.weights else []

    def learned_from(self, method: str) -> list[str]:
        """The data sets from which the method learns."""
        tasks = (self._training_data(method, task) for task in self._tasks(method))
        return list(dict.fromkeys(file for files in tasks for file in files.values()))

    def setting(self, method: str) -> dict[str, Any]:
        """Arguments of the library's `Setting`, except those that all rules have."""
        kind = baseline_class(self.config, method)
        setting: dict[str, Any] = {"seed": self.baselines.seed(method)}
        if kind.model:
            model = self.models.of_baseline(method)
            setting |= {"folder": self.models.folder(model), "model": self.models.spec(model)}
        elif kind.weights:
            setting |= {"folder": self.baselines.weights.pretrained(method)}
        return setting | {"noise_seed": self.config["noise"]["seed"]}

    def questions(self, job: Job) -> list[dict[str, str]]:
        """The questions of a job, each as arguments of the library's `Question`."""
        return [
            {
                "data": self.layout.data(dataset),
                "prompts": self.baselines.data.prompts(dataset),
                **self._task(method, self.baselines.data.prompts_of(dataset)),
            }
            for method, dataset in job.questions
        ]

    def _tasks(self, method: str) -> list[str]:
        learns = baseline_class(self.config, method).learns
        return self.baselines.tasks(method) if learns else []

    def _task(self, method: str, task: str) -> dict[str, str]:
        return {"task": task, **self._training_data(method, task)} if self._tasks(method) else {}

    def _training_data(self, method: str, task: str) -> dict[str, str]:
        """The files of `train` and `validation` for a set of prompts."""
        sets = self.baselines.spec(method)["tasks"][task]
        roles = ("train", "validation")
        return {role: self.layout.data(sets[role]) for role in roles if role in sets}
