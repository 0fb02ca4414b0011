"""What a baseline that has no rule of its own is told, asked and given."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.config.methods import baseline_class
from layout import Layout

from .baselines import Baselines, Job
from .data import Data
from .models import Models
from .weights import Weights


class Questions:
    """The jobs that `Baselines.others` lists, each of one method."""

    def __init__(
        self,
        config: dict[str, Any],
        layout: Layout,
        data: Data,
        models: Models,
        weights: Weights,
        baselines: Baselines,
    ) -> None:
        self.config, self.layout, self.data = config, layout, data
        self.models, self.weights, self.baselines = models, weights, baselines

    def registered(self, method: str) -> tuple[str]:
        """The entry of the library's registry of baselines that a method is."""
        return (self.baselines.spec(method)["kind"],)

    def of_job(self, job: Job) -> list[dict[str, str]]:
        """What `baselines.answers.Question` is told of each question."""
        learns = baseline_class(self.config, job.method).learns
        spec, found = self.baselines.spec(job.method), []
        for dataset in job.datasets:
            task = self.data.prompts_of(dataset)
            files = {"data": self.layout.data(dataset), "prompts": self.data.prompts(dataset)}
            if learns:
                learned = spec["tasks"][task].items()
                files |= {"task": task} | {role: self.layout.data(own) for role, own in learned}
            found.append(files)
        return found

    def learned_from(self, job: Job) -> list[str]:
        """The data sets that the job's method learns from."""
        asked = self.of_job(job)
        found = [question.get(role) for question in asked for role in ("train", "validation")]
        return [path for path in dict.fromkeys(found) if path]

    def setting(self, method: str) -> dict[str, Any]:
        """What `baselines.baseline.Setting` is told of a method beside its entry."""
        kind, found = baseline_class(self.config, method), {"seed": self.baselines.seed(method)}
        if kind.model:
            model = self.models.of_baseline(method)
            used = ("preprocess", "truncate_prompts")
            entry = {key: value for key, value in self.models.spec(model).items() if key in used}
            found |= {"folder": self.models.folder(model), "model": entry}
            found["noise_seed"] = self.config["noise"]["seed"]
        elif kind.weights:
            found["folder"] = self.weights.pretrained(method)
        return found

    def used(self, method: str) -> list[str]:
        """What a job depends on that loads the model or the weights of a method."""
        kind = baseline_class(self.config, method)
        if kind.model:
            return self.models.inputs(self.models.of_baseline(method))
        return self.models.pretrained_inputs(method) if kind.weights else []

    def memory(self, method: str) -> int:
        """Main memory of a job of a method, in MB."""
        kind = baseline_class(self.config, method)
        if kind.model:
            return self.models.memory(self.models.of_baseline(method))
        return 8000 if kind.weights else 4000

    def needs_gpu(self, method: str) -> bool:
        """Whether a method uses a model or weights."""
        kind = baseline_class(self.config, method)
        return bool(kind.model or kind.weights)
