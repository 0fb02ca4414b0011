"""Class-conditional diffusion transformers with learned variance (DiT, Peebles & Xie 2023)."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.func import functional_call

from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.model_parts import check_denoiser
from diffusion_classifier.weights.networks import load_network

from .denoiser import Query
from .families import FAMILIES
from .fast.comparison import same_as_plain
from .fast.shared_dit import SharedDiT, can_share
from .forward_process import ForwardProcess
from .scheduler import read_scheduler

if TYPE_CHECKING:
    import pandas as pd
    from diffusers import DiTTransformer2DModel


class DiT:
    """The denoiser of `facebook/DiT-XL-2-256` and its kind; see `Denoiser`.

    `prediction` is the network's output, one of PREDICTIONS, which is converted to ε. With
    `share`, work that evaluations have in common is done once, if `can_share` of the network.
    """

    def __init__(
        self,
        transformer: DiTTransformer2DModel,
        process: ForwardProcess,
        prediction: str = "epsilon",
        share: bool = True,
    ) -> None:
        self.network = transformer.eval().requires_grad_(False)
        self.process = process.to(transformer.device)
        self.prediction = prediction
        self.learned_variance = _learns_variance(transformer)
        shared = share and can_share(transformer)
        self.shared = SharedDiT(self.network, process.timesteps) if shared else None

    def predict(
        self, x_t: Tensor, timestep: Tensor, condition: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """See `Denoiser.predict`; the condition is `class_labels`, `(batch,)` int64."""
        output = self.network(
            x_t, timestep=timestep, class_labels=condition["class_labels"], return_dict=False
        )[0]
        return self.process.noise_and_variance(output, x_t, timestep, self.prediction)

    def predict_shared(self, query: Query, prepared: Tensor) -> tuple[Tensor, Tensor | None]:
        """See `Denoiser`; `prepared` is the result of `SharedDiT.prepare`."""
        output = self.shared(query, prepared)
        x_t, timestep = query.x_t[query.row], query.timestep[query.row]
        return self.process.noise_and_variance(output, x_t, timestep, self.prediction)

    def predict_mixture(
        self, x_t: Tensor, timestep: Tensor, conditions: dict[str, Tensor], weights: Tensor
    ) -> Tensor:
        """See `mixture.predict_mixture`: each table of class embeddings gets a row per mixture."""
        label, row = conditions["class_labels"], torch.arange(len(x_t), device=x_t.device)
        mixed = {
            name: weights.to(table.dtype) @ table[label]
            for name, table in self.network.named_parameters()
            if name.endswith("embedding_table.weight")
        }
        given = {"timestep": timestep, "class_labels": row, "return_dict": False}
        output = functional_call(self.network, mixed, (x_t,), given)[0]
        return self.process.noise_and_variance(output, x_t, timestep, self.prediction)[0]

    def mixed_prompts(
        self, conditions: dict[str, Tensor], weights: Tensor
    ) -> tuple[DiT, dict[str, Tensor]]:
        """See `mixture.mixed_prompts`: a copy whose class k is embedded as mixture k."""
        network, label = deepcopy(self.network), conditions["class_labels"]
        for module in network.modules():
            if hasattr(module, "embedding_table"):
                table = module.embedding_table.weight
                rows = weights.to(table) @ table[label]
                module.embedding_table = torch.nn.Embedding(*rows.shape, dtype=rows.dtype)
                module.embedding_table.weight = torch.nn.Parameter(rows, requires_grad=False)
        mixed = DiT(network, self.process, self.prediction, self.shared is not None)
        return mixed, {"class_labels": torch.arange(len(weights), device=label.device)}

    def prompt_features(self, conditions: dict[str, Tensor]) -> Tensor:
        """See `mixture.prompt_features`: the class embeddings of all layers."""
        tables = [
            table
            for name, table in self.network.named_parameters()
            if name.endswith("embedding_table.weight")
        ]
        return torch.cat([table[conditions["class_labels"]] for table in tables], dim=1)


def load(folder: str, device: torch.device, dtype: torch.dtype) -> DiT:
    """Read transformer/ (safetensors only) and the noise schedule of scheduler/.

    Raises InputError for a scheduler that `read_scheduler` refuses, and for a model that is
    incomplete or needs other inputs than the classifier has.
    """
    from diffusers import DiTTransformer2DModel

    check_denoiser(folder, FAMILIES["dit"])
    transformer = load_network(DiTTransformer2DModel, folder, "transformer", dtype)
    schedule = read_scheduler(folder, _learns_variance(transformer))
    transformer = transformer.to(device)
    return DiT(transformer, *schedule, _may_share(DiT(transformer, *schedule), folder))


def _learns_variance(transformer: DiTTransformer2DModel) -> bool:
    return transformer.out_channels == 2 * transformer.config.in_channels


def _may_share(denoiser: DiT, folder: str) -> bool:
    """Whether the denoiser can share work, with the same output as its transformer alone."""
    if denoiser.shared is None:
        return False
    config = denoiser.network.config
    labels = torch.tensor([0, config.num_embeds_ada_norm - 1])
    shape = (config.in_channels, config.sample_size, config.sample_size)
    return same_as_plain(denoiser, {"class_labels": labels}, shape, folder)


def encode_prompts(
    folder: str,
    prompts: pd.DataFrame,
    device: torch.device,
    dtype: torch.dtype,
    truncate: bool = False,
) -> dict[str, Tensor]:
    """The class indices `class_labels`, `(prompt,)` int64.

    They are the column `condition` of the prompts if there is one, otherwise `classidx`. Raises
    InputError for an index that is not one of the model's classes.
    """
    classes = read_json(Path(folder) / "transformer" / "config.json")["num_embeds_ada_norm"]
    column = "condition" if "condition" in prompts else "classidx"
    labels = torch.from_numpy(prompts[column].to_numpy("int64", copy=True))
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(
            f"prompts: {column} runs from {labels.min()} to {labels.max()}, but the model knows "
            f"the classes 0 to {classes - 1}; use the model's own class indices"
        )
    return {"class_labels": labels}
