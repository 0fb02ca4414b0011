"""Tables: which methods and data sets they show, what they are made of, and how they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from diffusion_classifier.config.methods import (
    baseline_spec,
    data_sets,
    groups_of,
    method_group,
    method_kind,
    method_names,
    method_varies,
    questions,
    split_seed,
)
from diffusion_classifier.scores.paired_tests import COMPARED_KINDS
from diffusion_classifier.tables.kinds import KINDS, Kind
from layout import Layout

from .evaluations import Evaluations
from .given import Given


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

    def spec(self, table: str) -> dict[str, Any]:
        """The config's entry of a table."""
        return self.config["tables"][table]

    def kind(self, table: str) -> Kind:
        return KINDS[self.spec(table)["kind"]]

    def scored_from(self, answers: str) -> list[str]:
        """The tables that are scored from `predictions`, `similarities` or `matches`."""
        return [name for name in self.config["tables"] if self.kind(name).answers == answers]

    def loss(self, table: str) -> str:
        """The loss that a table compares and draws."""
        return self.spec(table).get("loss", "l2")

    def pruning_loss(self, evaluation: str, dataset: str) -> str | None:
        """The loss that stages prune by, where a table shows each data set under its own."""
        asked = any(spec.get("loss") == "pruning" for spec in self.config["tables"].values())
        return self.evaluations.loss(evaluation, dataset) if asked else None

    # --- data sets

    def datasets(self, table: str) -> list[str]:
        """The data sets of a table's columns; of a compositional table the one it is about."""
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
        """The file of every data set that a table's numbers come from."""
        return {name: self.layout.data(name) for name in data_sets(self.config, table)}

    # --- methods

    def methods(self, table: str) -> list[str]:
        """All methods of a table: a baseline with seeds is one method per seed."""
        listed = self.spec(table)["methods"]
        ours = [name for name in self.names["diffusion"] if name in listed]
        baselines = [
            name
            for name in self.names["baseline"]
            if name in listed or split_seed(self.config, name)[0] in listed
        ]
        return ours + baselines

    def first(self, table: str) -> str:
        """The diffusion classifier that a notebook looks into: the table's first."""
        return next(name for name in self.methods(table) if name in self.names["diffusion"])

    def method_spec(self, method: str) -> dict[str, Any]:
        """The config's entry of an evaluation or a baseline."""
        ours = method in self.names["diffusion"]
        return self.evaluations.spec(method) if ours else baseline_spec(self.config, method)

    def entries(self, table: str) -> dict[str, dict[str, str]]:
        """How each method is named and grouped in tables and figures."""
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
        """Whether there is a method to compare a diffusion classifier with, image by image."""
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

    def answers(self, table: str) -> list[tuple[str, str]]:
        """Method and data set of each of `matches`."""
        return [(m, data) for data in self.datasets(table) for m in self.methods(table)]

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

    # --- what a table comes from

    def model_folders(self, table: str) -> dict[str, str]:
        """The diffusion models behind a table: name → the folder that is loaded."""
        asked = {self.evaluations.model(name) for name, _ in questions(self.config, table)}
        return {model: self.evaluations.models.folder(model) for model in sorted(asked)}

    def model_inputs(self, table: str) -> list[str]:
        """The files of `model_folders`, of models made here the folders."""
        models = self.model_folders(table)
        return [file for model in models for file in self.evaluations.models.inputs(model)]

    def published(self, table: str) -> dict[str, Any]:
        """What a notebook is told of published numbers: where they are, their names of ours."""
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

    def first_stages(self, table: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Evaluations that leave classes out: label → data set → pairs and prompts.

        Of several trainings, the first.
        """
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for name in (name for name in self.methods(table) if name in self.names["diffusion"]):
            spec = self.evaluations.spec(name)
            for dataset in self.datasets(table):
                if "prior" in spec or groups_of(self.config, name, dataset):
                    shards = range(self.data.shards(dataset))
                    pairs = [self.layout.pairs(name, dataset, 1, shard) for shard in shards]
                    files = {"pairs": pairs, "prompts": self.data.prompts(dataset)}
                    found.setdefault(spec["label"], {}).setdefault(dataset, files)
        return found

    # --- how it is shown

    def notebook(self, table: str) -> str:
        return str(self.workflow / "notebooks" / f"{self.kind(table).notebook}.ipynb")

    def captions(self, table: str) -> dict[str, str]:
        """What the report says of each file of a table."""
        return {file: part["caption"] for file, part in self._shown(table).items()}

    def labels(self, table: str, shown: str, format: str) -> dict[str, str]:
        """What the report calls a file of a table, `shown` with the ending `format`."""
        file = f"{shown}.{format}"
        return {"what": self._shown(table).get(file, {"title": file})["title"]}

    def category(self, table: str) -> str:
        """Under which heading the report shows a table."""
        return self.kind(table).category

    def _shown(self, table: str) -> dict[str, dict[str, str]]:
        text = (self.workflow / "report" / "captions.yaml").read_text(encoding="utf-8")
        return yaml.safe_load(text)[self.spec(table)["kind"]]
