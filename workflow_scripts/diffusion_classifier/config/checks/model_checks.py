"""What models need: weights that are there, can be fetched or can be trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.baselines.baseline import CLIP
from diffusion_classifier.data.sources.registry import source
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.training.registry import TRAINERS
from diffusion_classifier.weights.model_parts import check_clip_folder, check_model_folder

from ..methods import MODEL_FAMILIES, models_for
from ..seeds import check_seeds, shipped_folder, shipped_seeds


def check_model(config: dict[str, Any], name: str, spec: dict[str, Any], workflow: Path) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    key = f"models.{name}"
    if "lora" in spec:
        _check_lora(key, spec)
    if isinstance(spec["weights"], dict):
        check_fetched(f"{key}.weights", spec["weights"])
        if "hub" not in spec["weights"]:
            raise InputError(
                f"{key}.weights: found `torchvision`, which has no such models, expected a folder "
                "or `hub` and `revision`; correct it"
            )
        return
    if "seeds" in spec and spec["weights"] not in ("shipped", "train"):
        raise InputError(
            f"{key}.seeds: found with `weights: {spec['weights']}`, expected `shipped` or `train`, "
            "of which there are several trainings; leave `seeds` out"
        )
    if "seeds" in spec:
        check_seeds(key, spec, shipped_seeds(workflow, name))
    if spec["weights"] == "train":
        if "training" not in spec:
            raise InputError(
                f"{key}.weights: found `train`, but the key `training` is missing; add the recipe "
                "or name a folder of weights"
            )
        if spec["family"] not in TRAINERS:
            raise InputError(
                f"{key}.weights: found `train` with the family {spec['family']}, expected one of "
                f"{', '.join(TRAINERS)}, which can be trained here; name a folder of weights"
            )
        _check_training_data(config, f"{key}.training.data", spec)
        if start := spec["training"].get("text_encoder"):
            known(f"{key}.training.text_encoder", start, models_for(config, CLIP), CLIP)
        return
    for seed in spec.get("seeds", [0]):
        _check_folder(key, spec, weights_folder(workflow, name, spec["weights"], seed))


def _check_folder(key: str, spec: dict[str, Any], folder: Path) -> None:
    """That a model's weights are there, and all that its family needs."""
    if not folder.is_dir():
        raise InputError(
            f"{key}.weights: found {spec['weights']!r}, but there is no such folder; expected "
            "`shipped`, `train` or a model folder in the diffusers layout; correct it"
        )
    try:
        if family := MODEL_FAMILIES[spec["family"]]:
            check_model_folder(folder, family)
        else:
            check_clip_folder(folder)
    except InputError as error:
        raise InputError(f"{key}.weights: {error}") from None


def check_fetched(key: str, weights: dict[str, str]) -> None:
    """That weights to be fetched are named in one of the ways there are."""
    found = ", ".join(f"`{name}`" for name in weights)
    if set(weights) != {"torchvision"} and not {"hub", "revision"} <= set(weights):
        raise InputError(
            f"{key}: found {found}, expected `hub` (OWNER/NAME) and `revision` (a commit: only "
            "that pins the weights), or `torchvision` alone; add or remove what differs"
        )
    if "torchvision" in weights and "hub" in weights:
        raise InputError(f"{key}: found {found}, expected `hub` or `torchvision`; remove one")


def _check_lora(key: str, spec: dict[str, Any]) -> None:
    families = [family.name for family in FAMILIES.values() if family.lora]
    if spec["weights"] == "train" or spec["family"] not in families:
        raise InputError(
            f"{key}.lora: found with the family {spec['family']} and the weights "
            f"{spec['weights']!r}, expected one of {', '.join(families)} and weights that are not "
            "trained here; leave `lora` out"
        )
    if not Path(spec["lora"]["weights"]).is_file():
        raise InputError(
            f"{key}.lora.weights: found {spec['lora']['weights']!r}, which does not exist; "
            "expected a .safetensors file; correct the path"
        )


def _check_training_data(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    name = spec["training"]["data"]
    known(key, name, config["datasets"], "data set")
    family, data = MODEL_FAMILIES[spec["family"]], config["datasets"][name]
    captions = "source" in data and source(data["source"]).captions(data)
    if not captions and not (family and family.class_conditional):
        raise InputError(
            f"{key}: found `{name}`, whose images have no captions, expected a data set of the "
            "source scenes with `task: captions`; choose or add one"
        )


def weights_folder(workflow: Path, name: str, weights: str, seed: int = 0) -> Path:
    """The folder of weights that are not trained here: shipped ones, or the user's own."""
    return shipped_folder(workflow, name, seed) if weights == "shipped" else Path(weights)
