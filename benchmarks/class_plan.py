"""The section `classes` of a benchmark: how cost grows with the number of classes."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.config.methods import stages_of
from plan import Plan


class ClassPlan:
    """`spec` is the section `benchmark`, `folder` that of its results."""

    def __init__(self, spec: dict[str, Any], plan: Plan, folder: str) -> None:
        self.spec, self.plan, self.folder = spec, plan, folder

    def counted(self) -> dict[str, dict[str, str]]:
        """The policies of the data sets in the section `classes`, in its order."""
        names = self.spec.get("classes", {}).get("datasets", [])
        return {dataset: self.spec["policies"][dataset] for dataset in names}

    def table(self) -> list[str]:
        """The table that belongs to the benchmark and not to the run, if there is one."""
        return [self.spec["classes"]["table"]] if "table" in self.spec.get("classes", {}) else []

    def questions(self) -> list[dict[str, Any]]:
        """The arguments of each row of the table of classes; paths are inputs of its rule."""
        return [
            {
                "dataset": dataset,
                "policy": policy,
                "predictions": self.plan.layout.predictions(name, dataset),
                "loss": stages_of(self.plan.config, name, dataset)["loss"],
                "steps": self._gradient_steps(name),
                "pairs": self._first_pairs(name, dataset),
                "prompts": self.plan.data.prompts(dataset),
                "data": self.plan.layout.data(dataset),
            }
            for dataset, policies in self.counted().items()
            for policy, name in policies.items()
        ]

    def inputs(self) -> dict[str, Any]:
        """The inputs of the table of classes."""
        rows = self.questions()
        evaluation = self.evaluation()
        return {
            **{key: [row[key] for row in rows] for key in ("predictions", "prompts", "data")},
            "pairs": [path for row in rows for path in row["pairs"]],
            "conditions": self.plan.evaluations.class_conditions(evaluation, [*self.counted()][-1]),
            "model": self.plan.evaluations.model_inputs(evaluation),
        }

    def evaluation(self) -> str:
        """The evaluation whose model's FLOPs are counted."""
        return next(iter(next(iter(self.counted().values())).values()))

    def shape(self) -> list[int]:
        """The shape of the model's latents."""
        return self.plan.models.shape(self.plan.evaluations.model(self.evaluation()))

    def _gradient_steps(self, evaluation: str) -> int:
        search = self.plan.evaluations.spec(evaluation).get("search", {})
        return search["samples"] if search.get("kind") == "gradient" else 0

    def _first_pairs(self, evaluation: str, dataset: str) -> list[str]:
        """The pairs of the first stage, if some classes are left out before."""
        if not self.plan.candidates.are_listed(evaluation, dataset):
            return []
        shards = range(self.plan.data.shards(dataset))
        return [self.plan.layout.pairs(evaluation, dataset, 1, shard) for shard in shards]

    def csv(self) -> list[str]:
        """The table of classes, if the config asks for it."""
        return [f"{self.folder}/classes.csv"] if self.counted() else []

    def exponents(self) -> list[str]:
        """The exponents of the table of classes, if the config asks for it."""
        return [f"{self.folder}/class-exponents.csv"] if self.counted() else []
