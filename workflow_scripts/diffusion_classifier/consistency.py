"""What a schema cannot say of a config: that names exist and numbers fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .datasets.sizes import class_count, size
from .messages import InputError, known
from .methods import clip_names, denoiser_names, method_names, network_names
from .schedules import check_stages
from .table_checks import check_tables

TRAINED = ("dit", "clip", "stable-diffusion")
"""The model families that the rule `train` knows."""


def check_consistency(config: dict[str, Any], workflow: Path) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    for name, spec in config["prompts"].items():
        _check_prompts(config, name, spec)
    for name, spec in config["datasets"].items():
        _check_dataset(config, name, spec)
    for name, spec in config["models"].items():
        _check_model(config, name, spec, workflow)
    for name, spec in config["evaluations"].items():
        _check_evaluation(config, name, spec)
    for name, spec in config["baselines"].items():
        _check_baseline(config, name, spec)
    names = [name for kind in method_names(config).values() for name in kind]
    clash = [name for name in names if names.count(name) > 1]
    if clash:
        raise InputError(
            f"baselines: found the name `{clash[0]}`, which another baseline or an evaluation has "
            "too; expected different names (a baseline with seeds is called <name>-seed<n>); "
            "rename one of them"
        )
    check_tables(config)


def _check_dataset(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    key = f"datasets.{name}"
    if "prompts" in spec:
        known(f"{key}.prompts", spec["prompts"], config["prompts"], "set of prompts")
    _check_keys(key, spec)
    if "model" in spec:
        known(f"{key}.model", spec["model"], _text_to_image(config), "text-to-image model")
        return
    if "pool" in spec:
        others = [
            other
            for other, pool in config["datasets"].items()
            if other != name and ("limit" in pool or "source" in pool)
        ]
        known(f"{key}.pool", spec["pool"], others, "data set")
        known(f"{key}.wrong_by", spec["wrong_by"], network_names(config), "trained network")
        available = dataset_size(config, spec["pool"])
    else:
        _check_source(key, spec)
        available = size(spec)
        _check_classes(config, name, spec)
    if available is None:  # of the user's own files: known only once they are read
        return
    if spec.get("limit", 0) > available:
        what = "examples" if spec.get("source") == "scenes-winoground" else "images"
        raise InputError(
            f"{key}.limit: found {spec['limit']}, expected at most {available}, the number of "
            f"{what} there are; lower it or leave it out to take all"
        )


def _check_keys(key: str, spec: dict[str, Any]) -> None:
    """That a data set has the keys that its way of coming about needs, and none of another's."""
    if "source" in spec:
        allowed, origin = SOURCE_KEYS[spec["source"]], f"the source {spec['source']}"
    else:  # the schema has seen that it is exactly one of the two
        kind = "pool" if set(DERIVED_KEYS["pool"]) <= set(spec) else "model"
        allowed, origin = DERIVED_KEYS[kind], f"a data set with a `{kind}`"
    special = set().union(*SOURCE_KEYS.values(), *DERIVED_KEYS.values())
    for name in sorted(special & set(spec)):
        if name not in allowed:
            raise InputError(
                f"{key}.{name}: found {spec[name]!r}, but {origin} has no such key, expected some "
                f"of {', '.join(f'`{known}`' for known in allowed)}; leave it out"
            )
    for name, required in allowed.items():
        if required and name not in spec:
            raise InputError(
                f"{key}: found {origin}, but the key `{name}` it needs is missing; add it"
            )


def _check_source(key: str, spec: dict[str, Any]) -> None:
    if "copies" in spec and "shift" not in spec:
        raise InputError(
            f"{key}.copies: found {spec['copies']}, but the key `shift` is missing, so all copies "
            "would be equal; add a `shift` or leave `copies` out"
        )
    if spec.get("split") == "validation" and spec["source"] != "scenes":
        raise InputError(
            f"{key}.split: found 'validation', but the source {spec['source']} has only `train` "
            "and `test`; choose one"
        )
    if "file" in spec and not Path(spec["file"]).is_file():
        raise InputError(
            f"{key}.file: found {spec['file']!r}, which does not exist; expected a Parquet file in "
            "the schema of facebook/winoground; correct the path"
        )


_SHIFT = {"limit": False, "shift": False, "copies": False}
# the keys that only some data sets have, and whether a source cannot do without
SOURCE_KEYS: dict[str, dict[str, bool]] = {
    "mnist": {"split": False, **_SHIFT},
    "uci-digits": _SHIFT,
    "scenes": {"task": True, "split": False, "pairs": False, "rendering": False, **_SHIFT},
    "scenes-winoground": {"per_tag": True, "limit": False},
    "winoground": {"file": True, "limit": False},
    "folder": {"path": True, "metadata": False, "strict": False, **_SHIFT},
}
DERIVED_KEYS: dict[str, dict[str, bool]] = {
    "pool": {"pool": True, "wrong_by": True, "limit": True},
    "model": {"model": True, "per_class": True, "guidance": True, "steps": True},
}


