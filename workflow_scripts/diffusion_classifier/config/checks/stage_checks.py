"""What evaluations need: stages that make sense, and calibration images that are no test images."""

from __future__ import annotations

import inspect
from typing import Any

from diffusion_classifier.data.sources.registry import source
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.selection.schedules import check_learned, check_stages

from ..methods import denoiser_names, questions, stages_of

CALIBRATION_SAMPLES = 50
"""Timesteps at which calibration images are measured, unless the config says otherwise."""
CALIBRATION_CLASSES = 10
"""Classes that a calibration image is asked about, its own included, unless the config says so."""
# of a data set's entry, what says where its images come from
_ORIGIN = ("source", "dataset", "root", "config", "path", "file", "data_files", "data_dir", "model")


def check_evaluation(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    key = f"evaluations.{name}"
    known(f"{key}.model", spec["model"], denoiser_names(config), "diffusion model")
    schedules = {f"{key}.stages": spec["stages"]}
    for dataset, stages in spec.get("stages_for", {}).items():
        known(f"{key}.stages_for", dataset, config["datasets"], "data set")
        schedules[f"{key}.stages_for.{dataset}"] = stages
    for where, stages in schedules.items():
        try:
            _check_stages(stages, config["noise"]["size"])
        except ValueError as error:
            raise InputError(f"{where}.{error}") from None
        if "race" in stages and spec.get("class_parts", 1) > 1:
            raise InputError(
                f"{key}.class_parts: found {spec['class_parts']}, but in a race all classes of an "
                "image run in one job; leave it out, and take more `shards` instead"
            )
    if "calibration" in spec:
        _check_calibration(config, f"{key}.calibration", spec["calibration"])


def _check_stages(stages: dict[str, Any], noise_size: int) -> None:
    if stages.get("timesteps") == "learned":
        check_learned(stages, noise_size)
    else:
        if stages.get("race", {}).get("minimum") == 1:
            raise ValueError(
                "race.minimum: found 1, but one sample says nothing of how much the differences "
                "vary, expected at least 2, or `timesteps: learned`, which knows it from "
                "calibration images; correct it"
            )
        numbers = stages["samples"], stages["keep"], stages.get("trials", 1), stages.get("grid")
        check_stages(*numbers, noise_size)


def _check_calibration(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    for prompts, dataset in spec["datasets"].items():
        known(f"{key}.datasets", prompts, config["prompts"], "set of prompts")
        known(f"{key}.datasets.{prompts}", dataset, config["datasets"], "data set")
    for prompts in spec.get("uniform", {}):
        known(f"{key}.uniform", prompts, spec["datasets"], "set of prompts with a calibration")
    samples = spec.get("samples", CALIBRATION_SAMPLES)
    try:
        check_stages([samples], [1], 1, None, config["noise"]["size"])
    except ValueError as error:
        raise InputError(f"{key}.{error}") from None


def check_calibrations(config: dict[str, Any]) -> None:
    """That learned timesteps have images to be learned on, none of which is tested on.

    Raises InputError otherwise.
    """
    for table in config["tables"]:
        for name, dataset in questions(config, table):
            if stages_of(config, name, dataset).get("timesteps") == "learned":
                _check_learned(config, name, dataset)


def _check_learned(config: dict[str, Any], name: str, dataset: str) -> None:
    key, prompts = f"evaluations.{name}.calibration", config["datasets"][dataset]["prompts"]
    found = config["evaluations"][name].get("calibration", {}).get("datasets", {})
    if prompts not in found:
        raise InputError(
            f"{key}.datasets: found nothing for the prompts `{prompts}` of the data set "
            f"`{dataset}`, expected a data set that timesteps are learned on (as `stages` say "
            f"`timesteps: learned`); add `{prompts}: <data set>` or use `timesteps: even`"
        )
    if not _disjoint(config, found[prompts], dataset):
        raise InputError(
            f"{key}.datasets.{prompts}: found `{found[prompts]}`, some of whose images may be in "
            f"the test set `{dataset}`, expected other images; choose another `split`, or keep "
            "them apart by `limit` in one and `skip` in the other"
        )


def _disjoint(config: dict[str, Any], one: str, other: str) -> bool:
    """Whether no image can be in both of two data sets."""
    a, b = _origin(config, one), _origin(config, other)
    if any(a.get(key) != b.get(key) for key in _ORIGIN):
        return True
    if a.get("split") and b.get("split") and a["split"] != b["split"]:
        return True
    apart = any(
        "limit" in first and second.get("skip", 0) >= first["limit"]
        for first, second in ((a, b), (b, a))
    )
    return apart and a.get("seed", 0) == b.get("seed", 0)


def _origin(config: dict[str, Any], name: str) -> dict[str, Any]:
    """The entry of the data set that a data set's images come from, with the split it means."""
    spec = config["datasets"][name]
    if "pool" in spec:
        return _origin(config, spec["pool"])
    opens = source(spec["source"]).opens if "source" in spec else None
    split = opens and inspect.signature(opens).parameters.get("split")
    return {"split": split.default, **spec} if split else spec
