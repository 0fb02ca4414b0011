"""Tables: their methods and data sets, the files they come from, and how the report shows them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from diffusion_classifier.config.methods import (
    baseline_spec,
    data_sets,
    method_group,
    method_kind,
    method_names,
    method_varies,
    pretrained,
    questions,
    split_seed,
)
from diffusion_classifier.data.sources.webdataset import benchmark_task
from diffusion_classifier.scores.compared_kinds import COMPARED_KINDS
from diffusion_classifier.tables.kinds import KINDS, Kind
from layout import Layout

from .evaluations import Evaluations
from .given_files import Given


class Tables:
    """The section `tables` of a config."""

    def __init__(
        self,
        config: dict[str, Any],
        layout: Layout,
        evaluations: Evaluations,
        given: Given,
        workflow: Path,
    ) -> None:
        self.config, self.layout, self.evaluations = config, layout, evaluations
        self.given, self.workflow, self.data = given, workflow, evaluations.data
        self.names = method_names(config)
        self._captions = cache(self._read_captions)

    def spec(self, table: str) -> dict[str, Any]:
        """The config's entry of a table."""
        return self.config["tables"][table]

    def kind(self, table: str) -> Kind:
        return KINDS[self.spec(table)["kind"]]

    def scored_from(self, answers: str) -> list[str]:
        """The tables that are scored from `predictions`, `similarities` or `matches`."""
        return [name for name in self.config["tables"] if self.kind(name).answers == answers]

    def loss(self, table: str) -> str:
        """The loss by which a table compares methods."""
        return self.spec(table).get("loss", "l2")

    def pruning_loss(self, evaluation: str, dataset: str) -> str | None:
        """The loss by which stages prune, if a table shows each data set with its own loss."""
        shown = any(spec.get("loss") == "pruning" for spec in self.config["tables"].values())
        return self.evaluations.loss(evaluation, dataset) if shown else None

    # --- data sets

    def datasets(self, table: str) -> list[str]:
        """The data sets of a table's columns; for a compositional table, its one data set."""
        spec = self.spec(table)
        return spec["datasets"] if "datasets" in spec else [spec["dataset"]]

    def images(self, table: str) -> dict[str, str]:
        """The file of each of `datasets`."""
        return {name: self.layout.data(name) for name in self.datasets(table)}

    def prompts(self, table: str) -> dict[str, str]:
        """The prompts of each of `datasets`."""
        return {name: self.data.prompts(name) for name in self.datasets(table)}

    def first_images(self, table: str) -> str:
        """The file of a table's first data set."""
        return self.layout.data(self.datasets(table)[0])

    def first_prompts(self, table: str) -> str:
        """The prompts of a table's first data set."""
        return self.data.prompts(self.datasets(table)[0])

    def images_behind(self, table: str) -> dict[str, str]:
        """The file of every data set on which a table's numbers depend."""
        return {name: self.layout.data(name) for name in data_sets(self.config, table)}

    # --- methods

    def methods(self, table: str) -> list[str]:
        """All methods of a table: a baseline with seeds is one method per seed."""
        listed = self.spec(table)["methods"]
        evaluations = [name for name in self.names["diffusion"] if name in listed]
        baselines = [
            name
            for name in self.names["baseline"]
            if name in listed or split_seed(self.config, name)[0] in listed
        ]
        weighted = [name for name in self.config["weightings"] if name in listed]
        return evaluations + weighted + baselines

    def first(self, table: str) -> str:
        """The first diffusion classifier of a table, which its figures show."""
        return next(name for name in self.methods(table) if name in self.names["diffusion"])

    def method_spec(self, method: str) -> dict[str, Any]:
        """The config's entry of an evaluation, a weighting or a baseline."""
        if method in self.config["weightings"]:
            return self.config["weightings"][method]
        if method in self.names["diffusion"]:
            return self.evaluations.spec(method)
        return baseline_spec(self.config, method)

    def entries(self, table: str) -> dict[str, dict[str, str]]:
        """The label, kind and group of each method, and what varies in its repetitions."""
        return {
            method: {
                "label": self.method_spec(method)["label"],
                "kind": method_kind(self.config, method),
                "group": method_group(self.config, method),
                "varies": method_varies(self.config, method),
            }
            for method in self.methods(table)
        }

    def is_compared(self, table: str) -> bool:
        """Whether a table has a method for paired comparisons with diffusion classifiers."""
        kinds = {method_kind(self.config, method) for method in self.methods(table)}
        return not kinds.isdisjoint(COMPARED_KINDS)

    # --- answers

    def predictions(self, table: str) -> list[str]:
        """The predictions of all methods of a table on all its data sets."""
        return [
            self.layout.predictions(method, dataset)
            for method in self.methods(table)
            for dataset in self.datasets(table)
        ]

    def similarities(self, table: str) -> list[str]:
        """The similarities of all methods of a table."""
        (dataset,) = self.datasets(table)
        return [self.layout.similarities(method, dataset) for method in self.methods(table)]

    def matches(self, table: str) -> list[str]:
        """The similarities of all methods of a table on all its data sets."""
        return [self.layout.similarities(*answer) for answer in self.answers(table)]

    def evaluation_answers(self, table: str) -> dict[str, dict[str, str]]:
        """The predictions or similarities of a table's evaluations: evaluation → data set → file.

        Without those of evaluations that only its curves show.
        """
        sources = {"predictions": self.predictions, "similarities": self.similarities}
        answers = self.kind(table).answers
        made = set(sources.get(answers, self.matches)(table))
        place = self.layout.predictions if answers == "predictions" else self.layout.similarities
        found: dict[str, dict[str, str]] = {}
        for evaluation, dataset in questions(self.config, table):
            if (path := place(evaluation, dataset)) in made:
                found.setdefault(evaluation, {})[dataset] = path
        return found

    def answers(self, table: str) -> list[tuple[str, str]]:
        """Method and data set of each of `matches`."""
        return [(m, data) for data in self.datasets(table) for m in self.methods(table)]

    def weighted(self, table: str) -> dict[str, str]:
        """The methods of a table with learned weights: name → the evaluation that is weighted."""
        weightings = self.config["weightings"]
        return {m: weightings[m]["of"] for m in self.methods(table) if m in weightings}

    def data_files(self, table: str) -> list[str]:
        """The file of each of `datasets`."""
        return list(self.images(table).values())

    def prompt_files(self, table: str) -> list[str]:
        """The prompts of each of `datasets`."""
        return list(self.prompts(table).values())

    def first_predictions(self, table: str) -> dict[str, str]:
        """The predictions of the first diffusion classifier, by data set."""
        method = self.first(table)
        return {name: self.layout.predictions(method, name) for name in self.datasets(table)}

    # --- what a table depends on

    def weights(self, table: str) -> dict[str, str]:
        """The diffusion models of a table: name → the folder of weights, or its digest's file."""
        models = {self.evaluations.model(name) for name, _ in questions(self.config, table)}
        return {model: self.evaluations.models.proof(model) for model in sorted(models)}

    def weights_inputs(self, table: str) -> list[str]:
        """The files in `weights`."""
        models = self.weights(table)
        return [file for model in models for file in self.evaluations.models.proof_inputs(model)]

    def published(self, table: str) -> dict[str, Any]:
        """The file of published numbers, and the names in it of our methods and data sets."""
        if "published" not in self.spec(table):
            return {}
        named = {method_group(self.config, m): self.method_spec(m) for m in self.methods(table)}
        labels = {
            name: self.data.spec(name).get("published", name) for name in self.datasets(table)
        }
        return {
            "file": self.spec(table)["published"],
            "kind": self.spec(table)["kind"],
            "methods": {name: s["published"] for name, s in named.items() if "published" in s},
            "datasets": labels,
        }

    def clip_benchmark(self, table: str) -> dict[str, Any]:
        """How results in CLIP_benchmark's form name methods and data sets; only of accuracies."""
        if self.spec(table)["kind"] != "accuracy":
            return {}
        return {
            "methods": {
                method: {"model": method, "pretrained": pretrained(self.config, method)}
                for method in self.methods(table)
            },
            "datasets": {
                name: benchmark_task(self.data.spec(name)) or name for name in self.datasets(table)
            },
        }

    def first_stages(self, table: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Evaluations that leave classes out: label → data set → first stage's pairs, and prompts.

        For several trainings of a model, those of the first.
        """
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for name in (name for name in self.methods(table) if name in self.names["diffusion"]):
            spec = self.evaluations.spec(name)
            for dataset in self.datasets(table):
                if self.evaluations.candidates.are_listed(name, dataset):
                    shards = range(self.data.shards(dataset))
                    pairs = [self.layout.pairs(name, dataset, 1, shard) for shard in shards]
                    files = {"pairs": pairs, "prompts": self.data.prompts(dataset)}
                    found.setdefault(spec["label"], {}).setdefault(dataset, files)
        return found

    # --- the report

    def notebook(self, table: str) -> str:
        return str(self.workflow / "notebooks" / f"{self.kind(table).notebook}.ipynb")

    def captions(self, table: str) -> dict[str, str]:
        """The report's caption for each file of a table."""
        return {file: part["caption"] for file, part in self._shown(table).items()}

    def labels(self, table: str, shown: str, format: str) -> dict[str, str]:
        """The report's title for the file `shown`.`format` of a table."""
        file = f"{shown}.{format}"
        return {"what": self._shown(table).get(file, {"title": file})["title"]}

    def category(self, table: str) -> str:
        """The report's heading for a table."""
        return self.kind(table).category

    def _shown(self, table: str) -> dict[str, dict[str, str]]:
        return self._captions()[self.spec(table)["kind"]]

    def _read_captions(self) -> dict[str, dict[str, dict[str, str]]]:
        text = (self.workflow / "report" / "captions.yaml").read_text(encoding="utf-8")
        return yaml.safe_load(text)
