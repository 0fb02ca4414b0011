"""Weights of timesteps: from which errors they are learned, and with which labels."""

from __future__ import annotations

from typing import Any

from .resources import Resources
from .tables import Tables

_LABELLED = ("per_class", "fraction", "draws", "seed")


class Weightings:
    """The section `weightings` of a config, with one entry for each draw of labelled images."""

    def __init__(self, tables: Tables, resources: Resources) -> None:
        self.tables, self.resources = tables, resources
        self.evaluations, self.config = tables.evaluations, tables.config

    def spec(self, weighting: str) -> dict[str, Any]:
        """The config's entry of a weighting."""
        return self.config["weightings"][weighting]

    def evaluation(self, weighting: str) -> str:
        """The evaluation whose errors are weighted."""
        return self.spec(weighting)["of"]

    def errors(self, weighting: str, dataset: str) -> list[str]:
        """The errors of that evaluation, of all shards and class parts."""
        return self.evaluations.all_errors(self.evaluation(weighting), dataset)

    def labelled(self, weighting: str) -> dict[str, Any]:
        """How the labelled images of all draws are chosen."""
        spec = self.spec(weighting)
        return {key: spec[key] for key in _LABELLED if key in spec}

    def draw(self, weighting: str) -> int:
        """The number of the draw that this weighting learns from."""
        return self.spec(weighting)["draw"]

    def pruning(self, weighting: str, dataset: str) -> str | None:
        """The loss whose predictions are repeated as the pruning loss, if a table shows that."""
        return self.tables.pruning_loss(self.evaluation(weighting), dataset)

    def memory(self, weighting: str, dataset: str) -> int:
        """MB of a job, which holds the errors of all shards."""
        shard = self.resources.reading_memory(self.evaluation(weighting), dataset)
        return shard * self.evaluations.data.shards(dataset)
