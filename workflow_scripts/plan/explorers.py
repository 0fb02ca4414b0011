"""The pages on which the images of a table can be looked at: what they show, and their files."""

from __future__ import annotations

from typing import Any

from .pictures import Pictures
from .tables import Tables

WEB = "workflow_scripts/diffusion_classifier/tables/explorer/web"
FILES = (
    *("page.html", "page.css"),
    *("data.js", "filters.js", "grid.js", "plots.js", "detail.js", "main.js"),
)


class Explorers:
    """A page for each table whose kind has one."""

    def __init__(self, tables: Tables, pictures: Pictures) -> None:
        self.tables, self.pictures = tables, pictures
        self.layout, self.evaluations = tables.layout, tables.evaluations

    def names(self) -> list[str]:
        """The tables that have a page."""
        return [name for name in self.tables.config["tables"] if not self.tables.kind(name).no_page]

    def parameters(self, table: str) -> dict[str, Any]:
        """The arguments of the library's `tables.explorer.build.Table`."""
        entries, datasets = self.tables.entries(table), self.tables.datasets(table)
        return {
            "title": table,
            "subtitle": self.tables.spec(table).get("subtitle", ""),
            "captions": self._has_captions(table),
            "methods": {
                name: {key: entry[key] for key in ("label", "group", "varies")}
                for name, entry in entries.items()
            },
            "datasets": {name: self._dataset(table, name) for name in datasets},
            "maps": self._maps(table),
        }

    def inputs(self, table: str) -> dict[str, Any]:
        """The inputs of a job: all files that its parameters name, and those of the page itself."""
        shown = self.parameters(table)
        entries = shown["datasets"].values()
        rankings = [read["file"] for entry in entries for read in entry["rankings"].values()]
        return {
            "data": [entry["data"] for entry in entries],
            "prompts": [entry["prompts"] for entry in entries],
            "answers": [path for entry in entries for path in entry["answers"].values()],
            "rankings": rankings,
            "maps": shown["maps"] or [],
            "web": [str(self.tables.workflow / WEB / name) for name in FILES],
        }

    def _has_captions(self, table: str) -> bool:
        return self.tables.kind(table).answers != "predictions"

    def _diffusion(self, table: str) -> list[str]:
        ours = self.tables.names["diffusion"]
        return [method for method in self.tables.methods(table) if method in ours]

    def _dataset(self, table: str, dataset: str) -> dict[str, Any]:
        spec, methods = self.tables.data.spec(dataset), self.tables.methods(table)
        layout = self.layout
        answers = layout.similarities if self._has_captions(table) else layout.predictions
        return {
            "label": spec["label"],
            "description": spec.get("description", ""),
            "data": self.layout.data(dataset),
            "prompts": self.tables.data.prompts(dataset),
            "loss": self.tables.loss(table),
            "answers": {method: answers(method, dataset) for method in methods},
            "rankings": {
                method: self._rankings(table, method, dataset) for method in self._diffusion(table)
            },
        }

    def _rankings(self, table: str, evaluation: str, dataset: str) -> dict[str, str]:
        """The rankings of an evaluation, and the loss in them that a table compares by."""
        captions, loss = self._has_captions(table), self.tables.loss(table)
        place = self.layout.caption_rankings if captions else self.layout.rankings
        pruning = self.evaluations.loss(evaluation, dataset) if loss == "pruning" else loss
        return {"file": place(evaluation, dataset), "loss": pruning}

    def _maps(self, table: str) -> str:
        """The file of error maps, which compositional tables have."""
        answers = self.tables.kind(table).answers
        return self.pictures.spatial(table) if answers == "similarities" else ""
