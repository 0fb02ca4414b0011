"""Check `datasets`: the keys of their source, their sizes, and that they fit their prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.baselines.baseline import TEXT_TO_IMAGE
from diffusion_classifier.baselines.registry import baseline
from diffusion_classifier.data.sources.registry import SOURCES, has_own_captions, source
from diffusion_classifier.data.sources.sizes import class_count, size
from diffusion_classifier.messages import InputError, known

from ..methods import baseline_spec, filter_prompts, models_for, network_methods
from .prompt_checks import prompt_classes

DERIVED_KEYS: dict[str, dict[str, bool]] = {
    "pool": {"pool": True, "wrong_by": True, "limit": True},
    "model": {"model": True, "per_class": True, "guidance": True, "steps": True, "dtype": False},
    "drawn": {"drawn": True, "judge": False, "ticked": False},
}


def check_dataset(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    """Check the entry `spec` of a data set."""
    key = f"datasets.{name}"
    if "prompts" in spec:
        known(f"{key}.prompts", spec["prompts"], config["prompts"], "set of prompts")
    _check_keys(key, spec)
    if "model" in spec:
        known(f"{key}.model", spec["model"], models_for(config, TEXT_TO_IMAGE), TEXT_TO_IMAGE)
        return
    if "drawn" in spec:
        _check_drawn(config, name)
        return
    if "pool" in spec:
        others = [
            other
            for other, pool in config["datasets"].items()
            if other != name and ("limit" in pool or "source" in pool)
        ]
        known(f"{key}.pool", spec["pool"], others, "data set")
        _check_filter(config, name)
        pool = config["datasets"][spec["pool"]]
        available = pool["limit"] if "limit" in pool else size(pool)
    else:
        _check_source(key, spec)
        available = size(spec)
        _check_classes(config, name, spec)
    # None: the number of the user's own files is unknown before they are read
    if available is not None and spec.get("limit", 0) + spec.get("skip", 0) > available:
        what = "examples" if has_own_captions(spec) else "images"
        skipped = f" after skipping {spec['skip']}" if "skip" in spec else ""
        raise InputError(
            f"{key}.limit: found {spec.get('limit', 0)}{skipped}, expected at most {available}, "
            f"the number of {what} there are; lower it or leave it out to take all"
        )


def _check_filter(config: dict[str, Any], name: str) -> None:
    """Check that the network `wrong_by` has learned the prompts of the data set."""
    key, network = f"datasets.{name}", config["datasets"][name]["wrong_by"]
    known(f"{key}.wrong_by", network, network_methods(config), "trained network")
    prompts, tasks = filter_prompts(config, name), baseline_spec(config, network)["tasks"]
    if prompts not in tasks:
        found = f"prompts `{prompts}`" if prompts else "no `prompts`"
        raise InputError(
            f"{key}: found {found}, expected one of {', '.join(tasks)}, which the network "
            f"`{network}` (`wrong_by`) has learned; add or correct `prompts`, or choose another"
        )


def _check_drawn(config: dict[str, Any], name: str) -> None:
    """That a judge that reads texts, or a list, keeps drawings of a data set with a `model`."""
    key, spec = f"datasets.{name}", config["datasets"][name]
    drawings = [other for other, entry in config["datasets"].items() if "model" in entry]
    known(f"{key}.drawn", spec["drawn"], drawings, "data set with a `model`")
    named = [way for way in ("judge", "ticked") if way in spec]
    if len(named) != 1:
        raise InputError(
            f"{key}: found {' and '.join(f'`{way}`' for way in named) or 'no judge'}, expected "
            "either `judge`, a baseline, or `ticked`, a list of files; correct it"
        )
    theirs = config["datasets"][spec["drawn"]]["prompts"]
    if spec["prompts"] != theirs:
        raise InputError(
            f"{key}.prompts: found `{spec['prompts']}`, expected `{theirs}`, of which "
            f"`{spec['drawn']}` was drawn; correct it"
        )
    if "judge" in spec:
        judges = [n for n, entry in config["baselines"].items() if baseline(entry["kind"]).model]
        reading = [n for n in judges if baseline(config["baselines"][n]["kind"]).reads_texts]
        known(f"{key}.judge", spec["judge"], reading, "baseline that reads texts")
    elif not Path(spec["ticked"]).is_file():
        raise InputError(
            f"{key}.ticked: found {spec['ticked']!r}, which does not exist; expected a list with "
            "a drawing's file on each line; correct the path"
        )


def _check_keys(key: str, spec: dict[str, Any]) -> None:
    """Check that a data set has all keys of its source, pool or model, and none of another's."""
    if "source" in spec:
        allowed, origin = _source_keys(spec["source"]), f"the source {spec['source']}"
    else:  # the schema has seen that it is exactly one of them
        kind = next(
            way
            for way, keys in DERIVED_KEYS.items()
            if all(key in spec for key, required in keys.items() if required)
        )
        allowed, origin = DERIVED_KEYS[kind], f"a data set with a `{kind}`"
    special = set().union(*map(_source_keys, SOURCES), *DERIVED_KEYS.values())
    for name in sorted(special & set(spec)):
        if name not in allowed:
            raise InputError(
                f"{key}.{name}: found {spec[name]!r}, but {origin} has no such key, expected some "
                f"of {', '.join(f'`{known}`' for known in allowed)}; leave it out"
            )
    for name, required in allowed.items():
        if required and name not in spec:
            raise InputError(f"{key}: found {origin}, but its key `{name}` is missing; add it")


