"""The user's own files as inputs of rules, also those whose names Snakemake cannot read.

Snakemake reads {…} in a path as a wildcard, and a brace cannot be escaped. Files with such names
are therefore replaced by one file of the rule `given`. It contains their number and a digest of
their state, and Snakemake makes it again when one of them changes.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from diffusion_classifier.data.sources.registry import input_files
from diffusion_classifier.data.webdataset.class_texts import CLASS_NAMES, FILES
from diffusion_classifier.messages import InputError
from layout import Layout

from .weights import Weights

SECTIONS = ("datasets", "prompts", "groups", "ticked", "models", "loras", "baselines", "tables")
"""The owners of the user's files; `groups` belong to sets of prompts, `ticked` to data sets, and
`loras` to models."""

# Snakemake reads {x} in a path as a wildcard, and warns about spaces at the ends of a path
_SPECIAL = re.compile(r"[{}]|^\s|\s$")


class Given:
    """The user's own files, by section of the config and name of the entry."""

    def __init__(self, config: dict[str, Any], layout: Layout, weights: Weights) -> None:
        self.config, self.layout, self.weights = config, layout, weights

    def inputs(self, section: str, name: str) -> list[str]:
        """The inputs of a rule that reads the files of an entry."""
        files = self.files(section, name)
        plain = [file for file in files if not _SPECIAL.search(file)]
        return plain + [self.layout.given(section, name)] * (len(plain) < len(files))

    def identity(self, section: str, name: str) -> dict[str, Any]:
        """The number of an entry's files with special names, and a digest of their state.

        The state is name, size and time of change. A missing file counts too; the job that reads
        it reports that.
        """
        special = [file for file in self.files(section, name) if _SPECIAL.search(file)]
        digest = hashlib.sha256()
        for file in special:
            digest.update(repr((file, *_state(file))).encode())
        return {"files": len(special), "sha256": digest.hexdigest()}

    def files(self, section: str, name: str) -> list[str]:
        """The user's own files of an entry; `section` is one of SECTIONS.

        Raises InputError if a data set's folder cannot be read.
        """
        match section:
            case "datasets":
                return self._dataset_files(name)
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

    def _dataset_files(self, name: str) -> list[str]:
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
        return self._texts(spec.get("file")) + texts

    @staticmethod
    def _texts(value: Any) -> list[str]:
        """A config's value as a path; none if it is a list or missing."""
        return [value] if isinstance(value, str) else []


def _state(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns
