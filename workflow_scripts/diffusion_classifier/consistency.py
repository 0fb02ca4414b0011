"""What a schema cannot say of a config: that names exist and numbers fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import class_lists
from .benchmark_checks import check_benchmark
from .count_checks import check_counts
from .dataset_checks import check_dataset
from .hierarchy_checks import check_groups, check_hierarchies
from .messages import InputError, known
from .methods import clip_names, method_names, text_to_image_names
from .model_checks import check_fetched, check_model
from .prior_checks import check_priors
from .shape_checks import check_shapes
from .size_checks import check_sizes
from .stage_checks import check_calibrations, check_evaluation
from .table_checks import check_tables
from .weights.parts import check_classifier_folder


def check_consistency(config: dict[str, Any], workflow: Path) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    for name, spec in config["prompts"].items():
        _check_prompts(config, name, spec)
    for name in config["prompts"]:  # once all of them are known to be in order
        check_groups(config, name)
    for name, spec in config["datasets"].items():
        check_dataset(config, name, spec)
    for name, spec in config["models"].items():
        check_model(config, name, spec, workflow)
    for name, spec in config["evaluations"].items():
        check_evaluation(config, name, spec)
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
    check_calibrations(config)
    check_priors(config)
    check_hierarchies(config)
    check_benchmark(config)
    check_sizes(config)
    check_counts(config)
    check_shapes(config, workflow)


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
    if isinstance(spec.get("weights"), dict):
        check_fetched(f"{key}.weights", spec["weights"])
    elif spec["kind"] == "pretrained" and not Path(spec["weights"]).is_dir():
        raise InputError(
            f"{key}.weights: found {spec['weights']!r}, but there is no such folder; expected one, "
            "or `hub` and `revision`, or `torchvision`; correct it"
        )
    elif spec["kind"] == "pretrained":
        try:
            check_classifier_folder(spec["weights"])
        except InputError as error:
            raise InputError(f"{key}.weights: {error}") from None
    if spec["kind"] == "probe":
        known(f"{key}.model", spec["model"], text_to_image_names(config), "text-to-image model")


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
    if isinstance(classes, str):
        key = f"prompts.{name}.classes"
        known(key, classes, class_lists.class_list_names(), "class list in resources/classes")
        return
    repeated = {name for name in classes if classes.count(name) > 1}
    if repeated:
        raise InputError(
            f"prompts.{name}.classes: found {sorted(repeated)[0]!r} twice, expected different "
            "class names; remove one"
        )
