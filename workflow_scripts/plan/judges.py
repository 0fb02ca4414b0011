"""Drawings that are kept: by a judge, which is a baseline, or by a person's list of files."""

from __future__ import annotations

from typing import Any

from .given_files import Given
from .other_baselines import OtherBaselines


class Judges:
    """The data sets of a config with the key `drawn`."""

    def __init__(self, others: OtherBaselines, given: Given) -> None:
        self.others, self.given = others, given
        self.data = others.baselines.data

    def drawings(self, dataset: str) -> str:
        """The data set that drawings are kept of."""
        return self.data.layout.data(self.data.spec(dataset)["drawn"])

    def ticked(self, dataset: str) -> list[str]:
        """What a person's list is read from, if there is one."""
        return self.given.inputs("ticked", dataset)

    def ticked_file(self, dataset: str) -> str | None:
        return self.data.spec(dataset).get("ticked")

    def _judge(self, dataset: str) -> str | None:
        return self.data.spec(dataset).get("judge")

    def spec(self, dataset: str) -> dict[str, Any]:
        """What of the judge's entry decides its answers."""
        judge = self._judge(dataset)
        return self.others.baselines.fitted(judge) if judge else {}

    def setting(self, dataset: str) -> dict[str, Any]:
        """What the judge is told beside images."""
        judge = self._judge(dataset)
        return self.others.setting(judge) if judge else {}

    def inputs(self, dataset: str) -> list[str]:
        """What a job depends on that loads the judge's model."""
        judge = self._judge(dataset)
        return self.others.inputs(judge) if judge else []

    def entries(self, dataset: str) -> tuple[str, ...]:
        """The entry of the library's registry of baselines that the judge uses."""
        judge = self._judge(dataset)
        return self.others.entries(judge) if judge else ()

    def memory(self, dataset: str) -> int:
        """Main memory of the job, in MB."""
        judge = self._judge(dataset)
        return self.others.memory(judge) if judge else 1000
