"""Check `models`: their weights, and that their parts fit the rest of the config."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from diffusion_classifier.baselines.baseline import CLIP
from diffusion_classifier.data.sources.registry import source
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.selection.schedules import stage_samples
from diffusion_classifier.training.registry import TRAINERS
from diffusion_classifier.weights.model_parts import check_clip_folder, check_model_folder

from ..image_counts import candidate_counts, prompt_rows
from ..methods import MODEL_FAMILIES, all_questions, models_for, stages_of
from ..seeds import check_seeds, shipped_folder, shipped_seeds


def check_model(config: dict[str, Any], name: str, spec: dict[str, Any], workflow: Path) -> None:
    """Check the entry `spec` of a model, except the shapes of its parts."""
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
            "which can have several trainings; leave `seeds` out"
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
    """Check that a model's folder exists and has all files that its family needs."""
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
    """Check that weights to be fetched are named by `hub` and `revision`, or by `torchvision`."""
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
    """The folder of shipped weights, or of the user's own."""
    return shipped_folder(workflow, name, seed) if weights == "shipped" else Path(weights)


TIMESTEPS = 1000
"""The timesteps over which schedules are spread."""
_CHANNELS = {"L": 1, "RGB": 3}

Parts = dict[str, dict[str, Any]]
"""The configs of a model's parts: vae, unet, transformer and scheduler."""


def check_shapes(config: dict[str, Any], workflow: Path) -> None:
    """Check that the parts of diffusion models fit each other and the rest of the config.

    The shapes of parts are read from the config.json files in a model's folder, or from `training`
    if it is trained here. The job that loads the model checks all other shapes.
    """
    for name, spec in config["models"].items():
        if "latent_shape" not in spec:  # no diffusion model, such as a CLIP
            if "guidance" in spec:
                _check_guidance(f"models.{name}", spec, {})
            continue
        is_trained = spec["weights"] == "train"
        parts = _trained_parts(spec) if is_trained else _stored_parts(config, name, workflow)
        key = f"models.{name}"
        if {"unet", "transformer"} & set(parts):  # not if the model is fetched later
            _check_latents(key, spec, parts.get("vae"))
        _check_unet(key, spec, parts.get("unet", {}))
        _check_transformer(key, spec, parts.get("transformer", {}))
        if "guidance" in spec:
            _check_guidance(key, spec, parts.get("transformer", {"guidance_embeds": True}))
        for evaluation, dataset in all_questions(config):
            if config["evaluations"][evaluation]["model"] == name:
                _check_timesteps(config, evaluation, dataset, parts.get("scheduler", {}))
                if FAMILIES[spec["family"]].class_conditional:
                    _check_classes(config, dataset, parts.get("transformer", {}))


def _stored_parts(config: dict[str, Any], name: str, workflow: Path) -> Parts:
    weights = config["models"][name]["weights"]
    folder = Path(config["results"]) / "weights" / "models" / name  # written by rule download
    if isinstance(weights, str):
        folder = weights_folder(workflow, name, weights)
    found = {}
    for part in ("vae", "unet", "transformer", "scheduler"):
        file = "scheduler_config.json" if part == "scheduler" else "config.json"
        with suppress(OSError, ValueError):
            if isinstance(content := read_json(folder / part / file), dict):
                found[part] = content
    return found


def _trained_parts(spec: dict[str, Any]) -> Parts:
    """The parts in a recipe; `architecture` is that of the network, or those of all parts."""
    training, part = spec["training"], FAMILIES[spec["family"]].part
    scheduler, architecture = {"scheduler": training["scheduler"]}, training["architecture"]
    return scheduler | (architecture if part in architecture else {part: architecture})


def _check_latents(key: str, spec: dict[str, Any], vae: dict[str, Any] | None) -> None:
    """Check that latents have the shape of the VAE's output, or of images if there is no VAE."""
    form = spec["preprocess"]
    mode = form.get("mode", "RGB")
    if vae is None:
        channels, edge, maker = _CHANNELS[mode], form["size"], "model, which has no VAE, takes"
    else:
        inputs = vae.get("in_channels", _CHANNELS[mode])
        if inputs != _CHANNELS[mode]:
            raise InputError(
                f"{key}.preprocess.mode: found {mode}, an image of {_CHANNELS[mode]} channel(s), "
                f"but the model's VAE takes {inputs}; expected another mode; change it"
            )
        blocks = vae.get("block_out_channels")
        if not isinstance(blocks, list) or "latent_channels" not in vae:
            return
        channels, edge = vae["latent_channels"], form["size"] // 2 ** (len(blocks) - 1)
        maker = "model's VAE makes"
    if spec["latent_shape"] != [channels, edge, edge]:
        raise InputError(
            f"{key}.latent_shape: found {spec['latent_shape']}, but of images of {form['size']} "
            f"pixels (mode {mode}) the {maker} {[channels, edge, edge]}; set it to that, or "
            "correct `preprocess`"
        )


