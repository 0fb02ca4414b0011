"""The user's own files as inputs of rules, whatever they are called.

Snakemake reads {…} in a path as a wildcard, and there is no way to write a brace that is none. So
files with such names are no inputs themselves: a file made by the rule `given` stands for them. It
says how many they are and what identifies them, and is made anew when one of them changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.data.class_texts import CLASS_NAMES, FILES
from diffusion_classifier.data.sources.registry import input_files
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.given_files import identity, nameable
from layout import Layout

from .weights import Weights

SECTIONS = ("datasets", "prompts", "groups", "ticked", "models", "loras", "baselines", "tables")
"""What the user's files belong to; `groups` are of sets of prompts, `loras` of models, `ticked` of
data sets."""


class Given:
    """The user's own files, by section of the config and name of the entry."""

    def __init__(self, config: dict[str, Any], layout: Layout, weights: Weights) -> None:
        self.config, self.layout, self.weights = config, layout, weights

    def inputs(self, section: str, name: str) -> list[str]:
        """What a rule depends on that reads the files of an entry."""
        files = self.files(section, name)
        named = list(filter(nameable, files))
        return named + [self.layout.given(section, name)] * (len(named) < len(files))

    def identity(self, section: str, name: str) -> dict[str, Any]:
        """What identifies those of an entry's files that cannot be inputs."""
        return identity([file for file in self.files(section, name) if not nameable(file)])

    def files(self, section: str, name: str) -> list[str]:
        """The user's own files that an entry is made of; `section` is one of SECTIONS.

        Raises InputError if a data set's folder cannot be read.
        """
        match section:
            case "datasets":
                return self._of_data_set(name)
            case "prompts":
                return self._of_prompts(self.config["prompts"][name])
            case "groups":
                return self._texts(self.config["prompts"][name].get("groups", {}).get("of"))
            case "ticked":
                return self._texts(self.config["datasets"][name].get("ticked"))
            case "models":
                return self.weights.files(self.weights.base(name))
            case "loras":
                return self._texts(self.config["models"][name].get("lora", {}).get("weights"))
            case "baselines":
                return self.weights.files(self.weights.pretrained(name))
            case "tables":
                return self._texts(self.config["tables"][name].get("published"))
        raise ValueError(f"section: found {section!r}, expected one of {', '.join(SECTIONS)}")

    def _of_data_set(self, name: str) -> list[str]:
        spec = self.config["datasets"][name]
        if "source" not in spec:
            return []
        try:
            return input_files(spec)
        except InputError as error:
            key = "root" if "root" in spec else "path"
            raise InputError(f"datasets.{name}.{key}: {error}") from None

    def _of_prompts(self, spec: dict[str, Any]) -> list[str]:
        beside = self.config["datasets"].get(spec.get("webdataset"), {})
        names = [CLASS_NAMES] if "templates" in spec else FILES
        texts = [str(Path(beside["root"]) / name) for name in names] if "root" in beside else []
        return self._texts(spec.get("file"), *texts)

    @staticmethod
    def _texts(*values: Any) -> list[str]:
        """Those of a config's values that are paths: others are lists, or not there."""
        return [value for value in values if isinstance(value, str)]
