"""Data sets and sets of prompts: their inputs, parameters and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.config.methods import image_spec
from diffusion_classifier.data.sources.registry import source
from layout import Layout

from .given_files import Given

CLASS_LISTS = Path("workflow_scripts") / "diffusion_classifier" / "data" / "classes"
"""The folder of class lists, beside the Snakefile."""


class Data:
    """The sections `datasets` and `prompts` of a config."""

    def __init__(
        self, config: dict[str, Any], layout: Layout, given: Given, workflow: Path
    ) -> None:
        self.config, self.layout, self.given, self.workflow = config, layout, given, workflow

    def spec(self, dataset: str) -> dict[str, Any]:
        """The config's entry of a data set."""
        return self.config["datasets"][dataset]

    def with_key(self, key: str) -> list[str]:
        """The data sets with a key: `source`, `pool`, `model` (sampled) or `drawn` (kept)."""
        return [name for name, spec in self.config["datasets"].items() if key in spec]

    def sources(self, dataset: str) -> list[str]:
        """The user's own files from which a data set is read."""
        return self.given.inputs("datasets", dataset)

    def images(self, dataset: str) -> dict[str, Any]:
        """The keys of a data set's entry that decide its images."""
        return image_spec(self.config, dataset)

    def limit(self, dataset: str) -> int:
        """The number of images that are chosen from a pool."""
        return self.spec(dataset)["limit"]

    def registered(self, dataset: str) -> tuple[str, ...]:
        """The names in the library's registries that a data set uses: its source and shift."""
        spec = self.spec(dataset)
        return spec["source"], *([spec["shift"]["kind"]] if "shift" in spec else [])

    def pool(self, dataset: str) -> str:
        """The file of the data set from which an adversarial one is chosen."""
        return self.layout.data(self.spec(dataset)["pool"])

    def sampling(self, dataset: str) -> dict[str, Any]:
        """The parameters of sampling a data set from a model."""
        return {key: self.spec(dataset)[key] for key in ("per_class", "guidance", "steps")}

    def seed(self, dataset: str) -> int:
        return self.spec(dataset).get("seed", 0)

    def dtype(self, dataset: str) -> str:
        """The dtype of a model from which a data set is sampled."""
        return self.spec(dataset).get("dtype", "float32")

    def shards(self, dataset: str) -> int:
        return self.spec(dataset).get("shards", 1)

    def in_one_shard(self) -> list[str]:
        return [name for name in self.config["datasets"] if self.shards(name) == 1]

    def in_several_shards(self) -> list[str]:
        return [name for name in self.config["datasets"] if self.shards(name) > 1]

    def latents(self, model: str, dataset: str) -> list[str]:
        """A model's latents of a data set, a file for each shard."""
        shards = range(self.shards(dataset))
        return [self.layout.latents(model, dataset, shard) for shard in shards]

    def prompts_of(self, dataset: str) -> str:
        """The set of prompts with which a data set's images are compared."""
        return self.spec(dataset)["prompts"]

    def prompts(self, dataset: str) -> str:
        """The file of a data set's prompts."""
        return self.layout.prompts(self.prompts_of(dataset))

    def prompts_spec(self, prompts: str) -> dict[str, Any]:
        """The keys of an entry of `prompts` that decide its prompts."""
        entry = self.config["prompts"][prompts]
        spec = {key: value for key, value in entry.items() if key != "groups"}
        if "webdataset" not in spec:
            return spec
        beside = self.spec(spec["webdataset"])
        return spec | {"webdataset": source(beside["source"]).arguments(beside)}

    def prompts_source(self, prompts: str) -> list[str]:
        """The data set, class list or CSV from which a set of prompts is made; [] if none."""
        spec = self.config["prompts"][prompts]
        if "captions" in spec:
            return [self.layout.data(spec["captions"])]
        if isinstance(spec.get("classes"), str):
            return [str(self.workflow / CLASS_LISTS / f"{spec['classes']}.csv")]
        return self.given.inputs("prompts", prompts)
