"""Probabilities of tables: which errors and predictions they are made of."""

from __future__ import annotations

from math import prod
from typing import Any

from diffusion_classifier.config.methods import method_group, method_kind

from .resources import Resources
from .tables import Tables


class Probabilities:
    """The key `probabilities` of tables."""

    def __init__(self, tables: Tables, resources: Resources) -> None:
        self._tables, self.resources = tables, resources
        self.evaluations, self.layout, self.data = tables.evaluations, tables.layout, tables.data

    def tables(self) -> list[str]:
        """The tables with probabilities."""
        return [name for name in self._tables.config["tables"] if self.spec(name)]

    def spec(self, table: str) -> dict[str, Any]:
        """The entry of a table; empty if it has none."""
        return self._tables.spec(table).get("probabilities", {})

    def datasets(self, table: str) -> list[str]:
        """The data sets whose probabilities are scored."""
        return self.spec(table).get("datasets", self._tables.datasets(table))

    def calibration(self, table: str, dataset: str) -> str:
        """The data set on which the probabilities of `dataset` are calibrated."""
        return self.spec(table)["calibration"][self.data.prompts_of(dataset)]

    def behind(self, table: str) -> list[str]:
        """All data sets that are read, each once."""
        names = self.datasets(table)
        return list(dict.fromkeys([*names, *(self.calibration(table, name) for name in names)]))

    def methods(self, table: str) -> dict[str, list[str]]:
        """The label of each method with probabilities → its trainings."""
        found: dict[str, list[str]] = {}
        for name in self._tables.methods(table):
            if method_kind(self._tables.config, name) in ("diffusion", "baseline", "more-data"):
                found.setdefault(self.label(name), []).append(name)
        return found

    def label(self, method: str) -> str:
        return self._tables.method_spec(method)["label"]

    def questions(self, table: str) -> list[dict[str, Any]]:
        """Each method and data set, with the sources of its trainings on both kinds of images."""
        return [
            {
                "method": label,
                "dataset": dataset,
                "asked": [self._source(table, name, dataset) for name in names],
                "calibration": [
                    self._source(table, name, self.calibration(table, dataset)) for name in names
                ],
            }
            for label, names in self.methods(table).items()
            for dataset in self.datasets(table)
        ]

    def _source(self, table: str, method: str, dataset: str) -> dict[str, Any]:
        """The errors (by shard) or the predictions of one training on a data set."""
        if method not in self._tables.names["diffusion"]:
            predictions = self.layout.predictions(method, dataset)
            return {"dataset": dataset, "loss": "", "predictions": predictions, "scale": 1.0}
        loss = self._tables.loss(table)
        shape = self.evaluations.models.shape(self.evaluations.model(method))
        return {
            "dataset": dataset,
            "loss": self.evaluations.loss(method, dataset) if loss == "pruning" else loss,
            "errors": [
                self.evaluations.shard_errors(method, dataset, shard)
                for shard in range(self.data.shards(dataset))
            ],
            "combine": self.evaluations.combine(method),
            "scale": float(prod(shape)),
        }

    def errors(self, table: str) -> list[str]:
        """All files of errors."""
        return [
            path for source in self._sources(table)
            for shard in source.get("errors", []) for path in shard
        ]  # fmt: skip

    def predictions(self, table: str) -> list[str]:
        """All files of predictions."""
        sources = self._sources(table)
        return [source["predictions"] for source in sources if "predictions" in source]

    def _sources(self, table: str) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for question in self.questions(table):
            for side in ("asked", "calibration"):
                for number, source in enumerate(question[side]):
                    found[f"{question['method']}/{number}", source["dataset"]] = source
        return list(found.values())

    def fusions(self, table: str) -> list[dict[str, str]]:
        """The fusions: their labels, and those of the two methods."""
        label_of = {
            method_group(self._tables.config, name): label
            for label, names in self.methods(table).items()
            for name in names
        }
        return [
            {"label": spec["label"], "of": label_of[spec["of"]], "with": label_of[spec["with"]]}
            for spec in self.spec(table).get("fusions", [])
        ]

    def priors(self, table: str) -> dict[str, list[float]]:
        """p(c) by data set, where it is given."""
        given = self.spec(table).get("priors", {})
        names = {name: self.data.prompts_of(name) for name in self.datasets(table)}
        return {name: given[prompts] for name, prompts in names.items() if prompts in given}

    def images(self, table: str) -> dict[str, str]:
        """The file of every data set that is read."""
        return {name: self.layout.data(name) for name in self.behind(table)}

    def prompts(self, table: str) -> dict[str, str]:
        """The prompts of every data set that is read."""
        return {name: self.data.prompts(name) for name in self.behind(table)}

    def data_files(self, table: str) -> list[str]:
        return list(self.images(table).values())

    def prompt_files(self, table: str) -> list[str]:
        return list(dict.fromkeys(self.prompts(table).values()))

    def memory(self, table: str) -> int:
        """MB of the job, which holds the errors of one shard."""
        names = [name for name in self._tables.methods(table)
                 if name in self._tables.names["diffusion"]]  # fmt: skip
        shards = [
            self.resources.reading_memory(name, dataset)
            for name in names for dataset in self.behind(table)
        ]  # fmt: skip
        return 2000 + 3 * max(shards, default=0)
