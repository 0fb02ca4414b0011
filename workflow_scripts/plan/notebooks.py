"""The parameters of each kind of notebook, which papermill writes into the parameters cell.

A part that a table does not have is empty; the notebook is run without its cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from diffusion_classifier.config.methods import drawn_by, same_images, version_of
from diffusion_classifier.data.sources.matching import has_effects

from .curve_jobs import Curves
from .pictures import Pictures
from .tables import Tables


class Notebooks:
    """Parameters of notebooks, and the files that they name, by table."""

    def __init__(self, tables: Tables, pictures: Pictures, curves: Curves) -> None:
        self.tables, self.pictures, self.curves = tables, pictures, curves
        self.config, self.layout = tables.config, tables.layout
        self.data, self.evaluations = tables.data, tables.evaluations
        self._of_kind = {
            "robustness": self._robustness,
            "accuracy": self._accuracy,
            "self-bench": self._self_bench,
            "compositional": self._compositional,
            "matching": self._matching,
        }

    def parameters(self, table: str) -> dict[str, Any]:
        """The parameters of a table's notebook."""
        spec = self.tables.spec(table)
        common = {
            "table": table,
            "scores": self.layout.scores(table),
            "correct": self.layout.scores(table, "correct"),
            "folder": self.layout.table(table),
            "subtitle": spec.get("subtitle", ""),
            "loss": self.tables.loss(table),
        }
        if self.tables.kind(table).answers != "matches":
            common["published"] = self.tables.published(table)
        return common | self._of_kind[spec["kind"]](table)

    def inputs(self, table: str) -> dict[str, Any]:
        """The inputs of a table's job: all files that the notebook and provenance read."""
        files = {
            key: list(_files(value, self.layout.results))
            for key, value in self.parameters(table).items()
            if key != "folder"
        }
        if self.tables.clip_benchmark(table):
            files["clip_benchmark"] = [self.layout.scores(table, "clip-benchmark")]
        return {key: value for key, value in files.items() if value} | {
            "notebook": self.tables.notebook(table),
            "given": self.tables.given.inputs("tables", table),
            "weights": self.tables.weights_inputs(table),
            "data_sets": list(self.tables.images_behind(table).values()),
            "answers": list(_files(self.tables.evaluation_answers(table), self.layout.results)),
        }

    def _described(self, table: str) -> dict[str, Any]:
        """The parameters common to notebooks that compare data sets."""
        names = self.tables.datasets(table)
        behind = self.tables.images_behind(table)
        paired = self.layout.scores(table, "paired") if self.tables.is_compared(table) else ""
        return {
            "predictions": self.tables.first_predictions(table),
            "data": self.tables.images(table),
            "data_behind": {file: self.data.spec(name)["label"] for name, file in behind.items()},
            "datasets": {name: self.data.spec(name)["label"] for name in names},
            "descriptions": {name: self.data.spec(name).get("description", "") for name in names},
            "paired": paired,
            "first_stages": self.tables.first_stages(table),
            "probabilities": self._probabilities(table),
        }

    def _probabilities(self, table: str) -> dict[str, str]:
        """The files of the rule `probabilities`, if a table has them."""
        parts = ("probabilities", "reliability", "coverage", "calibration")
        if "probabilities" not in self.tables.spec(table):
            return {}
        return {part: self.layout.scores(table, part) for part in parts}

    # --- robustness

    def _robustness(self, table: str) -> dict[str, Any]:
        spec, names = self.tables.spec(table), self.tables.datasets(table)
        chosen = {name: self.data.spec(name) for name in names if "pool" in self.data.spec(name)}
        parameters = {
            "curve_dataset": "",
            "curve_file": self.curves.file(table),
            "curve_predictions": {},
            "chosen_by": {name: entry["wrong_by"] for name, entry in chosen.items()},
            "plot_losses": [self.tables.loss(table)],
            "same_images": same_images(self.config, names[0], names[1:]),
        }
        if "curves" in spec:
            first, dataset = self.tables.first(table), spec["curves"]["dataset"]
            schedule = self.layout.predictions(first, dataset)  # with pruning, for comparison
            parameters |= {
                "curve_dataset": dataset,
                "curve_predictions": {self.evaluations.spec(first)["label"]: schedule},
            }
        return self._described(table) | parameters

    # --- accuracy

    def _accuracy(self, table: str) -> dict[str, Any]:
        spec = self.tables.spec(table)
        return self._described(table) | {
            "prompts": self.tables.prompts(table),
            "curve_file": self.curves.file(table),
            "reconstructions": self.pictures.reconstructions(table),
            "recon_dataset": self.pictures.reconstructed(table).get("dataset", ""),
            "confusion_datasets": spec.get("confusion", []),
            "trend": self._trend(table),
            "weighted": self._weighted(table),
        }

    def _weighted(self, table: str) -> list[dict[str, Any]]:
        """Weightings of a table on each data set: what they are called, and their files.

        Draws and trainings of one weighting share an entry.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for name in self.tables.methods(table):
            if name not in self.config["weightings"]:
                continue
            spec, entry = self.config["weightings"][name], self.tables.entries(table)[name]
            for dataset in self.tables.datasets(table):
                common = {"method": entry["label"], "varies": entry["varies"], "dataset": dataset}
                new = common | {"weighted": [], "equal": [], "weights": []}
                files = found.setdefault((entry["group"], dataset), new)
                files["weighted"].append(self.layout.predictions(name, dataset))
                files["weights"].append(self.layout.timestep_weights(name, dataset))
                equal = self.layout.predictions(spec["of"], dataset)
                files["equal"] += [] if equal in files["equal"] else [equal]
        return list(found.values())

    def _trend(self, table: str) -> dict[str, dict[str, list[str]]]:
        """Predictions of the model versions in a trend: label → data set → files.

        All trainings of a version have its label.
        """
        spec = self.tables.spec(table).get("trend", {"methods": []})
        found: dict[str, dict[str, list[str]]] = {}
        for method in spec["methods"]:
            version = found.setdefault(version_of(self.config, method), {})
            for name in spec.get("datasets", self.tables.datasets(table)):
                version.setdefault(name, []).append(self.layout.predictions(method, name))
        return found

    # --- Self-Bench

    def _self_bench(self, table: str) -> dict[str, Any]:
        names, ours = self.tables.datasets(table), self.tables.names["diffusion"]
        models = {
            method: self.evaluations.model(method) if method in ours else ""
            for method in self.tables.methods(table)
        }
        described = self._described(table)
        return {key: described[key] for key in ("data_behind", "datasets", "descriptions")} | {
            "data": self.tables.images(table),
            "prompts": self.tables.prompts(table),
            "predictions": self.tables.first_predictions(table),
            "drawn_by": {name: drawn_by(self.config, name) for name in names},
            "drawings": {
                name: self.layout.data(self.data.spec(name)["drawn"])
                for name in names
                if "drawn" in self.data.spec(name)
            },
            "model_of": models,
            "models": {
                name: self.evaluations.models.spec(name)["label"]
                for name in dict.fromkeys(drawn_by(self.config, data) for data in names)
                if name
            },
        }

    # --- compositional reasoning

    def _compositional(self, table: str) -> dict[str, Any]:
        first, (dataset,) = self.tables.first(table), self.tables.datasets(table)
        return {
            "data": self.layout.data(dataset),
            "prompts": self.data.prompts(dataset),
            "curve_file": self.curves.file(table),
            "similarity": self.layout.similarities(first, dataset),
            "maps": self.pictures.spatial(table),
            "examples": self.pictures.examples(table),
            "preprocess": self.evaluations.models.preprocess(self.evaluations.model(first)),
            "description": self.data.spec(dataset).get("description", ""),
        }

    # --- matching tasks

    def _matching(self, table: str) -> dict[str, Any]:
        names, behind = self.tables.datasets(table), self.tables.images_behind(table)
        return {
            "paired": self.layout.scores(table, "paired"),
            "weighting": self.layout.scores(table, "weighting"),
            "weighted": self._matching_weights(table),
            "effects": self.layout.scores(table, "effects"),
            "has_scores": not all(has_effects(self.data.spec(name)) for name in names),
            "has_effects": any(has_effects(self.data.spec(name)) for name in names),
            "data": self.tables.images(table),
            "data_behind": {file: self.data.spec(name)["label"] for name, file in behind.items()},
            "datasets": {name: self.data.spec(name)["label"] for name in names},
            "descriptions": {name: self.data.spec(name).get("description", "") for name in names},
            "benchmarks": {
                name: self.data.spec(name)["benchmark"]
                for name in names
                if "benchmark" in self.data.spec(name)
            },
        }

    def _matching_weights(self, table: str) -> list[dict[str, Any]]:
        """The weights that were learned on each data set: of all draws of a weighting."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for name, dataset in product(self.tables.weighted(table), self.tables.datasets(table)):
            entry = self.tables.entries(table)[name]
            new = {"method": entry["label"], "dataset": dataset, "weights": []}
            files = found.setdefault((entry["group"], dataset), new)["weights"]
            files.append(self.layout.matching_weights(name, dataset))
        return list(found.values())


def _files(value: Any, results: str) -> Iterator[str]:
    """The paths below `results` among a notebook's parameters: texts, lists and dictionaries."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _files(key, results)
            yield from _files(item, results)
    elif isinstance(value, list):
        for item in value:
            yield from _files(item, results)
    elif isinstance(value, str) and value.startswith(f"{results}/"):
        yield value
