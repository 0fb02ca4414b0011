"""The classes that an image is compared with: those that a prior or groups of classes leave."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.config.methods import groups_of, stages_of
from diffusion_classifier.selection.searches import KEPT
from layout import GROUPS, Layout

from .data import Data
from .given_files import Given

OptionalPath = str | list[str]
"""A path, or [] if there is no such file; Snakemake reads [] as no input."""


class Candidates:
    """The priors and hierarchies of evaluations."""

    def __init__(self, config: dict[str, Any], layout: Layout, data: Data, given: Given) -> None:
        self.config, self.layout, self.data, self.given = config, layout, data, given

    def with_groups(self) -> list[str]:
        """The evaluations with a first stage of groups, for data sets whose prompts have groups."""
        return [name for name, spec in self.config["evaluations"].items() if "hierarchy" in spec]

    def searching(self) -> list[str]:
        """The evaluations with a search."""
        return [name for name, spec in self.config["evaluations"].items() if "search" in spec]

    def choosing(self) -> list[str]:
        """The evaluations that may remove classes before their first stage."""
        entries = self.config["evaluations"].items()
        return [
            name for name, spec in entries if not {"search", "prior", "hierarchy"}.isdisjoint(spec)
        ]

    def groups(self, evaluation: str, dataset: str) -> dict[str, Any] | None:
        """The groups of a data set's classes, if the evaluation has a stage of groups."""
        return groups_of(self.config, evaluation, dataset)

    def are_listed(self, evaluation: str, dataset: str) -> bool:
        """Whether a job chooses the pairs of the first stage: by a search, a prior or groups."""
        spec = self.config["evaluations"][evaluation]
        has_choice = "prior" in spec or "search" in spec
        return has_choice or self.groups(evaluation, dataset) is not None

    def searched(self, evaluation: str, dataset: str, shard: int = 0) -> OptionalPath:
        """The scores and costs of an evaluation's search in a shard, if it has one."""
        if "search" not in self.config["evaluations"][evaluation]:
            return []
        prompts = self.data.prompts_of(dataset)
        return self.layout.searched(evaluation, prompts, dataset, shard)

    def prior(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """What a prior or search keeps: a number of classes, a risk; its loss. {} without it."""
        entry = self.config["evaluations"][evaluation]
        if search := entry.get("search"):
            return {"loss": "", "keep": search.get("keep", KEPT), "risk": search["risk"]}
        if (spec := entry.get("prior")) is None:
            return {}
        is_evaluation = spec["method"] in self.config["evaluations"]
        loss = stages_of(self.config, spec["method"], dataset)["loss"] if is_evaluation else ""
        return {"loss": loss, **{key: spec[key] for key in ("keep", "risk") if key in spec}}

    def prior_predictions(self, evaluation: str, dataset: str, shard: int = 0) -> OptionalPath:
        """The predictions of an evaluation's prior, or the scores of its search, if it has one."""
        spec = self.config["evaluations"][evaluation].get("prior")
        if spec:
            return self.layout.predictions(spec["method"], dataset)
        return self.searched(evaluation, dataset, shard)

    def prior_calibration(self, evaluation: str, dataset: str) -> list[str]:
        """The predictions or scores of the images on which a risk is calibrated, if any."""
        spec, prompts = self.config["evaluations"][evaluation], self.data.prompts_of(dataset)
        if search := spec.get("search"):
            data = search["calibration"][prompts]
            shards = range(self.data.shards(data))
            return [self.layout.searched(evaluation, prompts, data, shard) for shard in shards]
        prior = spec.get("prior", {})
        if "calibration" not in prior:
            return []
        return [self.layout.predictions(prior["method"], prior["calibration"][prompts])]

    def grouping(self, evaluation: str, dataset: str) -> str | list[int]:
        """The group of each class: a file, or a list with a number for each class."""
        return self.groups(evaluation, dataset)["of"]

    def grouping_inputs(self, evaluation: str, dataset: str) -> list[str]:
        """The user's file of `grouping`, if it is a file."""
        if not self.groups(evaluation, dataset):
            return []
        return self.given.inputs("groups", self.data.prompts_of(dataset))

    def group_prompts(self, evaluation: str, dataset: str) -> OptionalPath:
        """The prompts of the groups, if there are any."""
        groups = self.groups(evaluation, dataset)
        return self.layout.prompts(groups["prompts"]) if groups else []

    def group_pairs(self, evaluation: str, dataset: str, shard: int) -> OptionalPath:
        """The pairs of images and groups, if there are any."""
        groups = self.groups(evaluation, dataset)
        return self.layout.pairs(evaluation, dataset, GROUPS, shard) if groups else []

    def best_groups(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """How the rule `pairs` chooses the best groups; {} without groups."""
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
