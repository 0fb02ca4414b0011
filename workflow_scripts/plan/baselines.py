"""Baselines: the data sets that each of them classifies, and those it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from typing import Any

from diffusion_classifier.config.methods import (
    baseline_spec,
    classified_datasets,
    compared_datasets,
    filter_network,
    image_spec,
    method_group,
    method_names,
    network_methods,
    network_names,
    split_seed,
    training_set,
)
from layout import Layout

from .data import Data
from .models import Models
from .weights import Weights

_NOT_FITTED = ("label", "published", "seeds", "tasks", "weights", "group")


@dataclass(frozen=True)
class Job:
    """A job that answers questions (method, data set) for one or several methods.

    `number` counts the jobs of a rule from 1 on. The answer to one of `questions` is a file of
    predictions; the answer to one of `similarities` has a number for every image and caption.
    """

    number: int
    methods: list[str]
    questions: list[tuple[str, str]]
    similarities: list[tuple[str, str]]

    @property
    def method(self) -> str:
        """The first method of the job."""
        return self.methods[0]

    @property
    def datasets(self) -> list[str]:
        """The data set of each question."""
        return [dataset for _, dataset in self.questions]


class Baselines:
    """The section `baselines` of a config; a method with seeds is one method per seed."""

    def __init__(
        self,
        config: dict[str, Any],
        layout: Layout,
        data: Data,
        models: Models,
        weights: Weights,
    ) -> None:
        self.config, self.layout = config, layout
        self.data, self.models, self.weights = data, models, weights
        # method → data sets whose classes it predicts; another object may have another config
        self.classified = cache(partial(classified_datasets, config))

    def spec(self, method: str) -> dict[str, Any]:
        """The config's entry of a baseline."""
        return baseline_spec(self.config, method)

    def seed(self, method: str) -> int:
        return split_seed(self.config, method)[1]

    def fitted(self, method: str) -> dict[str, Any]:
        """The keys of a baseline's entry that affect what it learns."""
        return {key: value for key, value in self.spec(method).items() if key not in _NOT_FITTED}

    # --- questions

    def of_kind(self, *kinds: str) -> list[str]:
        """The methods of these kinds."""
        names = method_names(self.config)["baseline"]
        return [name for name in names if self.spec(name)["kind"] in kinds]

    def compared(self, method: str) -> list[str]:
        """The data sets in which a baseline compares every image with every caption."""
        return compared_datasets(self.config, method)

    def jobs(self, *kinds: str) -> list[Job]:
        """A job for each method of these kinds that has a question."""
        return self._numbered([[method] for method in self.of_kind(*kinds)])

    def clips(self) -> list[Job]:
        """A job for each CLIP, with all its trainings."""
        trainings = groupby(self.of_kind("clip"), lambda name: method_group(self.config, name))
        return self._numbered([[*methods] for _, methods in trainings])

    def networks(self) -> list[Job]:
        """At most one job, of all networks whose weights are shipped or trained here."""
        return self._numbered([network_methods(self.config)])

    def guesses(self) -> list[Job]:
        """At most one job, of all methods that guess."""
        return self._numbered([self.of_kind("chance")])

    def _numbered(self, groups: list[list[str]]) -> list[Job]:
        """A job for each group of methods that has a question."""
        found: list[Job] = []
        for methods in groups:
            questions = [(name, data) for name in methods for data in self.classified(name)]
            similarities = [(name, data) for name in methods for data in self.compared(name)]
            if questions or similarities:
                found.append(Job(len(found) + 1, methods, questions, similarities))
        return found

    # --- answers, and the files they need

    def predictions(self, job: Job) -> list[str]:
        return [self.layout.predictions(*question) for question in job.questions]

    def similarities(self, job: Job) -> list[str]:
        return [self.layout.similarities(*question) for question in job.similarities]

    def images(self, questions: list[tuple[str, str]]) -> list[str]:
        """The data set of each question."""
        return [self.layout.data(dataset) for _, dataset in questions]

    def prompts(self, questions: list[tuple[str, str]]) -> list[str]:
        """The prompts of each question."""
        return [self.data.prompts(dataset) for _, dataset in questions]

    # --- learning

    def tasks(self, method: str) -> list[str]:
        """The sets of prompts that a baseline has to learn, each once."""
        return list(dict.fromkeys(map(self.data.prompts_of, self.classified(method))))

    def task_of(self, job: Job) -> list[str]:
        """The set of prompts of each question."""
        return [self.data.prompts_of(dataset) for dataset in job.datasets]

    def task_prompts(self, method: str) -> list[str]:
        """The prompts file of each of `tasks`."""
        return [self.layout.prompts(task) for task in self.tasks(method)]

    def task_data(self, method: str, role: str = "train") -> list[str]:
        """The data set with the `role` `train` or `validation` in each of `tasks`."""
        sets = self.spec(method)["tasks"]
        return [self.layout.data(sets[task][role]) for task in self.tasks(method)]

    def task_folders(self, method: str) -> list[str]:
        """The folder of a probe's classifier for each of `tasks`."""
        return [self.layout.network(f"{method}/{task}") for task in self.tasks(method)]

    # --- networks METHOD/PROMPTS

    def trained_networks(self) -> list[str]:
        """The networks that are trained here."""
        return network_names(self.config)

    def training_data(self, network: str) -> str:
        """The data set that a network is trained on."""
        return self.layout.data(training_set(self.config, network))

    def training_images(self, network: str) -> dict[str, Any]:
        """The keys of that data set's entry that decide its images."""
        return image_spec(self.config, training_set(self.config, network))

    def network_spec(self, network: str) -> dict[str, Any]:
        """The keys of a network's entry that affect what it learns."""
        return self.fitted(network)

    def network_seed(self, network: str) -> int:
        return self.seed(network)

    def training_prompts(self, network: str) -> str:
        return self.layout.prompts(network.partition("/")[2])

    def network_folders(self, job: Job) -> list[str]:
        """The network that answers each question."""
        return [
            self.weights.network(f"{method}/{self.data.prompts_of(dataset)}")
            for method, dataset in job.questions
        ]

    def network_inputs(self, job: Job) -> list[str]:
        """The inputs of a job that loads these networks."""
        folders = dict.fromkeys(self.network_folders(job))
        return [file for folder in folders for file in self.weights.inputs(folder)]

    def network_preprocess(self, job: Job) -> list[dict[str, Any]]:
        """`preprocess` of the network of each question."""
        return [self.spec(method)["preprocess"] for method, _ in job.questions]

    # --- the network whose mistakes make up an adversarial data set

    def filter_folder(self, dataset: str) -> str:
        return self.weights.network(filter_network(self.config, dataset))

    def filter_inputs(self, dataset: str) -> list[str]:
        return self.weights.inputs(self.filter_folder(dataset))

    def filter_preprocess(self, dataset: str) -> dict[str, Any]:
        return self.spec(self.data.spec(dataset)["wrong_by"])["preprocess"]

    # --- models that baselines use

    def model_folder(self, method: str) -> str:
        return self.models.folder(self.models.of_baseline(method))

    def model_preprocess(self, method: str) -> dict[str, Any]:
        return self.models.preprocess(self.models.of_baseline(method))

    def clip_models(self, job: Job) -> dict[str, dict[str, Any]]:
        """How each method of a job uses its CLIP."""
        return {
            method: {
                "folder": self.model_folder(method),
                "truncate": self.models.truncate(self.models.of_baseline(method)),
                "combine": self.spec(method).get("combine", "mean"),
            }
            for method in job.methods
        }

    def model_inputs(self, job: Job) -> list[str]:
        """The inputs of a job that loads the models of all methods."""
        models = dict.fromkeys(map(self.models.of_baseline, job.methods))
        return [file for model in models for file in self.models.inputs(model)]

    def model_memory(self, job: Job) -> int:
        return max(map(self.models.memory, map(self.models.of_baseline, job.methods)))

    def latents(self, job: Job) -> list[str]:
        """The latents of all questions' data sets, a file for each shard."""
        return [
            file
            for method, dataset in job.questions
            for file in self.data.latents(self.models.of_baseline(method), dataset)
        ]
