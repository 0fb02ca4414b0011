"""What is small enough to be encoded in one job per model: starting a job takes longer.

These are data sets in one shard whose images come with a package or are drawn, their captions, and
sets of prompts whose classes the config writes out: nothing can be wrong with one of them that
would keep the others from being encoded. Whatever is large, or the user's own, has jobs of its own.

A set that is added to a config encodes its model's other small sets again. So what depends on them
asks for the files' existence alone (`ancient`), and for all that decides their content: images,
prompts, weights, and `Evaluations.encoding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from diffusion_classifier.config.methods import groups_of, questions
from diffusion_classifier.data.sources.registry import source

from .baselines import Baselines
from .calibrations import Calibrations


class Together:
    """Small data sets and sets of prompts, by model."""

    def __init__(self, config: dict[str, Any], calibrations: Calibrations, baselines: Baselines):
        self.config, self.calibrations, self.baselines = config, calibrations, baselines
        self.evaluations = calibrations.evaluations

    def datasets(self) -> dict[str, list[str]]:
        """model → its small data sets, where it has several."""
        asked = [*self._encoded_images()]
        return self._several((model, name) for model, name in asked if self._is_small(name))

    def prompts(self) -> dict[str, list[str]]:
        """model → its small sets of prompts, where it has several."""
        found = []
        for model, name in self._encoded_prompts():
            spec = self.config["prompts"][name]
            written_out = isinstance(spec.get("classes"), list)
            if written_out or ("captions" in spec and self._is_small(spec["captions"])):
                found.append((model, name))
        return self._several(found)

    def _is_small(self, dataset: str) -> bool:
        spec = self.config["datasets"][dataset]
        drawn = "source" in spec and source(spec["source"]).drawn
        return drawn and spec.get("shards", 1) == 1

    @staticmethod
    def _several(asked: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for model, name in dict.fromkeys(asked):
            found.setdefault(model, []).append(name)
        return {model: names for model, names in found.items() if len(names) > 1}

    def _questions(self) -> Iterator[tuple[str, str]]:
        for table in self.config["tables"]:
            yield from questions(self.config, table)

    def _encoded_images(self) -> Iterator[tuple[str, str]]:
        """Every model, with every data set that it has latents of."""
        for evaluation, dataset in self._questions():
            model = self.evaluations.model(evaluation)
            yield model, dataset
            if self.evaluations.is_learned(evaluation, dataset):
                prompts = self.evaluations.data.prompts_of(dataset)
                yield model, self.calibrations.dataset(evaluation, prompts)
        for job in self.baselines.jobs("probe"):
            for method, dataset in job.questions:
                yield self.baselines.models.of_baseline(method), dataset

    def _encoded_prompts(self) -> Iterator[tuple[str, str]]:
        """Every model, with every set of prompts that it has conditions of."""
        for evaluation, dataset in self._questions():
            model = self.evaluations.model(evaluation)
            yield model, self.evaluations.data.prompts_of(dataset)
            if grouped := groups_of(self.config, evaluation, dataset):
                yield model, grouped["prompts"]
