"""The files that the section `benchmark` of a config asks for, and the parameters of their rules.

As in `plan`, functions take names and know nothing of Snakemake.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from class_plan import ClassPlan
from interface_plan import InterfacePlan

from diffusion_classifier.config.methods import data_sets, stages_of
from layout import GROUPS
from plan import Plan

FIGURES = {
    "throughput": "evaluations per second",
    "peak": "share of the machine's peak",
    "growth": "growth of cost",
    "shares": "what a whole run is spent on",
    "policies": "accuracy against evaluations per image",
    "classes": "cost against the number of classes",
    "flops": "accuracy against FLOPs per image",
}


class BenchmarkPlan:
    """The plan of the benchmarks: `spec` is the section `benchmark`, `plan` the main workflow's."""

    def __init__(self, spec: dict[str, Any], plan: Plan) -> None:
        self.spec, self.plan, self.layout = spec, plan, plan.layout
        self.evaluations, self.data = plan.evaluations, plan.data
        self.folder = f"{plan.layout.results}/benchmarks"
        self.classes = ClassPlan(spec, plan, self.folder)
        self.interface = InterfacePlan(spec, plan, self.folder)

    def wanted(self) -> list[str]:
        """The targets of the rule `all`."""
        return [f"{self.folder}/benchmarks.html", *self.figures("svg")]

    def others(self) -> list[str]:
        """Data sets and evaluations that are in no table; their jobs do not count as the run's."""
        shown: set[str] = set()
        own = self.classes.table()
        for table, spec in self.plan.config["tables"].items():
            if table not in own:
                shown |= {*self.plan.tables.datasets(table), *spec["methods"]}
        compared = {name for policies in self._policies().values() for name in policies.values()}
        others = {self.spec["shard"]["dataset"], *self._policies(), *compared}
        for table in own:
            others |= {*self.plan.config["tables"][table]["methods"]}
            others |= {*data_sets(self.plan.config, table)}
        return sorted(others - shown - self._behind(own))

    def _behind(self, own: list[str]) -> set[str]:
        """The data sets on which all tables but the benchmark's `own` depend."""
        tables = [table for table in self.plan.config["tables"] if table not in own]
        return {name for table in tables for name in data_sets(self.plan.config, table)}

    # --- throughput and growth

    def timed_inputs(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """The inputs of the rule `errors` for an evaluation's first shard."""
        return {
            "latents": self.evaluations.first_latents(evaluation, dataset),
            "conditions": self.evaluations.class_conditions(evaluation, dataset),
            "noise": self.evaluations.noise(evaluation),
            "model": self.evaluations.model_inputs(evaluation),
        }

    def label(self, evaluation: str) -> str:
        """The label of an evaluation's model."""
        return self.plan.models.spec(self.evaluations.model(evaluation))["label"]

    def miniature(self, evaluation: str, dataset: str) -> dict[str, Any]:
        """The config's entry of a timed evaluation, with the number of `repeats`."""
        names = (evaluation, dataset)
        return next(
            entry | {"repeats": self.spec["miniature"]["repeats"]}
            for entry in self.spec["miniature"]["models"]
            if (entry["evaluation"], entry["dataset"]) == names
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
        """`timed_inputs` of the evaluation in the section `growth`."""
        return self.timed_inputs(self.growing_evaluation(), self.spec["growth"]["dataset"])

    def growing_evaluation(self) -> str:
        return self.spec["growth"]["evaluation"]

    def growth_counts(self) -> dict[str, list[int]]:
        """The numbers of classes, images and timesteps to time."""
        return {key: self.spec["growth"][key] for key in ("classes", "images", "timesteps")}

    # --- a race by paired t-test

    def races(self) -> list[str]:
        """The names of races by paired t-test."""
        return [*self.spec.get("ttest", {})]

    def race(self, ttest: str) -> dict[str, Any]:
        """The config's entry of a race: its evaluation, and the t-test's `minimum` and `cutoff`."""
        return self.spec["ttest"][ttest]

    def raced(self, ttest: str) -> str:
        return self.race(ttest)["evaluation"]

    def race_inputs(self, ttest: str, dataset: str) -> dict[str, Any]:
        """The inputs of a race on a data set."""
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
        """The parameters of a race; any first part of its samples is spread evenly."""
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
        """Data set → policy → the loss that the policy uses."""
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
        """The table of policies, if the config has any."""
        return [f"{self.folder}/policies.csv"] if self._policies() else []

    def compared_csv(self) -> list[str]:
        """The comparison of every policy with the first of its data set, if there are policies."""
        return [f"{self.folder}/policies-compared.csv"] if self._policies() else []

    # --- shares of a run's time

    def shard_label(self) -> str:
        return self.data.spec(self.spec["shard"]["dataset"])["label"]

    def shard_predictions(self) -> str:
        spec = self.spec["shard"]
        return self.layout.predictions(spec["evaluation"], spec["dataset"])

    def shard_jobs(self) -> list[str]:
        """The names, as in their logs, of the jobs that classify the images of the shard."""
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
        return jobs

    # --- the notebook

    def figures(self, format: str) -> list[str]:
        """The notebook's figures, without the policies' if the config has none."""
        return [f"{self.folder}/benchmarks-{name}.{format}" for name in self.shown()]

    def shown(self) -> dict[str, str]:
        """Name → title of the figures."""
        left_out = set() if self._policies() else {"policies"}
        left_out |= set() if self.classes.counted() else {"classes", "flops"}
        return {name: title for name, title in FIGURES.items() if name not in left_out}

    def notebook(self) -> str:
        return str(self.plan.tables.workflow / "notebooks" / "benchmarks.ipynb")

    def parameters(self) -> dict[str, Any]:
        """The values of the notebook's parameters cell."""
        return {
            "records": self.records(),
            "growth": f"{self.folder}/growth.csv",
            "shares": f"{self.folder}/shares.csv",
            "rules": f"{self.folder}/shares-by-rule.csv",
            "policies": next(iter(self.policies_csv()), ""),
            "compared": next(iter(self.compared_csv()), ""),
            "classes": next(iter(self.classes.csv()), ""),
            "exponents": next(iter(self.classes.exponents()), ""),
            "interface": next(iter(self.interface.csv()), ""),
            "datasets": {n: entry["label"] for n, entry in self.plan.config["datasets"].items()},
            "throughput": f"{self.folder}/throughput.csv",
            "machine": f"{self.folder}/machine.txt",
            "figure": f"{self.folder}/benchmarks",
            "subtitle": self.spec.get("subtitle", ""),
        }
