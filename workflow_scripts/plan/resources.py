"""Memory and minutes that jobs request at their first attempt; rules request more at later ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from diffusion_classifier.config.methods import all_questions, groups_of
from diffusion_classifier.config.work import shard_images, stage_work
from diffusion_classifier.operations.job_resources import (
    ENCODED,
    error_megabytes,
    megabytes,
    minutes,
    tensor_megabytes,
)
from layout import GROUPS

from .evaluations import Evaluations


class Resources:
    """Minutes and MB of jobs.

    `array` says whether the jobs of a rule are submitted as an array. In a SLURM array every task
    gets the same resources, so each job requests the largest amount of its rule.
    """

    def __init__(self, config: dict[str, Any], evaluations: Evaluations) -> None:
        self.config, self.evaluations = config, evaluations
        self.models = evaluations.models
        self.array: Callable[[str], bool] = lambda rule: False
        # caches per object, as another object may have another config
        self._work = cache(partial(stage_work, config))
        self._images = cache(partial(shard_images, config))
        self._most = cache(self._find_most)

    def evaluation_memory(self, evaluation: str) -> int:
        """MB of a job that loads the model of an evaluation."""
        return self.models.memory(self.evaluations.model(evaluation))

    def errors_memory(self, evaluation: str, dataset: str, stage: int) -> int:
        return self._request("errors", self._errors_megabytes, (evaluation, dataset, stage))

    def errors_minutes(self, evaluation: str, dataset: str, stage: int) -> int:
        return self._request("errors", self._errors_minutes, (evaluation, dataset, stage))

    def latents_memory(self, model: str, dataset: str) -> int:
        return self._request("latents", self._latents_megabytes, (model, dataset))

    def latents_minutes(self, model: str, dataset: str) -> int:
        return self._request("latents", self._latents_minutes, (model, dataset))

    def reading_memory(self, evaluation: str, dataset: str) -> int:
        """MB of a job that reads a shard's errors of all stages."""
        stages = self.evaluations.numbers(evaluation, dataset)
        works = [self._work(evaluation, dataset, stage) for stage in stages]
        return megabytes(1000, error_megabytes(works))

    # --- amounts of a single job

    def _errors_minutes(self, evaluation: str, dataset: str, stage: int) -> int:
        work, spec = self._work(evaluation, dataset, stage), self.evaluations.spec(evaluation)
        return minutes(work and work.evaluations, spec.get("rate"))

    def _errors_megabytes(self, evaluation: str, dataset: str, stage: int) -> int:
        model, work = self.evaluations.model(evaluation), self._work(evaluation, dataset, stage)
        tensors = 2 * (self._images(dataset) or 0) + self.config["noise"]["size"]
        held = tensor_megabytes(tensors, self.models.shape(model))
        return megabytes(self.models.memory(model), held + error_megabytes([work]))

    def _latents_minutes(self, model: str, dataset: str) -> int:
        return minutes(self._images(dataset), ENCODED)

    def _latents_megabytes(self, model: str, dataset: str) -> int:
        held = tensor_megabytes(2 * (self._images(dataset) or 0), self.models.shape(model))
        return megabytes(self.models.memory(model), held)

    # --- the largest amount of all jobs of a rule

    def _request(self, rule: str, amount: Callable[..., int], names: tuple) -> int:
        return self._most(rule, amount) if self.array(rule) else amount(*names)

    def _find_most(self, rule: str, amount: Callable[..., int]) -> int:
        return max((amount(*names) for names in self._jobs(rule)), default=0)

    def _jobs(self, rule: str) -> Iterable[tuple]:
        """The arguments of all jobs of the rule `errors` or `latents`."""
        for evaluation, dataset in all_questions(self.config):
            if rule == "latents":
                yield self.evaluations.model(evaluation), dataset
                continue
            grouped = groups_of(self.config, evaluation, dataset)
            numbers = self.evaluations.numbers(evaluation, dataset)
            for stage in [*numbers, *([GROUPS] if grouped else [])]:
                yield evaluation, dataset, stage
