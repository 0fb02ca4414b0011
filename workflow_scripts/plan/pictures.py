"""Error maps and one-step reconstructions of single images, which tables show with their numbers.

Error maps (rule `spatial`) belong to compositional tables, reconstructions (rule `reconstructions`)
to tables of accuracy. Both come from the model of the table's first diffusion classifier.
"""

from __future__ import annotations

from typing import Any

from .tables import Tables

EXAMPLES = 3
"""Default number of examples that a compositional table shows."""


class Pictures:
    """The keys `examples` and `reconstructions` of tables."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.evaluations = tables, tables.evaluations

    def examples(self, table: str) -> int:
        """The number of a compositional table's examples that are shown with error maps."""
        return self.tables.spec(table).get("examples", EXAMPLES)

    def reconstructed(self, table: str) -> dict[str, Any]:
        """A table's `reconstructions`: `dataset`, `images`, `timesteps`; {} if it has none."""
        return self.tables.spec(table).get("reconstructions", {})

    def dataset(self, table: str) -> str:
        """The data set from which the images are taken."""
        return self.reconstructed(table).get("dataset") or self.tables.datasets(table)[0]

    def inputs(self, table: str) -> dict[str, Any]:
        """The inputs of a job that runs the model of the table's first diffusion classifier."""
        evaluation, dataset = self.tables.first(table), self.dataset(table)
        return {
            "data": self.tables.layout.data(dataset),
            "prompts": self.tables.data.prompts(dataset),
            "latents": self.evaluations.first_latents(evaluation, dataset),
            "conditions": self.evaluations.class_conditions(evaluation, dataset),
            "noise": self.evaluations.noise(evaluation),
            "model": self.evaluations.model_inputs(evaluation),
        }

    def family(self, table: str) -> str:
        return self.evaluations.family(self.tables.first(table))

    def folder(self, table: str) -> str:
        """The folder of the model."""
        return self.evaluations.folder(self.tables.first(table))

    def batch_size(self, table: str) -> int:
        return self.evaluations.batch_size(self.tables.first(table))

    def dtype(self, table: str) -> str:
        return self.evaluations.dtype(self.tables.first(table))

    def samples(self, table: str) -> list:
        """The samples over which error maps are averaged: those of the first stage."""
        return self.evaluations.samples(self.tables.first(table), self.dataset(table), 1)

    def spatial(self, table: str) -> str:
        """The file of error maps; empty if the table has none."""
        return self.tables.layout.spatial(table) if self.examples(table) else ""

    def reconstructions(self, table: str) -> str:
        """The file of reconstructions; empty if the table has none."""
        return self.tables.layout.reconstructions(table) if self.reconstructed(table) else ""
