"""The curves of tables over timesteps and numbers of evaluations: the errors they are made of."""

from __future__ import annotations

from .resources import Resources
from .tables import Tables


class Curves:
    """The key `curves` of tables; a compositional table has curves of its first method."""

    def __init__(self, tables: Tables, resources: Resources) -> None:
        self.tables, self.resources = tables, resources
        self.evaluations, self.layout = tables.evaluations, tables.layout

    def has_captions(self, table: str) -> bool:
        """Whether the curves are about captions instead of classes."""
        return self.tables.kind(table).answers == "similarities"

    def names(self) -> list[str]:
        """The tables that have curves."""
        return [name for name in self.tables.config["tables"] if self.datasets(name)]

    def datasets(self, table: str) -> list[str]:
        """The data sets that a table shows curves of."""
        curves = self.tables.spec(table).get("curves", {})
        if self.has_captions(table):
            return self.tables.datasets(table)
        return curves.get("datasets") or ([curves["dataset"]] if "dataset" in curves else [])

    def file(self, table: str) -> str:
        """The file of the curves; empty if the table has none."""
        return self.layout.curves(table) if self.datasets(table) else ""

    def errors(self, table: str) -> dict[str, list[str]]:
        """The errors of each data set, of the first stage in all shards."""
        evaluation = self._evaluation(table)
        return {
            name: self.evaluations.first_errors(evaluation, name) for name in self.datasets(table)
        }

    def data(self, table: str) -> dict[str, str]:
        """The images of each data set."""
        return {name: self.layout.data(name) for name in self.datasets(table)}

    def prompts(self, table: str) -> dict[str, str]:
        """The prompts of each data set whose curves are about captions."""
        names = self.datasets(table) if self.has_captions(table) else []
        return {name: self.tables.data.prompts(name) for name in names}

    def inputs(self, table: str) -> dict[str, list[str]]:
        """The inputs of the job: all files that its parameters name."""
        errors = [path for paths in self.errors(table).values() for path in paths]
        prompts = list(self.prompts(table).values())
        return {"errors": errors, "data": list(self.data(table).values()), "prompts": prompts}

    def memory(self, table: str) -> int:
        """MB of the job, which holds all errors of one data set."""
        evaluation, data = self._evaluation(table), self.tables.data
        return max(
            self.resources.reading_memory(evaluation, name) * data.shards(name)
            for name in self.datasets(table)
        )

    def _evaluation(self, table: str) -> str:
        spec = self.tables.spec(table)
        return spec["curves"]["evaluation"] if "curves" in spec else self.tables.first(table)
