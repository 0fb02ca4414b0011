"""The models of a config, and the inputs of jobs that load one."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.config.methods import baseline_spec, split_seed

from .given_files import Given
from .weights import Weights


class Models:
    """The section `models` of a config, and the models that baselines use."""

    def __init__(self, config: dict[str, Any], weights: Weights, given: Given) -> None:
        self.config, self.weights, self.given = config, weights, given

    def spec(self, model: str) -> dict[str, Any]:
        """The config's entry of a model."""
        return self.config["models"][model]

    def family(self, model: str) -> str:
        return self.spec(model)["family"]

    def preprocess(self, model: str) -> dict[str, Any]:
        return self.spec(model)["preprocess"]

    def truncate(self, model: str) -> bool:
        """Whether prompts that are too long for the model are cut off."""
        return self.spec(model).get("truncate_prompts", False)

    def encoding(self, model: str) -> dict[str, Any]:
        """Options of the family's `encode_prompts`."""
        spec = self.spec(model)
        guidance = {"guidance": spec["guidance"]} if "guidance" in spec else {}
        return {"truncate": self.truncate(model), **guidance}

    def shape(self, model: str) -> list[int]:
        """The shape of a latent."""
        return self.spec(model)["latent_shape"]

    def memory(self, model: str) -> int:
        """Main memory of a job that loads a model, in MB."""
        return self.spec(model).get("mem_mb", 4000)

    def folder(self, model: str) -> str:
        """The folder that is loaded."""
        return self.weights.model(model)

    def inputs(self, model: str) -> list[str]:
        """The inputs of a job that loads a model: the folder's files, or a folder made here."""
        return [self.folder(model)] if "lora" in self.spec(model) else self.base_inputs(model)

    def base_folder(self, model: str) -> str:
        """The folder of the weights before a LoRA is merged."""
        return self.weights.base(model)

    def base_inputs(self, model: str) -> list[str]:
        """The inputs of a job that loads a model's weights before a LoRA is merged."""
        return self.given.inputs("models", model) or [self.weights.base(model)]

    def with_digest(self) -> list[str]:
        """The models whose folder lies among the results: fetched, copied, merged or trained."""
        results = f"{self.config['results']}/"
        return [name for name in self.config["models"] if self.folder(name).startswith(results)]

    def proof(self, model: str) -> str:
        """What a table reads to show which weights were used: the folder, or its digest's file.

        Of a folder among the results, which may lie in a store, it need not read gigabytes.
        """
        made = model in self.with_digest()
        return self.weights.layout.digest(model) if made else self.folder(model)

    def proof_inputs(self, model: str) -> list[str]:
        """The files in `proof`."""
        return [self.proof(model)] if model in self.with_digest() else self.inputs(model)

    def of_baseline(self, method: str) -> str:
        """The model of a baseline."""
        return baseline_spec(self.config, method)["model"]

    # --- a LoRA

    def with_lora(self) -> list[str]:
        return [name for name, spec in self.config["models"].items() if "lora" in spec]

    def lora_inputs(self, model: str) -> list[str]:
        return self.given.inputs("loras", model)

    def lora(self, model: str) -> str:
        """The file of a LoRA."""
        return self.spec(model)["lora"]["weights"]

    def lora_scale(self, model: str) -> float:
        return self.spec(model)["lora"].get("scale", 1.0)

    # --- training

    def trained(self) -> list[str]:
        """The models that are trained here."""
        return [name for name, spec in self.config["models"].items() if spec["weights"] == "train"]

    def training(self, model: str) -> dict[str, Any]:
        """The keys of a model's entry that decide its weights."""
        return {key: self.spec(model)[key] for key in ("family", "preprocess", "training")}

    def training_data(self, model: str) -> str:
        """The data set that a model is trained on."""
        return self.weights.layout.data(self.spec(model)["training"]["data"])

    def trainer(self, model: str) -> tuple[str]:
        """The name of a model's trainer in the library's registry."""
        return (self.family(model),)

    def text_encoder(self, model: str) -> str | None:
        """The folder of the CLIP whose text encoder a model uses in its training, if any."""
        clip = self.spec(model)["training"].get("text_encoder")
        return clip and self.folder(clip)

    def text_encoder_inputs(self, model: str) -> list[str]:
        clip = self.spec(model)["training"].get("text_encoder")
        return self.inputs(clip) if clip else []

    # --- networks that others trained

    def pretrained_inputs(self, method: str) -> list[str]:
        """The inputs of a job that loads such a network."""
        name = split_seed(self.config, method)[0]
        return self.given.inputs("baselines", name) or [self.weights.pretrained(method)]


class Generators:
    """The models from which data sets are sampled, by data set."""

    def __init__(self, config: dict[str, Any], models: Models) -> None:
        self.config, self.models = config, models

    def model(self, dataset: str) -> str:
        return self.config["datasets"][dataset]["model"]

    def inputs(self, dataset: str) -> list[str]:
        """The inputs of a job that loads the model."""
        return self.models.inputs(self.model(dataset))

    def memory(self, dataset: str) -> int:
        """Main memory of a job that loads the model, in MB."""
        return self.models.memory(self.model(dataset))

    def folder(self, dataset: str) -> str:
        return self.models.folder(self.model(dataset))

    def truncate(self, dataset: str) -> bool:
        """Whether prompts that are too long for the model are cut off."""
        return self.models.truncate(self.model(dataset))

    def size(self, dataset: str) -> int:
        """The edge of a sampled image in pixels."""
        return self.models.preprocess(self.model(dataset))["size"]
