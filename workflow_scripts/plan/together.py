"""Small data sets and sets of prompts, which one job per model encodes, as starting a job is slow.

They are data sets in one shard whose images come with a package or are drawn, their captions, and
sets of prompts whose classes stand in the config. None of them can fail and thereby keep the others
from being encoded. Large data sets and the user's own have separate jobs.

If a set is added to the config, the job encodes the model's other small sets again. Rules therefore
only require that the encoded files exist (`ancient`), and depend on all that decides their content:
images, prompts, weights, and `Evaluations.encoding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from diffusion_classifier.config.methods import all_questions, groups_of
from diffusion_classifier.data.sources.registry import source

from .baselines import Baselines
from .calibrations import Calibrations


class Together:
    """Small data sets and sets of prompts, by model."""

    def __init__(self, config: dict[str, Any], calibrations: Calibrations, baselines: Baselines):
        self.config, self.calibrations, self.baselines = config, calibrations, baselines
        self.evaluations = calibrations.evaluations

    def datasets(self) -> dict[str, list[str]]:
        """model → its small data sets, if it has several."""
        pairs = self._encoded_images()
        return self._several((model, name) for model, name in pairs if self._is_small(name))

    def prompts(self) -> dict[str, list[str]]:
        """model → its small sets of prompts, if it has several."""
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
    def _several(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        """The pairs (model, name) by model, without models that have a single name."""
        found: dict[str, list[str]] = {}
        for model, name in dict.fromkeys(pairs):
            found.setdefault(model, []).append(name)
        return {model: names for model, names in found.items() if len(names) > 1}

    def _encoded_images(self) -> Iterator[tuple[str, str]]:
        """Pairs of a model and a data set of which it has latents."""
        for evaluation, dataset in all_questions(self.config):
            model = self.evaluations.model(evaluation)
            yield model, dataset
            if self.evaluations.is_learned(evaluation, dataset):
                prompts = self.evaluations.data.prompts_of(dataset)
                yield model, self.calibrations.dataset(evaluation, prompts)
        for job in self.baselines.jobs("probe"):
            for method, dataset in job.questions:
                yield self.baselines.models.of_baseline(method), dataset

    def _encoded_prompts(self) -> Iterator[tuple[str, str]]:
        """Pairs of a model and a set of prompts of which it has conditions."""
        for evaluation, dataset in all_questions(self.config):
            model = self.evaluations.model(evaluation)
            yield model, self.evaluations.data.prompts_of(dataset)
            if grouped := groups_of(self.config, evaluation, dataset):
                yield model, grouped["prompts"]
