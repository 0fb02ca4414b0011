"""Evaluations, the diffusion classifiers of a config: their stages, inputs and errors."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from diffusion_classifier.config.methods import stages_of
from diffusion_classifier.selection.schedules import spread, stage_samples
from layout import GROUPS, Layout

from .candidate_jobs import Candidates, OptionalPath
from .data import Data
from .models import Models

_SPEED = ("channels_last", "attention", "compile")


class Evaluations:
    """The section `evaluations` of a config; a stage is GROUPS, or a number from 1 on."""

    def __init__(
        self,
        config: dict[str, Any],
        layout: Layout,
        data: Data,
        models: Models,
        candidates: Candidates,
    ) -> None:
        self.config, self.layout, self.data, self.models = config, layout, data, models
        self.candidates = candidates

    # --- the model

    def spec(self, evaluation: str) -> dict[str, Any]:
        """The config's entry of an evaluation."""
        return self.config["evaluations"][evaluation]

    def model(self, evaluation: str) -> str:
        return self.spec(evaluation)["model"]

    def family(self, evaluation: str) -> str:
        return self.models.family(self.model(evaluation))

    def folder(self, evaluation: str) -> str:
        """The folder of the model."""
        return self.models.folder(self.model(evaluation))

    def model_inputs(self, evaluation: str) -> list[str]:
        """The inputs of a job that loads the model."""
        return self.models.inputs(self.model(evaluation))

    def batch_size(self, evaluation: str) -> int:
        return self.spec(evaluation).get("batch_size", 256)

    def dtype(self, evaluation: str) -> str:
        return self.spec(evaluation).get("dtype", "float32")

    def speed(self, evaluation: str) -> dict[str, Any]:
        """Settings that make the model faster and leave the numbers as they are."""
        return {key: value for key, value in self.spec(evaluation).items() if key in _SPEED}

    def combine(self, evaluation: str) -> str:
        """How the errors of several prompts of a class are combined to the class's error."""
        return self.spec(evaluation).get("combine", "mean")

    def parts(self, evaluation: str) -> int:
        """The number of jobs among which the classes are split."""
        return self.spec(evaluation).get("class_parts", 1)

    # --- stages

    def stages(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """The stages of an evaluation for a data set, as in the config."""
        return stages_of(self.config, evaluation, dataset)

    def numbers(self, evaluation: str, dataset: str) -> range:
        """The numbers of the stages, without the stage of groups."""
        return range(1, 1 + len(self.stages(evaluation, dataset)["samples"]))

    def loss(self, evaluation: str, dataset: str) -> str:
        """The loss by which classes are pruned."""
        return self.stages(evaluation, dataset)["loss"]

    def keep(self, evaluation: str, dataset: str, stage: int) -> int:
        """The number of classes that reach a stage after the first."""
        return self.stages(evaluation, dataset)["keep"][stage - 2]

    def is_learned(self, evaluation: str, dataset: str, stage: int = 1) -> bool:
        """Whether the timesteps of a stage are learned; never in the stage of groups."""
        return self.stages(evaluation, dataset).get("timesteps") == "learned" and stage != GROUPS

    def learned_loss(self, evaluation: str, dataset: str, stage: int) -> str | None:
        """The loss for which the timesteps of a stage are learned; None if they are not."""
        learned = self.is_learned(evaluation, dataset, stage)
        return self.loss(evaluation, dataset) if learned else None

    def race(self, evaluation: str, dataset: str, stage: int) -> dict[str, Any] | None:
        """The race of the last stage, with its loss; None if this stage has no race."""
        spec = self.stages(evaluation, dataset)
        if "race" not in spec or stage < len(spec["samples"]):
            return None
        return {**spec["race"], "loss": spec["loss"], "combine": self.combine(evaluation)}

    def samples(self, evaluation: str, dataset: str, stage: int) -> list:
        """The samples of a stage: [[timestep, noise], …].

        For learned timesteps, the number of samples by the end of each stage.
        """
        spec = self.stages(evaluation, dataset)
        if stage == GROUPS:
            (samples,) = stage_samples([self.spec(evaluation)["hierarchy"]["samples"]])
            return [[s.timestep, s.noise] for s in samples]
        if self.is_learned(evaluation, dataset, stage):
            return spec["samples"]
        samples = self._even_stages(spec)[stage - 1]
        if self.race(evaluation, dataset, stage):
            samples = spread(samples)
        return [[s.timestep, s.noise] for s in samples]

    def spread_samples(self, evaluation: str, dataset: str) -> list:
        """The samples of all stages, in an order in which every first part is spread evenly."""
        every = self._even_stages(self.stages(evaluation, dataset))
        return [[s.timestep, s.noise] for s in spread([*chain(*every)])]

    @staticmethod
    def _even_stages(spec: dict[str, Any]) -> list:
        return stage_samples(spec["samples"], spec.get("trials", 1), spec.get("grid"))

    def unused_by_errors(self, evaluation: str, dataset: str, stage: int) -> tuple[str, ...]:
        """Functions of the script errors.py that a job does not call."""
        used = {
            "gap_race": self.race(evaluation, dataset, stage),
            "learned_samples": self.is_learned(evaluation, dataset, stage),
            "shard_candidates": not self.pairs(evaluation, dataset, stage, 0),
        }
        return tuple(name for name, needed in used.items() if not needed)

    # --- inputs of the errors

    def noise(self, evaluation: str) -> str:
        shape = "x".join(map(str, self.models.shape(self.model(evaluation))))
        return self.layout.noise(shape, self.config["noise"]["seed"])

    def latents(self, evaluation: str, dataset: str, shard: int) -> str:
        return self.layout.latents(self.model(evaluation), dataset, shard)

    def first_latents(self, evaluation: str, dataset: str) -> str:
        """The latents of the first shard."""
        return self.latents(evaluation, dataset, 0)

    def stage_prompts(self, evaluation: str, dataset: str, stage: int) -> str:
        """The prompts of a stage: of groups, or of classes."""
        return self.layout.prompts(self._prompts_of_stage(evaluation, dataset, stage))

    def stage_conditions(self, evaluation: str, dataset: str, stage: int) -> str:
        """The encoded prompts of a stage."""
        return self.conditions(evaluation, self._prompts_of_stage(evaluation, dataset, stage))

    def class_conditions(self, evaluation: str, dataset: str) -> str:
        """The encoded prompts of the classes."""
        return self.conditions(evaluation, self.data.prompts_of(dataset))

    def conditions(self, evaluation: str, prompts: str) -> str:
        return self.layout.conditions(self.model(evaluation), prompts)

    def timesteps(self, evaluation: str, dataset: str, stage: int = 1) -> OptionalPath:
        """The density from which timesteps are drawn, if they are learned."""
        if not self.is_learned(evaluation, dataset, stage):
            return []
        return self.layout.timesteps(evaluation, self.data.prompts_of(dataset))

    def pairs(self, evaluation: str, dataset: str, stage: int, shard: int) -> OptionalPath:
        """The pairs of a stage, if a job chooses them; otherwise the stage has all candidates."""
        if stage == 1 and not self.candidates.are_listed(evaluation, dataset):
            return []
        return self.layout.pairs(evaluation, dataset, stage, shard)

    def earlier_pairs(self, evaluation: str, dataset: str, stage: int, shard: int) -> OptionalPath:
        """The pairs of the stage before."""
        return self.pairs(evaluation, dataset, stage - 1, shard)

    def last_pairs(self, evaluation: str, dataset: str, shard: int = 0) -> OptionalPath:
        """The pairs of the last stage."""
        return self.pairs(evaluation, dataset, max(self.numbers(evaluation, dataset)), shard)

    def _prompts_of_stage(self, evaluation: str, dataset: str, stage: int) -> str:
        if stage == GROUPS:
            return self.candidates.groups(evaluation, dataset)["prompts"]
        return self.data.prompts_of(dataset)

    # --- errors

    def errors(
        self, evaluation: str, dataset: str, stages: Iterable[int], shards: Iterable[int]
    ) -> list[str]:
        """The errors of these stages and shards, of all class parts."""
        return [
            self.layout.errors(evaluation, dataset, stage, shard, part)
            for stage in stages
            for shard in shards
            for part in range(self.parts(evaluation))
        ]

    def earlier_errors(self, evaluation: str, dataset: str, stage: int, shard: int) -> list[str]:
        """The errors of a shard in all stages before one."""
        return self.errors(evaluation, dataset, range(1, stage), [shard])

    def raced_errors(self, evaluation: str, dataset: str, stage: int, shard: int) -> list[str]:
        """`earlier_errors` if the stage is a race, which continues from them."""
        raced = self.race(evaluation, dataset, stage) is not None
        return self.earlier_errors(evaluation, dataset, stage, shard) if raced else []

    def shard_errors(self, evaluation: str, dataset: str, shard: int = 0) -> list[str]:
        """The errors of a shard in all stages."""
        return self.errors(evaluation, dataset, self.numbers(evaluation, dataset), [shard])

    def all_errors(self, evaluation: str, dataset: str) -> list[str]:
        shards = range(self.data.shards(dataset))
        return self.errors(evaluation, dataset, self.numbers(evaluation, dataset), shards)

    def first_errors(self, evaluation: str, dataset: str) -> list[str]:
        """The errors of the first stage in all shards."""
        return self.errors(evaluation, dataset, [1], range(self.data.shards(dataset)))

    def group_errors(self, evaluation: str, dataset: str, shard: int = 0) -> list[str]:
        """The errors of a shard in the stage of groups, if there is one."""
        grouped = self.candidates.groups(evaluation, dataset)
        return self.errors(evaluation, dataset, [GROUPS], [shard]) if grouped else []

    def shard_predictions(self, evaluation: str, dataset: str) -> list[str]:
        """The predictions of each shard, for a data set with several shards."""
        shards = range(self.data.shards(dataset))
        return [self.layout.shard_predictions(evaluation, dataset, shard) for shard in shards]

    def shard_rankings(self, evaluation: str, dataset: str) -> list[str]:
        """The rankings of each shard, for a data set with several shards."""
        shards = range(self.data.shards(dataset))
        return [self.layout.shard_rankings(evaluation, dataset, shard) for shard in shards]
