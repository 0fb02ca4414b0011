"""The benchmark of the Python interface: its key is `interface` in the section `benchmark`."""

from __future__ import annotations

from typing import Any

from plan import Plan


class InterfacePlan:
    """The plan of the rule `benchmark_interface`, which a config need not have."""

    def __init__(self, spec: dict[str, Any], plan: Plan, folder: str) -> None:
        self.spec, self.plan, self.folder = spec.get("interface", {}), plan, folder
        self.evaluations = plan.evaluations

    def csv(self) -> list[str]:
        """The times, if the config asks for them."""
        return [f"{self.folder}/interface.csv"] if self.spec else []

    @property
    def names(self) -> tuple[str, str]:
        """The evaluation and the data set."""
        return self.spec["evaluation"], self.spec["dataset"]

    def inputs(self) -> dict[str, Any]:
        """The inputs of the job; none without the key."""
        if not self.spec:
            return {}
        evaluation, dataset = self.names
        return {
            "latents": self.evaluations.first_latents(evaluation, dataset),
            "conditions": self.evaluations.class_conditions(evaluation, dataset),
            "noise": self.evaluations.noise(evaluation),
            "model": self.evaluations.model_inputs(evaluation),
            "timesteps": self.evaluations.timesteps(evaluation, dataset),
            "prompts": self.plan.data.prompts(dataset),
            "data": self.plan.layout.data(dataset),
        }

    def parameters(self) -> dict[str, Any]:
        """The parameters of the job; none without the key."""
        if not self.spec:
            return {}
        evaluation, dataset = self.names
        model = self.evaluations.model(evaluation)
        stages = self.evaluations.stages(evaluation, dataset)
        return {
            "spec": self.spec,
            "family": self.evaluations.family(evaluation),
            "preprocess": self.plan.models.preprocess(model),
            "stages": {key: stages[key] for key in ("samples", "keep")},
            "race": self.evaluations.race(evaluation, dataset, 1),
            "batch_size": self.evaluations.batch_size(evaluation),
            "dtype": self.evaluations.dtype(evaluation),
        }

    def model_folder(self) -> str:
        """The folder of the model's weights; empty without the key."""
        return self.evaluations.folder(self.names[0]) if self.spec else ""

    def memory(self) -> int:
        return self.plan.resources.evaluation_memory(self.names[0]) if self.spec else 1000
