"""The folders of weights of models and baselines: shipped, the user's, fetched or trained here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.config.checks.model_checks import weights_folder
from diffusion_classifier.config.methods import baseline_spec, is_shipped, split_seed
from diffusion_classifier.config.seeds import network_folder
from layout import Layout


class Weights:
    """Folders of weights, by the names of `models` and baseline methods.

    With `stored`, jobs load a copy of a folder that lies among the results, and not the folder.
    """

    def __init__(
        self, config: dict[str, Any], layout: Layout, workflow: Path, stored: bool = False
    ) -> None:
        self.config, self.layout, self.workflow, self.stored = config, layout, workflow, stored

    def base(self, model: str) -> str:
        """The folder of a model's weights before a LoRA is merged into them."""
        weights = self.config["models"][model]["weights"]
        if weights == "train":
            return self.layout.model(model)
        if self.stored or isinstance(weights, dict):
            return self.layout.weights("models", model)
        return self.original("models", model)

    def model(self, model: str) -> str:
        """The folder that is loaded: `base`, or the weights with the LoRA merged."""
        merged = "lora" in self.config["models"][model]
        return self.layout.model(model) if merged else self.base(model)

    def network(self, network: str) -> str:
        """The folder of a network METHOD/PROMPTS, which is shipped or trained here."""
        method, _, prompts = network.partition("/")
        if is_shipped(baseline_spec(self.config, method)):
            return str(network_folder(self.workflow, *split_seed(self.config, method), prompts))
        return self.layout.network(network)

    def pretrained(self, method: str) -> str:
        """The folder of a network that others trained."""
        name = split_seed(self.config, method)[0]
        weights = self.config["baselines"][name]["weights"]
        if self.stored or isinstance(weights, dict):
            return self.layout.weights("baselines", name)
        return weights

    def source(self, section: str, name: str) -> Any:
        """An entry's `weights` in the config: `shipped`, `train`, a path or a repository."""
        return self.config[section][name]["weights"]

    def fetched(self, section: str) -> list[str]:
        """The entries of a section of the config whose weights are fetched."""
        entries = self.config[section].items()
        return [name for name, spec in entries if isinstance(spec.get("weights"), dict)]

    def copied(self, section: str) -> list[str]:
        """The entries of a section whose folders of weights are copied to the results."""
        if not self.stored:
            return []
        entries = self.config[section].items()
        folders = {name: spec.get("weights") for name, spec in entries}
        made = ("train",) if section == "models" else ("train", "shipped")
        named = {name: folder for name, folder in folders.items() if isinstance(folder, str)}
        return [name for name, folder in named.items() if folder not in made]

    def original(self, section: str, name: str) -> str:
        """The folder of an entry whose `weights` name one, or are `shipped`."""
        weights = self.source(section, name)
        return str(weights_folder(self.workflow, name, weights))

    def original_files(self, section: str, name: str) -> list[str]:
        """The files in `original`."""
        return self.files(self.original(section, name))

    def files(self, folder: str) -> list[str]:
        """The files in a folder of weights; none if the folder is made here."""
        if folder.startswith(f"{self.layout.results}/"):
            return []
        kept = (".json", ".safetensors")
        return sorted(str(path) for path in Path(folder).rglob("*") if path.suffix in kept)

    def inputs(self, folder: str) -> list[str]:
        """The inputs of a job that loads weights: the files, or a folder that is made here."""
        return self.files(folder) or [folder]
