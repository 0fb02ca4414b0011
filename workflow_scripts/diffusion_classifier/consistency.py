"""What a schema cannot say of a config: that names exist and numbers fit together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .datasets.sizes import size
from .messages import InputError
from .schedules import check_stages


def check_consistency(config: dict[str, Any], workflow: Path) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    for name, spec in config["datasets"].items():
        _check_dataset(config, name, spec)
    for name, spec in config["prompts"].items():
        _check_prompts(name, spec)
    for name, spec in config["models"].items():
        _check_model(config, name, spec, workflow)
    for name, spec in config["evaluations"].items():
        _check_evaluation(config, name, spec)
    for name, spec in config["baselines"].items():
        _known(f"baselines.{name}.train", spec["train"], config["datasets"], "data set")
    names = [name for kind in method_names(config).values() for name in kind]
    clash = [name for name in names if names.count(name) > 1]
    if clash:
        raise InputError(
            f"baselines: found the name `{clash[0]}`, which another baseline or an evaluation has "
            "too; expected different names (a baseline with seeds is called <name>-seed<n>); "
            "rename one of them"
        )
    for name, spec in config["tables"].items():
        _check_table(config, f"tables.{name}", spec)


def method_names(config: dict[str, Any]) -> dict[str, list[str]]:
    """The names of all methods by kind: a baseline with seeds is one method per seed."""
    baselines = []
    for name, spec in config["baselines"].items():
        seeds = spec.get("seeds")
        baselines += [name] if seeds is None else [f"{name}-seed{seed}" for seed in seeds]
    return {"diffusion": list(config["evaluations"]), "baseline": baselines}


def _known(key: str, value: str, names: Iterable[str], what: str) -> None:
    names = list(names)
    if value in names:
        return
    close = difflib.get_close_matches(value, names, n=1)
    remedy = f"did you mean `{close[0]}`?" if close else "correct it or add it"
    listed = ", ".join(f"`{name}`" for name in names) or "none is defined"
    raise InputError(
        f"{key}: found the unknown {what} `{value}`, expected one of {listed}; {remedy}"
    )


def _check_dataset(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    key = f"datasets.{name}"
    _known(f"{key}.prompts", spec["prompts"], config["prompts"], "set of prompts")
    if "pool" in spec:
        others = [other for other in config["datasets"] if other != name]
        _known(f"{key}.pool", spec["pool"], others, "data set")
        _known(f"{key}.wrong_by", spec["wrong_by"], network_names(config), "trained network")
        available = dataset_size(config, spec["pool"])
    else:
        _check_source(key, spec)
        available = size(spec)
    if spec.get("limit", 0) > available:
        raise InputError(
            f"{key}.limit: found {spec['limit']}, expected at most {available}, the number of "
            "images there are; lower it or leave it out to take all"
        )


def _check_source(key: str, spec: dict[str, Any]) -> None:
    if "copies" in spec and "shift" not in spec:
        raise InputError(
            f"{key}.copies: found {spec['copies']}, but the key `shift` is missing, so all copies "
            "would be equal; add a `shift` or leave `copies` out"
        )
    if "split" in spec and spec["source"] != "mnist":
        raise InputError(
            f"{key}.split: found {spec['split']!r}, but the source {spec['source']} has no splits; "
            "leave it out"
        )


def dataset_size(config: dict[str, Any], name: str) -> int:
    """How many images a data set has after its limit (an adversarial one always has a limit)."""
    spec = config["datasets"][name]
    return spec["limit"] if "limit" in spec else size(spec)


def baseline_spec(config: dict[str, Any], method: str) -> dict[str, Any]:
    """The config's entry of a baseline method, without its seed."""
    return config["baselines"][split_seed(config, method)[0]]


def network_names(config: dict[str, Any]) -> list[str]:
    """The baseline methods that are trained by gradient descent and saved."""
    names = method_names(config)["baseline"]
    return [name for name in names if baseline_spec(config, name)["kind"] in ("resnet", "vit")]


def split_seed(config: dict[str, Any], method: str) -> tuple[str, int]:
    """A baseline method's name in the config and its seed: `resnet-16-seed1` → (resnet-16, 1)."""
    if method in config["baselines"]:
        return method, 0
    name, _, seed = method.rpartition("-seed")
    return name, int(seed)


def _check_prompts(name: str, spec: dict[str, Any]) -> None:
    if "file" in spec:
        if not Path(spec["file"]).is_file():
            raise InputError(
                f"prompts.{name}.file: found {spec['file']!r}, which does not exist; expected a "
                "CSV with the columns prompt,classname,classidx; correct the path"
            )
        return
    for template in spec["templates"]:
        if template.count("{}") != 1:
            raise InputError(
                f"prompts.{name}.templates: found {template!r}, expected exactly one {{}} where "
                "the class name goes; correct it"
            )
    repeated = {c for c in spec["classes"] if spec["classes"].count(c) > 1}
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
        if spec["family"] != "dit":
            raise InputError(
                f"{key}.weights: found `train` with the family {spec['family']}, but only the "
                "family dit can be trained here; name a folder of weights"
            )
        _known(f"{key}.training.data", spec["training"]["data"], config["datasets"], "data set")
        return
    folder = weights_folder(workflow, name, spec["weights"])
    if not folder.is_dir():
        raise InputError(
            f"{key}.weights: found {spec['weights']!r}, but there is no such folder; expected "
            "`shipped`, `train` or a model folder in the diffusers layout; correct it"
        )


def weights_folder(workflow: Path, name: str, weights: str) -> Path:
    """The folder of weights that are not trained here: shipped ones, or the user's own."""
    return workflow / "resources" / "models" / name if weights == "shipped" else Path(weights)


def _check_evaluation(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    key = f"evaluations.{name}"
    _known(f"{key}.model", spec["model"], config["models"], "model")
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


def _check_table(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    for name in spec["datasets"]:
        _known(f"{key}.datasets", name, config["datasets"], "data set")
    methods = method_names(config)
    for name in spec["methods"]:
        _known(f"{key}.methods", name, methods["diffusion"] + list(config["baselines"]), "method")
    if not set(spec["methods"]) & set(config["evaluations"]):
        raise InputError(
            f"{key}.methods: found no evaluation among them, expected at least one; add one of "
            + ", ".join(f"`{name}`" for name in config["evaluations"])
        )
    curves = spec["curves"]
    _known(f"{key}.curves.evaluation", curves["evaluation"], config["evaluations"], "evaluation")
    _known(f"{key}.curves.dataset", curves["dataset"], spec["datasets"], "data set of this table")
    stages = config["evaluations"][curves["evaluation"]]["stages"]
    if len(stages["samples"]) != 1:
        raise InputError(
            f"{key}.curves.evaluation: found `{curves['evaluation']}` with "
            f"{len(stages['samples'])} stages, expected a single stage (all classes at all "
            "timesteps); choose another or shorten its `samples` and `keep`"
        )
