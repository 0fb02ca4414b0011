"""Check `evaluations`: their stages, calibrations, priors and groups."""

from __future__ import annotations

import inspect
from typing import Any

from diffusion_classifier.data.sources.registry import source
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.selection.schedules import check_learned, check_stages

from ..image_counts import candidate_counts
from ..methods import (
    all_questions,
    denoiser_names,
    groups_of,
    method_names,
    split_seed,
    stages_of,
)
from .baseline_checks import check_answers
from .model_checks import TIMESTEPS
from .prompt_checks import class_total
from .table_checks import check_choice

CALIBRATION_SAMPLES = 50
"""Default number of timesteps at which calibration images are measured."""
CALIBRATION_CLASSES = 10
"""Default number of classes with which a calibration image is compared, including its own."""
# keys of a data set's entry that say where its images come from
_ORIGIN = ("source", "dataset", "root", "config", "path", "file", "data_files", "data_dir", "model")


def check_evaluation(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    """Check the entry `spec` of an evaluation, except its prior and groups."""
    key = f"evaluations.{name}"
    known(f"{key}.model", spec["model"], denoiser_names(config), "diffusion model")
    for dataset in spec.get("stages_for", {}):
        known(f"{key}.stages_for", dataset, config["datasets"], "data set")
    for where, stages in schedules(key, spec).items():
        try:
            _check_stages(stages, config["noise"]["size"])
        except ValueError as error:
            raise InputError(f"{where}.{error}") from None
        if "race" in stages and spec.get("class_parts", 1) not in (1, "auto"):
            raise InputError(
                f"{key}.class_parts: found {spec['class_parts']}, but in a race all classes of an "
                "image run in one job; leave it out, and take more `shards` instead"
            )
    if "calibration" in spec:
        _check_calibration(config, f"{key}.calibration", spec["calibration"])
    for part in ("search", "prior"):
        _check_risk(config, f"{key}.{part}", spec.get(part, {}))
    _check_names(config, f"{key}.search.learn", spec.get("search", {}).get("learn", {}))


def schedules(key: str, spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The stages of an evaluation for all data sets and for single ones, by their keys."""
    single = spec.get("stages_for", {}).items()
    return {f"{key}.stages": spec["stages"]} | {
        f"{key}.stages_for.{dataset}": stages for dataset, stages in single
    }


def _check_stages(stages: dict[str, Any], noise_size: int) -> None:
    if stages.get("timesteps") == "learned":
        check_learned(stages, noise_size)
    else:
        if stages.get("race", {}).get("minimum") == 1:
            raise ValueError(
                "race.minimum: found 1, but one sample does not show how much the differences "
                "vary, expected at least 2, or `timesteps: learned`, which learns it from "
                "calibration images; correct it"
            )
        numbers = stages["samples"], stages["keep"], stages.get("trials", 1), stages.get("grid")
        check_stages(*numbers, noise_size)


def _check_calibration(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_names(config, f"{key}.datasets", spec["datasets"])
    for prompts in spec.get("uniform", {}):
        known(f"{key}.uniform", prompts, spec["datasets"], "set of prompts with a calibration")
    samples = spec.get("samples", CALIBRATION_SAMPLES)
    try:
        check_stages([samples], [1], 1, None, config["noise"]["size"])
    except ValueError as error:
        raise InputError(f"{key}.{error}") from None


def _check_risk(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    """Check that `risk` and `calibration` of a search or prior come together, and their names."""
    if ("risk" in spec) != ("calibration" in spec):
        found, other = ("risk", "calibration")[:: 1 if "risk" in spec else -1]
        raise InputError(
            f"{key}.{found}: found without `{other}`, expected both or none: a risk is calibrated "
            f"on labelled images; add `{other}`, or leave `{found}` out"
        )
    _check_names(config, f"{key}.calibration", spec.get("calibration", {}))


def _check_names(config: dict[str, Any], key: str, datasets: dict[str, str]) -> None:
    """Check the names in a mapping of sets of prompts to data sets."""
    for prompts, dataset in datasets.items():
        known(key, prompts, config["prompts"], "set of prompts")
        known(f"{key}.{prompts}", dataset, config["datasets"], "data set")


def check_calibrations(config: dict[str, Any]) -> None:
    """Check that learned timesteps have calibration images, and no test image among them."""
    for name, dataset in all_questions(config):
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
    check_apart(config, f"{key}.datasets.{prompts}", found[prompts], dataset)


def check_apart(
    config: dict[str, Any], key: str, calibration: str, dataset: str, instead: str = ""
) -> None:
    """Check that no image of a data set can be a calibration image; `instead` adds a remedy."""
    if not disjoint(config, calibration, dataset):
        raise InputError(
            f"{key}: found `{calibration}`, some of whose images may be in the test set "
            f"`{dataset}`, expected other images; choose another `split`, or keep them apart by "
            f"`limit` in one and `skip` in the other{instead}"
        )


def disjoint(config: dict[str, Any], one: str, other: str) -> bool:
    """Whether two data sets can have no image in common."""
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
    """The entry of a data set, or of its pool, with the default split of its source."""
    spec = config["datasets"][name]
    for key in ("pool", "drawn"):
        if key in spec:
            return _origin(config, spec[key])
    opens = source(spec["source"]).opens if "source" in spec else None
    split = opens and inspect.signature(opens).parameters.get("split")
    return {"split": split.default, **spec} if split else spec


def check_priors(config: dict[str, Any]) -> None:
    """Check that priors exist, do not wait for each other, and answer what they are needed for."""
    evaluations = config["evaluations"]
    names = [name for kind in method_names(config).values() for name in kind]
    for name in (name for name, spec in evaluations.items() if "prior" in spec):
        key, spec = f"evaluations.{name}.prior", evaluations[name]["prior"]
        known(f"{key}.method", spec["method"], names, "method")
        _check_no_circle(config, key, name)
        _check_keep(f"evaluations.{name}", evaluations[name])
    for name, dataset in all_questions(config):
        if "prior" in evaluations[name]:
            _check_answers(config, name, dataset)


def _check_no_circle(config: dict[str, Any], key: str, name: str) -> None:
    followed = [name]
    while method := config["evaluations"].get(followed[-1], {}).get("prior", {}).get("method"):
        if method in followed:
            raise InputError(
                f"{key}.method: found {' ← '.join([*followed, method])}, a circle of evaluations "
                "that wait for each other, expected another method, such as a baseline; choose one"
            )
        followed.append(method)


def _check_keep(key: str, spec: dict[str, Any]) -> None:
    """Check that a prior keeps at least as many classes as the first stage after it."""
    for where, stages in schedules(key, spec).items():
        if spec["prior"]["keep"] < stages["keep"][0]:
            raise InputError(
                f"{key}.prior.keep: found {spec['prior']['keep']}, expected at least "
                f"{stages['keep'][0]}, as many classes as the first stage keeps ({where}.keep); "
                "raise it, or lower that"
            )


def _check_answers(config: dict[str, Any], name: str, dataset: str) -> None:
    """Check that the prior of an evaluation can answer a data set of the evaluation."""
    key, method = f"evaluations.{name}.prior", config["evaluations"][name]["prior"]["method"]
    check_choice(config, name, dataset)
    if method in config["evaluations"]:  # it can answer all data sets
        _check_scores(config, key, config["evaluations"][name], dataset)
    else:
        check_answers(config, split_seed(config, method)[0], dataset, key)


def _check_scores(config: dict[str, Any], key: str, spec: dict[str, Any], dataset: str) -> None:
    """Check that a prior that is an evaluation has scores of as many classes as are kept."""
    keep, method = spec["prior"]["keep"], spec["prior"]["method"]
    stages = stages_of(config, method, dataset)
    part = "race" if "race" in stages else "search"
    if part == "race" or part in config["evaluations"][method]:
        raise InputError(
            f"{key}.method: found `{method}`, which is a {part} on `{dataset}` and has scores only "
            "of the classes that reach its end, expected a method that scores more; choose another"
        )
    known_classes = candidate_counts(config, dataset)
    wanted = min(keep, known_classes[0]) if known_classes else keep
    scored = {"stages.keep": stages["keep"][:-1]}  # the last stage scores all classes it gets
    scored["prior.keep"] = [config["evaluations"][method].get("prior", {}).get("keep", wanted)]
    for where, counts in scored.items():
        if min(counts, default=wanted) < wanted:
            raise InputError(
                f"{key}.keep: found {keep}, expected at most {min(counts)}, the classes for which "
                f"`{method}` has scores on `{dataset}` (evaluations.{method}.{where}); lower it, "
                "or choose another method"
            )


def check_hierarchies(config: dict[str, Any]) -> None:
    """Check that a stage of groups can run, and removes some groups."""
    for name, spec in config["evaluations"].items():
        if "hierarchy" in spec:
            _check_samples(config, f"evaluations.{name}.hierarchy", spec)
            datasets = [data for other, data in all_questions(config) if other == name]
            _check_groups(config, name, datasets)


def _check_samples(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    samples, noises = spec["hierarchy"]["samples"], config["noise"]["size"]
    family = FAMILIES[config["models"][spec["model"]]["family"]]
    if family.class_conditional:
        raise InputError(
            f"{key}: found for `{spec['model']}`, a model of the family {family.name}, which reads "
            "class indices and has none for groups; expected a model that reads prompts; leave it "
            "out"
        )
    if TIMESTEPS % samples:
        raise InputError(
            f"{key}.samples: found {samples}, expected a divisor of {TIMESTEPS}, the model's "
            "timesteps, to space them evenly; choose one"
        )
    if samples > noises:
        raise InputError(
            f"{key}.samples: found {samples}, but the noise bank has {noises}, expected a noise "
            f"for each sample; set `noise: size` to at least {samples} or take fewer samples"
        )


def _check_groups(config: dict[str, Any], name: str, datasets: list[str]) -> None:
    key, spec = f"evaluations.{name}.hierarchy", config["evaluations"][name]["hierarchy"]
    found = {data: groups for data in datasets if (groups := groups_of(config, name, data))}
    if datasets and not found:
        prompts = sorted({config["datasets"][data]["prompts"] for data in datasets})
        raise InputError(
            f"{key}: found for {', '.join(datasets)}, but the prompts of none of them "
            f"({', '.join(prompts)}) have `groups`; add `groups` to those or leave it out"
        )
    for data, groups in found.items():
        count = class_total(config["prompts"][groups["prompts"]])
        if spec["keep"] >= count:
            prompts = config["datasets"][data]["prompts"]
            raise InputError(
                f"{key}.keep: found {spec['keep']}, expected less than {count}, all groups of the "
                f"prompts `{prompts}` (data set {data}), of which none would be left out; lower "
                "it, or take `groups` from those prompts"
            )