def _check_unet(key: str, spec: dict[str, Any], unet: dict[str, Any]) -> None:
    """Check that the UNet can halve the side of latents as often as it has blocks."""
    blocks = unet.get("down_block_types", [0])
    _check_divides(key, spec, 2 ** (len(blocks) - 1), "the model's UNet halves them")


def _check_transformer(key: str, spec: dict[str, Any], transformer: dict[str, Any]) -> None:
    """Check that patches fit into latents, and the transformer knows all their positions."""
    side, patch = spec["latent_shape"][1], transformer.get("patch_size")
    if (packed := FAMILIES[spec["family"]].packed) > 1:
        _check_divides(key, spec, packed, f"the model's transformer reads squares of {packed}")
    if isinstance(patch, int) and patch:
        _check_divides(key, spec, patch, "the model's transformer cuts them into patches")
        most = transformer.get("pos_embed_max_size")
        if isinstance(most, int) and side > most * patch:
            raise InputError(
                f"{key}.latent_shape: found {spec['latent_shape']}, but the model's transformer "
                f"has positions of {most} × {most} patches of {patch}; expected sides of at most "
                f"{most * patch}; take smaller images (`preprocess.size`)"
            )
    size = transformer.get("sample_size")
    if FAMILIES[spec["family"]].fixed_size and isinstance(size, int) and side != size:
        raise InputError(
            f"{key}.latent_shape: found {spec['latent_shape']}, but the model's transformer has "
            f"positions only for latents with sides of {size}; set it and `preprocess.size` to "
            "what the model was trained on"
        )


def _check_guidance(key: str, spec: dict[str, Any], transformer: dict[str, Any]) -> None:
    """Check that the scale of guidance is a condition of the model, if it was fetched already."""
    family = MODEL_FAMILIES[spec["family"]]
    if not (family and family.guidance and transformer.get("guidance_embeds")):
        raise InputError(
            f"{key}.guidance: found {spec['guidance']}, but the model takes no scale of "
            "guidance; expected the key only for a model distilled from guidance "
            "(`guidance_embeds`, as in FLUX.1-dev); leave it out"
        )


def _check_divides(key: str, spec: dict[str, Any], divisor: int, why: str) -> None:
    if spec["latent_shape"][1] % divisor:
        raise InputError(
            f"{key}.latent_shape: found {spec['latent_shape']}, expected sides that {divisor} "
            f"divides, as {why}; take images of another size (`preprocess.size`)"
        )


def _check_timesteps(
    config: dict[str, Any], evaluation: str, dataset: str, scheduler: dict[str, Any]
) -> None:
    """Check that the model has TIMESTEPS timesteps, or more than the stages use."""
    there = scheduler.get("num_train_timesteps", TIMESTEPS)
    stages = stages_of(config, evaluation, dataset)
    every = chain.from_iterable(stage_samples(stages["samples"], 1, stages.get("grid")))
    last = max(sample.timestep for sample in every)
    if not isinstance(there, int) or last < there <= TIMESTEPS:
        return
    raise InputError(
        f"evaluations.{evaluation}.model: found a model of {there} timesteps "
        f"(`num_train_timesteps`), but schedules are spread over {TIMESTEPS} and the stages ask "
        f"about timestep {last}; expected a model of {TIMESTEPS}; choose another"
    )


def _check_classes(config: dict[str, Any], dataset: str, transformer: dict[str, Any]) -> None:
    """Check that a class-conditional model has a class for every index in the prompts."""
    there = transformer.get("num_embeds_ada_norm")
    prompts = config["datasets"][dataset]["prompts"]
    highest = _highest_index(config, dataset) if isinstance(there, int) else None
    if highest is not None and highest >= there:
        raise InputError(
            f"prompts.{prompts}: found the class index {highest}, but the model that "
            f"classifies {dataset} knows the classes 0 to {there - 1}; expected the model's "
            "indices; correct the prompts, or choose another model"
        )


def _highest_index(config: dict[str, Any], dataset: str) -> int | None:
    """The highest class index in a data set's prompts; None if unknown before they are made."""
    spec = config["prompts"][config["datasets"][dataset]["prompts"]]
    if "file" not in spec and not isinstance(spec.get("classes"), str):
        counts = candidate_counts(config, dataset)
        return counts and counts[0] - 1
    # in a file, the unconditional prompt is empty; class lists have no column `prompt`
    rows = [row for row in prompt_rows(spec) if row.get("prompt", True)]
    with suppress(KeyError, TypeError, ValueError):
        return max((int(row.get("condition", row["classidx"])) for row in rows), default=None)
    return None