def _source_keys(name: str) -> dict[str, bool]:
    """The keys of a source, and whether they are required."""
    found = source(name)
    return {key: key in found.required for key in (*found.keys, *found.common)}


def _check_source(key: str, spec: dict[str, Any]) -> None:
    found = source(spec["source"])
    if "copies" in spec and "shift" not in spec:
        raise InputError(
            f"{key}.copies: found {spec['copies']}, but the key `shift` is missing, so all copies "
            "would be equal; add a `shift` or leave `copies` out"
        )
    if found.splits and spec.get("split", "test") not in found.splits:
        raise InputError(
            f"{key}.split: found {spec['split']!r}, expected one of {', '.join(found.splits)}, "
            f"which the source {spec['source']} has; correct it"
        )
    if "indices" in spec and {"limit", "skip"} & set(spec):
        raise InputError(
            f"{key}.indices: found together with `limit` or `skip`, expected either chosen images "
            "or a number of images; leave one out"
        )
    found.check(key, spec)


def _check_classes(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    """Check that the prompts of a data set describe all its classes and no others."""
    classes, prompts = class_count(spec), config["prompts"].get(spec.get("prompts"))
    if classes is None or prompts is None or "captions" in prompts:
        return
    key = f"prompts.{spec['prompts']}"
    if "webdataset" in prompts:
        beside = class_count(config["datasets"][prompts["webdataset"]])
        if beside not in (None, classes):
            raise InputError(
                f"{key}.webdataset: found {beside} classes of `{prompts['webdataset']}`, expected "
                f"{classes}, as many as datasets.{name} has; name other prompts there"
            )
        return
    if "file" in prompts:
        if Path(prompts["file"]).is_file():
            # only configs with such a file need pandas, whose import takes half a second
            from diffusion_classifier.data.prompt_sets import (
                check_classes,
                check_named,
                read_prompts,
            )

            found = read_prompts(prompts["file"])
            check_classes(found, classes, f"{key}.file ({prompts['file']})")
            check_named(found, classes, f"{key}.file ({prompts['file']})")
    elif (count := prompt_classes(prompts)) != classes:
        raise InputError(
            f"{key}.classes: found {count} class names, expected {classes}, as "
            f"many as datasets.{name} has classes; correct them, or name other prompts there"
        )
