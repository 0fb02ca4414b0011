"""Weights of timesteps: from which errors they are learned, and with which labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .resources import Resources
from .tables import Tables

_LABELLED = ("per_class", "fraction", "draws", "seed")


@dataclass(frozen=True)
class Job:
    """A job that weights the errors of one evaluation on one data set.

    `methods` are the names in `weightings` of its draws, and `number` counts jobs from 1.
    """

    number: int
    evaluation: str
    dataset: str
    methods: tuple[str, ...]


class Weightings:
    """The section `weightings` of a config, with an entry for each draw of labelled images."""

    def __init__(self, tables: Tables, resources: Resources) -> None:
        self.tables, self.resources = tables, resources
        self.evaluations, self.layout = tables.evaluations, tables.layout
        self.entries: dict[str, dict[str, Any]] = tables.config["weightings"]

    def jobs(self) -> list[Job]:
        """One job for all draws of a weighting on a data set of a table of accuracy."""
        return self._jobs("predictions")

    def matching_jobs(self) -> list[Job]:
        """One job for all draws of a weighting on a data set of a table of matching tasks."""
        return self._jobs("matches")

    def _jobs(self, answers: str) -> list[Job]:
        found: dict[tuple[str, str, str], dict[str, None]] = {}
        for table in self.tables.scored_from(answers):
            for method in self.tables.methods(table):
                if spec := self.entries.get(method):
                    for dataset in self.tables.datasets(table):
                        methods = found.setdefault((spec["group"], spec["of"], dataset), {})
                        methods[method] = None
        return [
            Job(number, of, dataset, tuple(methods))
            for number, ((_, of, dataset), methods) in enumerate(found.items(), start=1)
        ]

    def errors(self, job: Job) -> list[str]:
        """The errors of the evaluation, of all shards and class parts."""
        return self.evaluations.all_errors(job.evaluation, job.dataset)

    def predictions(self, job: Job) -> list[str]:
        """The predictions of each draw."""
        return [self.layout.predictions(method, job.dataset) for method in job.methods]

    def similarities(self, job: Job) -> list[str]:
        """The similarities of each draw."""
        return [self.layout.similarities(method, job.dataset) for method in job.methods]

    def weights(self, job: Job) -> list[str]:
        """The weights of timesteps of each draw of labelled images."""
        return [self.layout.timestep_weights(method, job.dataset) for method in job.methods]

    def matching_weights(self, job: Job) -> list[str]:
        """The weights of timesteps of each draw of labelled items."""
        return [self.layout.matching_weights(method, job.dataset) for method in job.methods]

    def labelled(self, job: Job) -> dict[str, Any]:
        """How the labelled images or items of all draws are chosen."""
        spec = self.entries[job.methods[0]]
        return {key: spec[key] for key in _LABELLED if key in spec}

    def draws(self, job: Job) -> list[int]:
        """The number of each draw."""
        return [self.entries[method]["draw"] for method in job.methods]

    def pruning(self, job: Job) -> str | None:
        """The loss whose predictions are repeated as the pruning loss, if a table shows that."""
        return self.tables.pruning_loss(job.evaluation, job.dataset)

    def memory(self, job: Job) -> int:
        """MB of a job, which holds the errors of all shards."""
        shard = self.resources.reading_memory(job.evaluation, job.dataset)
        return shard * self.evaluations.data.shards(job.dataset)
