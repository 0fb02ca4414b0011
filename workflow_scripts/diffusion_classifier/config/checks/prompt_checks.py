"""Check `prompts`: their files, templates and class names, and groups of their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.data import class_lists
from diffusion_classifier.data.sources.registry import has_own_captions
from diffusion_classifier.data.webdataset.class_texts import read_class_texts
from diffusion_classifier.messages import InputError, known


def check_prompts(config: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    """Check the entry `spec` of a set of prompts, except its groups."""
    if "captions" in spec:
        known(f"prompts.{name}.captions", spec["captions"], config["datasets"], "data set")
    if "webdataset" in spec:
        _check_webdataset(config, f"prompts.{name}.webdataset", spec)
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
        known(key, classes, class_lists.class_list_names(), "class list in data/classes")
        return
    repeated = {name for name in classes if classes.count(name) > 1}
    if repeated:
        raise InputError(
            f"prompts.{name}.classes: found {sorted(repeated)[0]!r} twice, expected different "
            "class names; remove one"
        )


def _check_webdataset(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    """Raise InputError unless the data set has class names and templates, where they are local."""
    fitting = [n for n, s in config["datasets"].items() if s.get("source") == "webdataset"]
    known(key, spec["webdataset"], fitting, "data set with `source: webdataset`")
    beside = config["datasets"][spec["webdataset"]]
    if "root" not in beside:
        return
    try:
        read_class_texts(Path(beside["root"]), "templates" not in spec)
    except InputError as error:
        raise InputError(f"{key}: {error}") from None


def check_groups(config: dict[str, Any], name: str) -> None:
    """Check that the `groups` of a set of prompts, if any, contain each of its classes."""
    key, spec = f"prompts.{name}.groups", config["prompts"][name]
    if "groups" not in spec:
        return
    others = [other for other in config["prompts"] if other != name]
    known(f"{key}.prompts", spec["groups"]["prompts"], others, "other set of prompts")
    groups = class_total(config["prompts"][spec["groups"]["prompts"]])
    if groups is None:
        raise InputError(
            f"{key}.prompts: found `{spec['groups']['prompts']}`, which is made of a data set's "
            "captions or texts, expected a set with `classes` or a `file`; choose another"
        )
    captioned = config["datasets"].get(spec.get("captions"), {})
    if has_own_captions(captioned):
        raise InputError(
            f"{key}: found beside the captions of `{spec['captions']}`, of which every image has "
            "its own, so there are no classes to group; leave it out"
        )
    # only configs with groups need pandas, whose import takes half a second
    from diffusion_classifier.selection import hierarchy

    group_of = hierarchy.read_groups(spec["groups"]["of"], f"{key}.of")
    hierarchy.check_groups(group_of, class_total(spec), groups, f"{key}.of")


def prompt_classes(prompts: dict[str, Any]) -> int:
    """The number of classes in an entry of `prompts` with `classes`."""
    classes = prompts["classes"]
    return class_lists.class_count(classes) if isinstance(classes, str) else len(classes)


def class_total(spec: dict[str, Any]) -> int | None:
    """The number of classes in a set of prompts; None for captions of a data set."""
    if "classes" in spec:
        return prompt_classes(spec)
    if "captions" in spec or "webdataset" in spec:
        return None
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts

    return int(named_prompts(read_prompts(spec["file"]))["classidx"].max()) + 1