def _check_classes(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    """That the prompts of a data set describe all its classes and no others."""
    classes, prompts = class_count(spec), config["prompts"].get(spec.get("prompts"))
    if classes is None or prompts is None or "captions" in prompts:
        return
    key = f"prompts.{spec['prompts']}"
    if "file" in prompts:
        if Path(prompts["file"]).is_file():
            # pandas takes half a second to import, which only who has such a file should wait for
            from .prompts import check_classes, check_named, read_prompts

            found = read_prompts(prompts["file"])
            check_classes(found, classes, f"{key}.file ({prompts['file']})")
            check_named(found, classes, f"{key}.file ({prompts['file']})")
    elif len(prompts["classes"]) != classes:
        raise InputError(
            f"{key}.classes: found {len(prompts['classes'])} class names, expected {classes}, as "
            f"many as datasets.{name} has classes; correct them, or name other prompts there"
        )


def dataset_size(config: dict[str, Any], name: str) -> int:
    """How many images a pool has after its limit (an adversarial one always has a limit)."""
    spec = config["datasets"][name]
    return spec["limit"] if "limit" in spec else size(spec)


def _check_baseline(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    key = f"baselines.{name}"
    if "train" in spec:
        known(f"{key}.train", spec["train"], config["datasets"], "data set")
    for task, sets in spec.get("tasks", {}).items():
        known(f"{key}.tasks", task, config["prompts"], "set of prompts")
        for part, dataset in sets.items():
            known(f"{key}.tasks.{task}.{part}", dataset, config["datasets"], "data set")
        if spec["kind"] == "probe" and "validation" not in sets:
            raise InputError(
                f"{key}.tasks.{task}: found `train` alone, expected `train` and `validation`, on "
                "whose images a probe chooses its layer and timestep; add it"
            )
    if spec["kind"] == "clip":
        known(f"{key}.model", spec["model"], clip_names(config), "CLIP model")
    if spec["kind"] == "probe":
        known(f"{key}.model", spec["model"], _text_to_image(config), "text-to-image model")


def _text_to_image(config: dict[str, Any]) -> list[str]:
    """The models that draw what a prompt says, and whose UNet has features to look at."""
    return [n for n, model in config["models"].items() if model["family"] == "stable-diffusion"]


def _check_prompts(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    if "captions" in spec:
        known(f"prompts.{name}.captions", spec["captions"], config["datasets"], "data set")
    if "file" in spec:
        if not Path(spec["file"]).is_file():
            raise InputError(
                f"prompts.{name}.file: found {spec['file']!r}, which does not exist; expected a "
                "CSV with the columns prompt,classname,classidx; correct the path"
            )
        return
    for template in spec.get("templates", []):
        if template.count("{}") != 1:
            raise InputError(
                f"prompts.{name}.templates: found {template!r}, expected exactly one {{}} where "
                "the class name goes; correct it"
            )
    classes = spec.get("classes", [])
    repeated = {name for name in classes if classes.count(name) > 1}
    if repeated:
        raise InputError(
            f"prompts.{name}.classes: found {sorted(repeated)[0]!r} twice, expected different "
            "class names; remove one"
        )


def _check_model(config: dict[str, Any], name: str, spec: dict[str, Any], workflow: Path) -> None:
    key = f"models.{name}"
    if spec["weights"] == "train":
        if "training" not in spec:
            raise InputError(
                f"{key}.weights: found `train`, but the key `training` is missing; add the recipe "
                "or name a folder of weights"
            )
        if spec["family"] not in TRAINED:
            raise InputError(
                f"{key}.weights: found `train` with the family {spec['family']}, expected one of "
                f"{', '.join(TRAINED)}, which can be trained here; name a folder of weights"
            )
        _check_training_data(config, f"{key}.training.data", spec)
        if spec["family"] == "stable-diffusion":
            start = spec["training"]["text_encoder"]
            known(f"{key}.training.text_encoder", start, clip_names(config), "CLIP model")
        return
    folder = weights_folder(workflow, name, spec["weights"])
    if not folder.is_dir():
        raise InputError(
            f"{key}.weights: found {spec['weights']!r}, but there is no such folder; expected "
            "`shipped`, `train` or a model folder in the diffusers layout; correct it"
        )


def _check_training_data(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    name = spec["training"]["data"]
    known(key, name, config["datasets"], "data set")
    if spec["family"] != "dit" and config["datasets"][name].get("task") != "captions":
        raise InputError(
            f"{key}: found `{name}`, whose images have no captions, expected a data set of the "
            "source scenes with `task: captions`; choose or add one"
        )


def weights_folder(workflow: Path, name: str, weights: str) -> Path:
    """The folder of weights that are not trained here: shipped ones, or the user's own."""
    return workflow / "resources" / "models" / name if weights == "shipped" else Path(weights)


def _check_evaluation(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    key = f"evaluations.{name}"
    known(f"{key}.model", spec["model"], denoiser_names(config), "diffusion model")
    stages = spec["stages"]
    try:
        check_stages(
            stages["samples"],
            stages["keep"],
            stages.get("trials", 1),
            stages.get("grid"),
            config["noise"]["size"],
        )
    except ValueError as error:
        raise InputError(f"{key}.stages.{error}") from None
