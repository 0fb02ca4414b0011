"""Which classes an image is asked about: those that a prior or the groups above them leave."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.config.methods import groups_of, stages_of
from layout import GROUPS, Layout

from .data import Data
from .given import Given

Path = str | list[str]
"""A path, or [] where there is no such file: what Snakemake takes for no input."""


class Candidates:
    """The priors and hierarchies of evaluations."""

    def __init__(self, config: dict[str, Any], layout: Layout, data: Data, given: Given) -> None:
        self.config, self.layout, self.data, self.given = config, layout, data, given

    def with_groups(self) -> list[str]:
        """The evaluations that ask about groups of classes first, where there are any."""
        return [name for name, spec in self.config["evaluations"].items() if "hierarchy" in spec]

    def choosing(self) -> list[str]:
        """The evaluations that may leave classes out before their first stage."""
        entries = self.config["evaluations"].items()
        return [name for name, spec in entries if "prior" in spec or "hierarchy" in spec]

    def groups(self, evaluation: str, dataset: str) -> dict[str, Any] | None:
        """How a data set's classes are grouped, if an evaluation asks about the groups first."""
        return groups_of(self.config, evaluation, dataset)

    def are_listed(self, evaluation: str, dataset: str) -> bool:
        """Whether some job has to choose the pairs of the first stage: a prior or groups do."""
        has_prior = "prior" in self.config["evaluations"][evaluation]
        return has_prior or self.groups(evaluation, dataset) is not None

    def prior(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """How many classes a prior leaves, and by which of its losses; {} without a prior."""
        spec = self.config["evaluations"][evaluation].get("prior")
        if spec is None:
            return {}
        ours = spec["method"] in self.config["evaluations"]
        loss = stages_of(self.config, spec["method"], dataset)["loss"] if ours else ""
        return {"keep": spec["keep"], "loss": loss}

    def prior_predictions(self, evaluation: str, dataset: str) -> Path:
        """The predictions of an evaluation's prior, if it has one."""
        spec = self.config["evaluations"][evaluation].get("prior")
        return self.layout.predictions(spec["method"], dataset) if spec else []

    def grouping(self, evaluation: str, dataset: str) -> str | list[int]:
        """Which class is in which group: a file, or a number for each class."""
        return self.groups(evaluation, dataset)["of"]

    def grouping_inputs(self, evaluation: str, dataset: str) -> list[str]:
        """The user's file of `grouping`, if it is a file."""
        if not self.groups(evaluation, dataset):
            return []
        return self.given.inputs("groups", self.data.prompts_of(dataset))

    def group_prompts(self, evaluation: str, dataset: str) -> Path:
        """The prompts of the groups, if there are any."""
        groups = self.groups(evaluation, dataset)
        return self.layout.prompts(groups["prompts"]) if groups else []

    def group_pairs(self, evaluation: str, dataset: str, shard: int) -> Path:
        """The pairs of images and groups, if there are any."""
        groups = self.groups(evaluation, dataset)
        return self.layout.pairs(evaluation, dataset, GROUPS, shard) if groups else []

    def best_groups(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """Which groups' classes go on: what the rule `pairs` is told; {} without groups."""
        groups, spec = self.groups(evaluation, dataset), self.config["evaluations"][evaluation]
        if not groups:
            return {}
        return {
            "of": groups["of"],
            "keep": spec["hierarchy"]["keep"],
            "loss": stages_of(self.config, evaluation, dataset)["loss"],
            "combine": spec.get("combine", "mean"),
        }

    def unused_by_pairs(self, evaluation: str, dataset: str) -> tuple[str, ...]:
        """Functions of the script pairs.py that a job does not call."""
        return () if self.groups(evaluation, dataset) else ("best_groups",)
