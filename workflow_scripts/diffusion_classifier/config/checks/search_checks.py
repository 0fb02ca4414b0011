"""Check the calibrated risks of searches and priors, and what a search is combined with."""

from __future__ import annotations

from typing import Any

from diffusion_classifier.data.sources.registry import has_own_captions
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.searches import KEPT, SEARCHES, search_class
from diffusion_classifier.selection.survival import fewest

from ..image_counts import image_count
from ..methods import all_questions
from .evaluation_checks import check_apart, disjoint, schedules


def check_searches(config: dict[str, Any]) -> None:
    """Check that searches can run, are calibrated on enough images, and on no test image."""
    for name, spec in config["evaluations"].items():
        if "search" in spec:
            _check_search(config, name, spec)
        if "risk" in spec.get("prior", {}):
            _check_images(config, f"evaluations.{name}.prior", spec["prior"])
    for name, dataset in all_questions(config):
        spec = config["evaluations"][name]
        if "search" in spec:
            _check_question(config, name, dataset)
            _check_calibrated(config, f"evaluations.{name}.search", spec["search"], dataset)
            _check_learning(config, f"evaluations.{name}.search", spec["search"], dataset)
        if "risk" in spec.get("prior", {}):
            _check_prior(config, name, dataset)


def _check_search(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    key, search = f"evaluations.{name}.search", spec["search"]
    for other in ("prior", "hierarchy"):
        if other in spec:
            raise InputError(
                f"{key}: found beside a `{other}`, expected one way of leaving classes out; remove "
                "one of them"
            )
    _check_images(config, key, search)
    _check_keys(key, search)
    noises = config["noise"]["size"]
    if search["samples"] > noises:
        raise InputError(
            f"{key}.samples: found {search['samples']}, but the noise bank has {noises}, expected "
            "a noise for each sample; lower it, or raise `noise: size`"
        )
    for where, stages in schedules(f"evaluations.{name}", spec).items():
        if (keep := search.get("keep", KEPT)) < stages["keep"][0]:
            raise InputError(
                f"{key}.keep: found {keep}, expected at least {stages['keep'][0]}, as many classes "
                f"as the first stage keeps ({where}.keep); raise it, or lower that"
            )


def _check_keys(key: str, search: dict[str, Any]) -> None:
    """Check that a search has the keys of its kind, and none of another."""
    kind = search_class(search["kind"])
    needed = {*kind.required, *(["learn"] if kind.learns else [])}
    others = {name for other in SEARCHES for name in search_class(other).keys} - {*kind.keys}
    others |= set() if kind.learns else {"learn"}
    for name in sorted(needed - {*search}):
        raise InputError(
            f"{key}: found no `{name}`, expected it in a search of the kind `{search['kind']}`; "
            "config/README.md explains it; add it"
        )
    for name in sorted(others & {*search}):
        raise InputError(
            f"{key}.{name}: found in a search of the kind `{search['kind']}`, which does not read "
            "it, expected only keys of its kind; remove it, or choose another `kind`"
        )


def _check_question(config: dict[str, Any], name: str, dataset: str) -> None:
    key, spec = f"evaluations.{name}.search", config["evaluations"][name]
    if has_own_captions(config["datasets"][dataset]):
        raise InputError(
            f"{key}: found for the data set `{dataset}`, each image of which has its own captions, "
            "expected data sets whose images have the same classes; leave it out"
        )
    prompts = config["datasets"][dataset]["prompts"]
    learned = spec["search"].get("timesteps") == "learned"
    if learned and prompts not in spec.get("calibration", {}).get("datasets", {}):
        raise InputError(
            f"{key}.timesteps: found `learned`, but `calibration.datasets` has nothing for the "
            f"prompts `{prompts}`, expected a data set that timesteps are learned on; add it, or "
            "use `timesteps: even`"
        )


def _check_learning(config: dict[str, Any], key: str, search: dict[str, Any], data: str) -> None:
    """Check that a search learns from images that are neither test nor calibration images."""
    if "learn" not in search:
        return
    prompts, found = config["datasets"][data]["prompts"], search["learn"]
    if prompts not in found:
        raise InputError(
            f"{key}.learn: found nothing for the prompts `{prompts}` of the data set `{data}`, "
            f"expected a data set that the search learns from; add `{prompts}: <data set>`"
        )
    check_apart(config, f"{key}.learn.{prompts}", found[prompts], data)
    calibration = search["calibration"][prompts]
    if not disjoint(config, found[prompts], calibration):
        raise InputError(
            f"{key}.learn.{prompts}: found `{found[prompts]}`, some of whose images may be in the "
            f"calibration set `{calibration}`, expected other images, as a search knows those that "
            "it has learned from better than test images; keep them apart by `limit` in one and "
            "`skip` in the other"
        )
    _check_level_risk(config, key, search, found[prompts])


def _check_level_risk(config: dict[str, Any], key: str, search: dict[str, Any], data: str) -> None:
    images, risk = image_count(config, data), search.get("level_risk", 0.5)
    if images is not None and images < fewest(risk):
        raise InputError(
            f"{key}.level_risk: found {risk:g}, which takes at least {fewest(risk)} images, but "
            f"`{data}` has {images}; raise it, or take more images"
        )


def _check_prior(config: dict[str, Any], name: str, dataset: str) -> None:
    """Check a prior with a risk, whose method answers the calibration images as well."""
    key, prior = f"evaluations.{name}.prior", config["evaluations"][name]["prior"]
    _check_calibrated(config, key, prior, dataset)
    prompts = config["datasets"][dataset]["prompts"]
    calibration = prior["calibration"][prompts]
    if config["datasets"][calibration].get("prompts") != prompts:
        raise InputError(
            f"{key}.calibration.{prompts}: found `{calibration}`, whose entry does not have these "
            f"prompts, expected a data set that `{prior['method']}` can classify; write `prompts: "
            f"{prompts}` in it"
        )


def _check_images(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    """Check that there are enough calibration images for the risk in `spec`."""
    for dataset in spec["calibration"].values():
        images, least = image_count(config, dataset), fewest(spec["risk"])
        if images is not None and images < least:
            raise InputError(
                f"{key}.risk: found {spec['risk']:g}, which takes at least {least} calibration "
                f"images, but `{dataset}` has {images}; raise it, or take more images"
            )


def _check_calibrated(config: dict[str, Any], key: str, spec: dict[str, Any], data: str) -> None:
    """Check that a data set has calibration images, other than its own."""
    prompts, found = config["datasets"][data]["prompts"], spec["calibration"]
    if prompts not in found:
        raise InputError(
            f"{key}.calibration: found nothing for the prompts `{prompts}` of the data set "
            f"`{data}`, expected a data set that shows how far behind the true class may be; add "
            f"`{prompts}: <data set>`"
        )
    check_apart(config, f"{key}.calibration.{prompts}", found[prompts], data)
