"""The sources of images that a config may name. A new source is a module here and a line below."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from diffusion_classifier.messages import InputError

from .source import Source

SOURCES: dict[str, str] = {
    "mnist": "digits:MNIST",
    "uci-digits": "digits:UCI_DIGITS",
    "scenes": "scenes:SCENES",
    "scenes-winoground": "winoground:RENDERED",
    "winoground": "winoground:WINOGROUND",
    "matching": "matching:MATCHING",
    "scenes-matching": "scenes_matching:SCENES_MATCHING",
    "folder": "folder:FOLDER",
    "torchvision": "torchvision_sets:TORCHVISION",
    "huggingface": "huggingface:HUGGINGFACE",
    "webdataset": "webdataset:WEBDATASET",
    "imagenet": "imagenet:IMAGENET",
    "imagenet-v2": "imagenet:IMAGENET_V2",
    "imagenet-a": "imagenet:IMAGENET_A",
    "objectnet": "imagenet:OBJECTNET",
}
"""`source` in the config -> the module in this folder and the Source in that module."""


def source(name: str | None) -> Source:
    """Import the module of the Source `name` and return it; InputError if there is none."""
    if name not in SOURCES:
        raise InputError(
            f"`source` in `datasets`: found {name!r}, expected one of {', '.join(SOURCES)}; "
            "correct it in the config"
        )
    module, _, attribute = SOURCES[name].partition(":")
    return getattr(import_module(f".{module}", __package__), attribute)


def has_examples(spec: dict[str, Any]) -> bool:
    """Whether a data set consists of examples with two images and two captions each."""
    return "source" in spec and source(spec["source"]).examples


def has_matching_tasks(spec: dict[str, Any]) -> bool:
    """Whether a data set consists of matching tasks, each with captions of its own."""
    return "source" in spec and source(spec["source"]).matching


def has_own_captions(spec: dict[str, Any]) -> bool:
    """Whether images have captions of their own, so that there are no classes to choose from."""
    return has_examples(spec) or has_matching_tasks(spec)


def input_files(spec: dict[str, Any]) -> list[str]:
    """The user's files that a data set with a `source` reads.

    Raises InputError if they cannot be listed.
    """
    indices = spec.get("indices")
    return source(spec["source"]).inputs(spec) + ([indices] if isinstance(indices, str) else [])
