"""What is benchmarked: which files the section `benchmark` of a config wants, and their parameters.

Plain functions of names over the section and the plan of the main workflow, without Snakemake.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.config.methods import stages_of
from layout import GROUPS
from plan import Plan

FIGURES = {
    "throughput": "evaluations per second",
    "peak": "share of the machine's peak",
    "growth": "growth of cost",
    "shares": "what a whole run is spent on",
    "policies": "accuracy against evaluations per image",
}


class BenchmarkPlan:
    """The section `benchmark` of a config, `spec`, beside the `plan` of the main workflow."""

    def __init__(self, spec: dict[str, Any], plan: Plan) -> None:
        self.spec, self.plan, self.layout = spec, plan, plan.layout
        self.evaluations, self.data = plan.evaluations, plan.data
        self.folder = f"{plan.layout.results}/benchmarks"

    def wanted(self) -> list[str]:
        """What `snakemake` makes when asked for nothing in particular."""
        return [f"{self.folder}/benchmarks.html", *self.figures("svg")]

    def others(self) -> list[str]:
        """Data sets and evaluations that no table has: their jobs are no part of the run proper."""
        shown: set[str] = set()
        for table, spec in self.plan.config["tables"].items():
            shown |= {*self.plan.tables.datasets(table), *spec["methods"]}
        asked = {name for policies in self._policies().values() for name in policies.values()}
        return sorted({self.spec["shard"]["dataset"], *self._policies(), *asked} - shown)

    # --- what is timed

    def timed_inputs(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """What the rule `errors` takes of an evaluation's first shard."""
        return {
            "latents": self.evaluations.first_latents(evaluation, dataset),
            "conditions": self.evaluations.class_conditions(evaluation, dataset),
            "noise": self.evaluations.noise(evaluation),
            "model": self.evaluations.model_inputs(evaluation),
        }

    def label(self, evaluation: str) -> str:
        """What the model is called."""
        return self.plan.models.spec(self.evaluations.model(evaluation))["label"]

    def miniature(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """The config's entry of a timed evaluation, with how often it is repeated."""
        asked = (evaluation, dataset)
        return next(
            entry | {"repeats": self.spec["miniature"]["repeats"]}
            for entry in self.spec["miniature"]["models"]
            if (entry["evaluation"], entry["dataset"]) == asked
        )

    def records(self) -> list[str]:
        """The records of all comparisons of engine and plain loop."""
        full = self.spec["full_size"]
        return [
            self.miniature_record(entry["evaluation"], entry["dataset"], dtype)
            for entry in self.spec["miniature"]["models"]
            for dtype in entry.get("dtypes", [self.evaluations.dtype(entry["evaluation"])])
        ] + [
            self.full_size_record(network, dtype)
            for network in full["networks"]
            for dtype in full["dtypes"]
        ]

    def miniature_record(self, evaluation: str, dataset: str, dtype: str) -> str:
        return f"{self.folder}/throughput/miniature/{evaluation}/{dataset}/{dtype}.json"

    def full_size_record(self, network: str, dtype: str) -> str:
        return f"{self.folder}/throughput/full_size/{network}/{dtype}.json"

    def growth_inputs(self) -> dict[str, Any]:
        """`timed_inputs` of the evaluation whose cost is followed as it grows."""
        return self.timed_inputs(self.growing_evaluation(), self.spec["growth"]["dataset"])

    def growing_evaluation(self) -> str:
        return self.spec["growth"]["evaluation"]

    def growth_counts(self) -> dict[str, list[int]]:
        """How many classes, images and timesteps."""
        return {key: self.spec["growth"][key] for key in ("classes", "images", "timesteps")}

    # --- a race by paired t-test

    def races(self) -> list[str]:
        """The names of races by paired t-test."""
        return [*self.spec.get("ttest", {})]

    def race(self, ttest: str) -> dict[str, Any]:
        """The config's entry of a race: the evaluation whose samples it takes, and its test."""
        return self.spec["ttest"][ttest]

    def raced(self, ttest: str) -> str:
        return self.race(ttest)["evaluation"]

    def race_inputs(self, ttest: str, dataset: str) -> dict[str, Any]:
        """What a job depends on that runs such a race on a data set."""
        evaluation = self.raced(ttest)
        inputs = self.timed_inputs(evaluation, dataset)
        return inputs | {
            "prompts": self.data.prompts(dataset),
            "data": self.layout.data(dataset),
            "latents": self.data.latents(self.evaluations.model(evaluation), dataset),
        }

    def race_family(self, ttest: str) -> str:
        return self.evaluations.family(self.raced(ttest))

    def race_memory(self, ttest: str) -> int:
        return self.plan.resources.evaluation_memory(self.raced(ttest))

    def race_parameters(self, ttest: str, dataset: str) -> dict[str, Any]:
        """How a race is run; its samples have an order whose every beginning is spread evenly."""
        evaluation = self.raced(ttest)
        return {
            "family": self.evaluations.family(evaluation),
            "folder": self.evaluations.folder(evaluation),
            "samples": self.evaluations.spread_samples(evaluation, dataset),
            "loss": self.evaluations.loss(evaluation, dataset),
            "minimum": self.race(ttest)["minimum"],
            "cutoff": self.race(ttest)["cutoff"],
            "batch_size": self.evaluations.batch_size(evaluation),
        }

    def race_dtype(self, ttest: str) -> str:
        return self.evaluations.dtype(self.raced(ttest))

    def race_predictions(self, ttest: str, dataset: str) -> str:
        return f"{self.folder}/ttest/{ttest}/{dataset}.parquet"

    # --- policies

    def _policies(self) -> dict[str, dict[str, str]]:
        return self.spec.get("policies", {})

    def policy_predictions(self) -> list[str]:
        """Predictions of all policies, data set by data set."""
        return [
            self.race_predictions(name, dataset)
            if name in self.spec.get("ttest", {})
            else self.layout.predictions(name, dataset)
            for dataset, policies in self._policies().items()
            for name in policies.values()
        ]

    def policy_losses(self) -> dict[str, dict[str, str]]:
        """Data set → policy → the loss it goes by."""
        tests = self.spec.get("ttest", {})
        return {
            dataset: {
                label: stages_of(
                    self.plan.config, tests.get(name, {}).get("evaluation", name), dataset
                )["loss"]
                for label, name in policies.items()
            }
            for dataset, policies in self._policies().items()
        }

    def policies_csv(self) -> list[str]:
        """Evaluations and accuracy of every policy, where asked for."""
        return [f"{self.folder}/policies.csv"] if self._policies() else []

    def compared_csv(self) -> list[str]:
        """Every policy beside the first of its data set, where asked for."""
        return [f"{self.folder}/policies-compared.csv"] if self._policies() else []

    # --- what a run is spent on

    def shard_label(self) -> str:
        return self.data.spec(self.spec["shard"]["dataset"])["label"]

    def shard_predictions(self) -> str:
        spec = self.spec["shard"]
        return self.layout.predictions(spec["evaluation"], spec["dataset"])

    def shard_jobs(self) -> list[str]:
        """The jobs that classify the shard's images, from data to predictions, by their logs."""
        name, data = self.spec["shard"]["evaluation"], self.spec["shard"]["dataset"]
        prompts, timesteps = self.data.prompts_of(data), self.evaluations.timesteps(name, data)
        stages = [*self.evaluations.numbers(name, data)]
        outputs = [
            self.evaluations.first_latents(name, data),
            self.evaluations.class_conditions(name, data),
            self.evaluations.noise(name),
            *([timesteps] if timesteps else []),
        ]
        results = self.layout.results
        jobs = [Path(file).relative_to(results).with_suffix("").as_posix() for file in outputs]
        jobs += [f"dataset/{data}", f"prompts/{prompts}", f"predictions/{name}/{data}"]
        if grouped := self.plan.candidates.groups(name, data):
            stages.append(GROUPS)
            jobs += [f"prompts/{grouped['prompts']}"]
            jobs += [f"conditions/{self.evaluations.model(name)}/{grouped['prompts']}"]
        for shard in range(self.data.shards(data)):
            jobs += [f"pairs/{name}/{data}/{shard}", f"group_pairs/{name}/{data}/{shard}"]
            jobs += [f"predictions/{name}/{data}/{shard}"]
            jobs += [f"prune/{name}/{data}/stage{stage}/{shard}" for stage in stages if stage > 1]
            jobs += [
                f"errors/{name}/{data}/stage{stage}/{shard}-{part}"
                for stage in stages
                for part in range(self.evaluations.parts(name))
            ]
        model = self.evaluations.model(name)
        together = self.plan.together
        jobs += [f"latents/{model}"] if data in together.datasets().get(model, []) else []
        jobs += [f"conditions/{model}"] if prompts in together.prompts().get(model, []) else []
        return jobs

    # --- the notebook

    def figures(self, format: str) -> list[str]:
        """The figures of the notebook, without those of parts that are not asked for."""
        return [f"{self.folder}/benchmarks-{name}.{format}" for name in self.shown()]

    def shown(self) -> dict[str, str]:
        """Name and title of each figure."""
        left_out = set() if self._policies() else {"policies"}
        return {name: title for name, title in FIGURES.items() if name not in left_out}

    def notebook(self) -> str:
        return str(self.plan.tables.workflow / "notebooks" / "benchmarks.ipynb")

    def parameters(self) -> dict[str, Any]:
        """What papermill puts into the notebook's parameters cell."""
        return {
            "records": self.records(),
            "growth": f"{self.folder}/growth.csv",
            "shares": f"{self.folder}/shares.csv",
            "rules": f"{self.folder}/shares-by-rule.csv",
            "policies": next(iter(self.policies_csv()), ""),
            "compared": next(iter(self.compared_csv()), ""),
            "datasets": {n: entry["label"] for n, entry in self.plan.config["datasets"].items()},
            "throughput": f"{self.folder}/throughput.csv",
            "machine": f"{self.folder}/machine.txt",
            "figure": f"{self.folder}/benchmarks",
            "subtitle": self.spec.get("subtitle", ""),
        }
